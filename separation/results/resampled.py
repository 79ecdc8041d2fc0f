"""A kept recording at another sample rate, for a comparison with sounds of that rate: a recording of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from separation.results.kept import Recording, recording_info, recording_of
from separation.results.store import NewItem, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from separation.audio.waveform import AudioSource

BLOCK_SAMPLES = 1 << 18


def resampled(recording: Recording, sample_rate: int, store: Store) -> Recording:
    """Keep a recording at another sample rate, by a linear-phase windowed sinc (soxr HQ); what is kept is found again.

    Args:
        recording: the recording, which stays as it is.
        sample_rate: Hz.
        store: keeps both.

    Raises:
        AudioError: its file is gone.
        StorageError: there is no room.
    """
    from separation.audio.convert import Conversion
    from separation.audio.decode import AudioFile
    from separation.audio.encode import FloatWavWriter
    from separation.audio.peaks import PeaksWriter
    from separation.audio.waveform import resample_blocks

    if recording.sample_rate == sample_rate:
        return recording
    key = store.key("recording", resampled=recording.key, sample_rate=sample_rate)
    if (kept := store.get(key)) is not None:
        return recording_of(kept)
    with store.scratch() as folder, AudioFile(recording.audio) as audio:
        blocks = resample_blocks(_blocks(audio), audio.n_channels, audio.sample_rate, sample_rate)
        with (
            FloatWavWriter(folder / "audio.wav", audio.n_channels, sample_rate) as samples,
            PeaksWriter(folder / "peaks") as peaks,
        ):
            for block in blocks:
                samples.write(block)
                peaks.write(block)
        conversion = Conversion(
            n_samples=samples.n_samples,
            sample_rate=sample_rate,
            n_channels=audio.n_channels,
            warnings=(*recording.warnings, f"Resampled from {_khz(recording.sample_rate)}."),
        )
        name = f"{recording.name} at {_khz(sample_rate)}"
        new = NewItem(
            kind="recording",
            name=name,
            files={"audio": folder / "audio.wav", "audio.peaks": folder / "peaks"},
            inputs={"resampled": recording.key},
            info=recording_info(conversion, origin=name, part=recording.part, picture=None),
        )
        return recording_of(store.put(key, new))


def _blocks(audio: AudioSource) -> Iterator[NDArray[np.float32]]:
    for start in range(0, audio.n_samples, BLOCK_SAMPLES):
        yield audio.read(start, min(start + BLOCK_SAMPLES, audio.n_samples))


def _khz(hz: int) -> str:
    return f"{hz / 1000:g} kHz"
