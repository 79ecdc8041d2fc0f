"""The samples of a blind test's sides: cut out, made equally loud, and kept for as long as the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from separation.comparing.heard import HeardTrack, lufs_of_passages, opened
from separation.comparing.matching import Matched, matched
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, TRAINING, AnyTrial
from separation.errors import SettingsError
from separation.results.store import NewItem, Store, StoredItem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND = "comparison"
SPECIAL = {TRAINING: "training", MID_ANCHOR: "anchor70", LOW_ANCHOR: "anchor35"}  # what is heard instead of a side
STEP = 2.0**-15  # of 16-bit samples: what is nowhere as large as that is no difference
TRAINING_GAIN = 0.5  # a sound without highs may be like its low anchor; half as loud it never is


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSides:
    """What was kept of a test's sides: the key of the item, and how each was matched in loudness."""

    key: str
    matched: tuple[Matched, ...]


def keep_sides(
    test: str,
    recording: str,
    sides: Sequence[Sequence[HeardTrack]],
    passages_s: Sequence[tuple[float, float]],
    store: Store,
    *,
    reference: int | None = None,
) -> KeptSides:
    """Cut the passages out of each side, turn the louder ones down, and keep what listeners will hear.

    There is one gain a side, for all its passages. If a side went beyond full scale, all of them are turned down by the
    same amount, so that none is cut.

    Args:
        test: id of the test.
        recording: key of the recording that the sides were taken from.
        sides: what is heard of each.
        passages_s: where each passage begins and ends; the sound ends earlier if the recording does.
        store: keeps it.
        reference: of ratings, the side whose anchors are made; other tests have a sound to train instead.

    Raises:
        SettingsError: a side has nothing to be heard, or another sample rate than the first; or two sides that are not
            rated are the same audio.
        AudioError: a file is gone.
        StorageError: there is no room.
    """
    import numpy as np

    from separation.audio.encode import FloatWavWriter

    rate = _common_rate(sides)
    loudness = matched([lufs_of_passages(tracks, passages_s) for tracks in sides])
    heard: dict[str, NDArray[np.float32]] = {}
    for passage, (start_s, end_s) in enumerate(passages_s):
        cuts = [_cut(tracks, start_s, end_s, rate) for tracks in sides]
        n_samples = min(cut.shape[1] for cut in cuts)
        if n_samples < 1:
            raise SettingsError(
                "There is no sound in that passage.",
                "It lies behind the end.",
                "Choose an earlier one.",
                place=("start_s",),
            )
        found = {
            side: cut[:, :n_samples] * np.float32(10 ** (match.gain_db / 20))
            for side, (cut, match) in enumerate(zip(cuts, loudness, strict=True))
        }
        if reference is None:  # what is rated may be the reference itself, for which listeners are asked to look
            _refuse_same(list(found.values()))
        found |= _special(found[reference or 0], rate, anchors=reference is not None)
        heard |= {_file(side, passage): samples for side, samples in found.items()}
    most = max(float(np.abs(samples).max()) for samples in heard.values())
    with store.scratch() as folder:
        for name, samples in heard.items():
            writer = FloatWavWriter(folder / f"{name}.wav", 2, rate)
            both = np.broadcast_to(samples, (2, samples.shape[1])) / max(1.0, most)
            writer.write(np.ascontiguousarray(both, np.float32))
            writer.close()
        new = NewItem(
            kind=KIND,
            name="the sounds of a listening test",
            files={name: folder / f"{name}.wav" for name in heard},
            inputs={"recording": recording},
            info={"sample_rate": rate},
        )
        key = store.key(KIND, test=test)
        store.put(key, new)
    return KeptSides(key=key, matched=loudness)


def trial_wavs(item: StoredItem, trial: AnyTrial) -> dict[str, bytes]:
    """Return the sounds of a trial by their names, each rendered by itself; see `separation.comparing.trial_sounds`.

    Raises:
        AudioError: a file is gone.
    """
    import numpy as np

    from separation.audio.decode import AudioFile
    from separation.comparing.trial_sounds import dithered_wav, passage

    rng = np.random.default_rng()
    wavs = {}
    for sound in trial.sounds:
        side = trial.side_of(sound)
        assert side is not None, "a trial names sounds of its own"
        with AudioFile(item.files[_file(side, trial.passage)]) as audio:
            cut = passage(audio.read(0, audio.n_samples), audio.sample_rate)
            wavs[sound] = dithered_wav(cut, audio.sample_rate, rng)
    return wavs


def _refuse_same(sides: Sequence[NDArray[np.float32]]) -> None:
    """Refuse sides between which there is nothing to be heard: every answer would be a guess."""
    import numpy as np

    for a, b in combinations(range(len(sides)), 2):
        if float(np.abs(sides[a] - sides[b]).max()) < STEP:
            which = "A and B" if len(sides) == 2 else f"Sides {a + 1} and {b + 1}"
            raise SettingsError(
                f"{which} are the same audio here.",
                "Equally loud, they differ by less than one step of 16-bit samples anywhere in this passage, "
                "which nobody can hear: every answer would be a guess.",
                "Choose two results that differ, or another passage.",
                place=("sides",),
            )


def _file(side: int, passage: int) -> str:
    name = SPECIAL.get(side, str(side))
    return name if passage == 0 else f"{name}-{passage}"


def _special(of: NDArray[np.float32], sample_rate: int, *, anchors: bool) -> dict[int, NDArray[np.float32]]:
    """Return what is heard instead of a side: the anchors, or the sound to train with."""
    from separation.listening.anchors import LOW_ANCHOR_HZ, MID_ANCHOR_HZ, low_passed

    low = low_passed(of, sample_rate, LOW_ANCHOR_HZ)
    if not anchors:
        return {TRAINING: TRAINING_GAIN * low}
    return {LOW_ANCHOR: low, MID_ANCHOR: low_passed(of, sample_rate, MID_ANCHOR_HZ)}


def _common_rate(sides: Sequence[Sequence[HeardTrack]]) -> int:
    rates = set()
    for tracks in sides:
        if not tracks:
            raise SettingsError(
                "One side has no such sound.",
                "It was asked for something else.",
                "Compare another sound, or the whole mix.",
            )
        with opened(tracks) as source:
            rates.add(source.sample_rate)
    if len(rates) > 1:
        raise SettingsError(
            f"Sounds at {' and '.join(f'{rate} Hz' for rate in sorted(rates))} cannot be compared.",
            "Switching between them would need one of them to be resampled, which is a difference of its own.",
            "Convert one of them first.",
        )
    return rates.pop()


def _cut(tracks: Sequence[HeardTrack], start_s: float, end_s: float, rate: int) -> NDArray[np.float32]:
    with opened(tracks) as source:
        start, stop = round(start_s * rate), min(round(end_s * rate), source.n_samples)
        return source.read(start, max(start, stop))
