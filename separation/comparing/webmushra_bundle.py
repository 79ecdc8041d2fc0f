"""An ABX test for webMUSHRA: its configuration and its sounds in one archive, unpacked into webMUSHRA's folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

from separation.comparing.blind_test import BlindTest, Kind, Trial
from separation.comparing.kept_sides import trial_wavs
from separation.errors import SettingsError
from separation.listening.webmushra import WebItem, WebTest, abx_config
from separation.results.store import StoredItem


def write_bundle(test: BlindTest, sounds: StoredItem, path: Path) -> None:
    """Write the archive: configs/NAME.yaml, and below it the sounds of both sides as 24-bit WAV.

    webMUSHRA shows which of its two sounds is the reference to be found, so that it asks the question of ABX: which of
    the two is the one there is to hear. A blind preference without a reference is none of its kinds of pages.

    Args:
        test: an ABX test.
        sounds: what is kept of its sides.
        path: of the archive.

    Raises:
        SettingsError: it is a test of preference.
        AudioError: a sound is gone.
    """
    if test.kind is not Kind.ABX:
        raise SettingsError(
            "This test cannot be taken to webMUSHRA.",
            "It asks for a preference, and webMUSHRA's pages of that kind show which sound is the reference.",
            "Make an ABX test for it, or download the answers as JSON or CSV.",
        )
    name = f"audio-playground-{test.id}"
    places = {letter: f"configs/resources/{name}/{letter.lower()}.wav" for letter in "AB"}
    item = WebItem(name=test.id, reference=places["A"], stimuli={"B": places["B"]})
    asks = "One of the two is the reference. Which one?"
    config = abx_config(
        WebTest(test_id=name, title=test.title, items=[item], instructions=asks), n_trials=test.n_trials
    )
    with zipfile.ZipFile(path, "w", strict_timestamps=False) as bundle:
        bundle.writestr(f"configs/{name}.yaml", config)
        for letter, wav in trial_wavs(sounds, Trial(0, 1)).items():
            bundle.writestr(places[letter], wav)
