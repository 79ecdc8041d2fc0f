"""The samples of a blind test's sides: cut out, made equally loud, and kept for as long as the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from separation.comparing.blind_test import TRAINING, Trial
from separation.comparing.heard import HeardTrack, lufs_of, opened
from separation.comparing.matching import Matched, matched
from separation.errors import SettingsError
from separation.results.store import NewItem, Store, StoredItem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND = "comparison"
TRAINING_FILE = "training"
TRAINING_GAIN = 0.5  # a sound without highs may be like its low anchor; half as loud it never is


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSides:
    """What was kept of a test's sides: the key of the item, and how each was matched in loudness."""

    key: str
    matched: tuple[Matched, ...]


def keep_sides(
    test: str, recording: str, sides: Sequence[Sequence[HeardTrack]], start_s: float, end_s: float, store: Store
) -> KeptSides:
    """Cut the passage out of each side, turn the louder ones down, and keep what listeners will hear.

    If a side went beyond full scale, all of them are turned down by the same amount, so that none is cut.

    Args:
        test: id of the test.
        recording: key of the recording that the sides were taken from.
        sides: what is heard of each.
        start_s: where the passage begins.
        end_s: where it ends; the sound ends earlier if the recording does.
        store: keeps it.

    Raises:
        SettingsError: a side has nothing to be heard, or another sample rate than the first.
        AudioError: a file is gone.
        StorageError: there is no room.
    """
    import numpy as np

    from separation.audio.encode import FloatWavWriter
    from separation.listening.anchors import LOW_ANCHOR_HZ, low_passed

    found = [_cut(tracks, start_s, end_s) for tracks in sides]
    rates = {rate for _, rate in found}
    if len(rates) > 1:
        raise SettingsError(
            f"Sounds at {' and '.join(f'{rate} Hz' for rate in sorted(rates))} cannot be compared.",
            "Switching between them would need one of them to be resampled, which is a difference of its own.",
            "Convert one of them first.",
        )
    rate = rates.pop()
    n_samples = min(samples.shape[1] for samples, _ in found)
    if n_samples < 1:
        raise SettingsError(
            "There is no sound in that passage.",
            "It lies behind the end.",
            "Choose an earlier one.",
            place=("start_s",),
        )
    loudness = matched([lufs_of(tracks, start_s, end_s) for tracks in sides])
    heard = [
        samples[:, :n_samples] * np.float32(10 ** (match.gain_db / 20))
        for (samples, _), match in zip(found, loudness, strict=True)
    ]
    heard.append(TRAINING_GAIN * low_passed(heard[0], rate, LOW_ANCHOR_HZ))
    most = max(float(np.abs(samples).max()) for samples in heard)
    names = [*map(str, range(len(sides))), TRAINING_FILE]
    with store.scratch() as folder:
        for name, samples in zip(names, heard, strict=True):
            writer = FloatWavWriter(folder / f"{name}.wav", 2, rate)
            writer.write(np.ascontiguousarray(np.broadcast_to(samples, (2, n_samples)) / max(1.0, most), np.float32))
            writer.close()
        new = NewItem(
            kind=KIND,
            name="the sounds of a listening test",
            files={name: folder / f"{name}.wav" for name in names},
            inputs={"recording": recording},
            info={"sample_rate": rate, "n_samples": n_samples},
        )
        key = store.key(KIND, test=test)
        store.put(key, new)
    return KeptSides(key=key, matched=loudness)


def trial_wavs(item: StoredItem, trial: Trial) -> dict[str, bytes]:
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
        with AudioFile(item.files[TRAINING_FILE if side == TRAINING else str(side)]) as audio:
            cut = passage(audio.read(0, audio.n_samples), audio.sample_rate)
            wavs[sound] = dithered_wav(cut, audio.sample_rate, rng)
    return wavs


def _cut(tracks: Sequence[HeardTrack], start_s: float, end_s: float) -> tuple[NDArray[np.float32], int]:
    if not tracks:
        raise SettingsError(
            "One side has no such sound.",
            "It was asked for something else.",
            "Compare another sound, or the whole mix.",
        )
    with opened(tracks) as source:
        rate = source.sample_rate
        start, stop = round(start_s * rate), min(round(end_s * rate), source.n_samples)
        return source.read(start, max(start, stop)), rate
