"""A blind test for webMUSHRA: its configuration and its sounds in one archive, unpacked into webMUSHRA's folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

from separation.comparing.blind_test import BlindTest, Kind
from separation.comparing.kept_sides import trial_wavs
from separation.comparing.ratings import condition_of
from separation.comparing.trials import RatingTrial, Trial
from separation.errors import SettingsError
from separation.listening.webmushra import WebItem, WebTest, abx_config, mushra_config
from separation.results.store import StoredItem

Sounds = dict[str, bytes]  # by their paths in the archive


def write_bundle(test: BlindTest, sounds: StoredItem, path: Path) -> None:
    """Write the archive: configs/NAME.yaml, and below it the sounds of all sides as 24-bit WAV.

    Of ABX, webMUSHRA shows which of its two sounds is the reference to be found, so that it asks the question of ABX:
    which of the two is the one there is to hear. Of ratings, it hides the reference among the sounds and makes the
    anchors itself. A blind preference without a reference is none of its kinds of pages.

    Args:
        test: an ABX test, or one of ratings.
        sounds: what is kept of its sides.
        path: of the archive.

    Raises:
        SettingsError: it is a test of preference.
        AudioError: a sound is gone.
    """
    if test.kind is Kind.PREFERENCE:
        raise SettingsError(
            "This test cannot be taken to webMUSHRA.",
            "It asks for a preference, and webMUSHRA's pages of that kind show which sound is the reference.",
            "Make an ABX test or one of ratings for it, or download the answers as JSON or CSV.",
        )
    name = f"audio-playground-{test.id}"
    folder = f"configs/resources/{name}"
    config, files = (_abx if test.kind is Kind.ABX else _ratings)(test, sounds, name, folder)
    with zipfile.ZipFile(path, "w", strict_timestamps=False) as bundle:
        bundle.writestr(f"configs/{name}.yaml", config)
        for place, wav in files.items():
            bundle.writestr(place, wav)


def item_name(test: BlindTest, passage: int) -> str:
    """Return what a passage is called in webMUSHRA's results."""
    return f"{test.id}-{passage + 1}"


def _abx(test: BlindTest, sounds: StoredItem, name: str, folder: str) -> tuple[str, Sounds]:
    places = {letter: f"{folder}/{letter.lower()}.wav" for letter in "AB"}
    item = WebItem(name=test.id, reference=places["A"], stimuli={"B": places["B"]})
    asks = "One of the two is the reference. Which one?"
    web = WebTest(test_id=name, title=test.title, items=[item], instructions=asks)
    wavs = trial_wavs(sounds, Trial(0, 1))
    return abx_config(web, n_trials=test.n_trials), {places[letter]: wav for letter, wav in wavs.items()}


def _ratings(test: BlindTest, sounds: StoredItem, name: str, folder: str) -> tuple[str, Sounds]:
    others = tuple(side for side in range(len(test.sides)) if side != test.reference)
    items: list[WebItem] = []
    files: Sounds = {}
    for passage in range(len(test.passages)):
        wavs = trial_wavs(sounds, RatingTrial(rated=others, reference=test.reference, passage=passage))
        reference, *rated = (f"{folder}/{passage + 1}-{letter.lower()}.wav" for letter in wavs)
        files |= dict(zip((reference, *rated), wavs.values(), strict=True))
        stimuli = dict(zip((condition_of(test, side) for side in others), rated, strict=True))
        items.append(WebItem(name=item_name(test, passage), reference=reference, stimuli=stimuli))
    asks = "How near is each sound to the reference?"
    return mushra_config(WebTest(test_id=name, title=test.title, items=items, instructions=asks)), files
