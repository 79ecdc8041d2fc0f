"""Audio in memory: `Waveform`, the `AudioSource` protocol it shares with files, resampling, and channel counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final, Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from separation.audio.times import resampled_length
from separation.errors import AudioError, SettingsError

MIN_SAMPLE_RATE: Final = 1_000  # Hz; below it no speech and no music is left
MAX_SAMPLE_RATE: Final = 768_000  # Hz; the fastest converters sold
MAX_CHANNELS: Final = 8  # 7.1, the largest layout whose channels have a settled order in WAV


class AudioSource(Protocol):
    """Audio whose samples can be read by position: a `Waveform` in memory, a file on disk."""

    @property
    def sample_rate(self) -> int:
        """Samples per second, in Hz."""

    @property
    def n_channels(self) -> int:
        """Number of channels, 1 to 8."""

    @property
    def n_samples(self) -> int:
        """Length in samples per channel."""

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, shape (n_channels, stop - start); silence outside [0, n_samples)."""


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Audio samples in memory.

    Attributes:
        samples: float32, shape (channels, samples), C-contiguous; full scale is [-1, 1].
        sample_rate: Hz.

    Raises:
        AudioError: the array is not float32, not 2-D, not finite, or has no or more than 8 channels.
        SettingsError: the rate is not a whole number between 1 000 and 768 000 Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        check_sample_rate(self.sample_rate)
        samples = self.samples
        if not isinstance(samples, np.ndarray) or samples.ndim != 2 or samples.dtype != np.float32:
            found = f"{samples.dtype} of shape {samples.shape}" if isinstance(samples, np.ndarray) else type(samples)
            raise AudioError(
                "These samples are not a waveform.",
                f"A waveform is float32 of shape (channels, samples); this is {found}.",
                "Convert the array first.",
            )
        check_channels(samples.shape[0])
        # min and max carry a NaN through and need no temporary array of the waveform's size.
        if samples.size and not (np.isfinite(samples.min()) and np.isfinite(samples.max())):
            raise AudioError(
                "These samples are not a waveform.",
                "Some of them are infinite or not a number.",
                "Replace them, for example by silence, before making a waveform of them.",
            )
        object.__setattr__(self, "samples", np.ascontiguousarray(samples))

    @property
    def n_channels(self) -> int:
        """Number of channels, 1 to 8."""
        return int(self.samples.shape[0])

    @property
    def n_samples(self) -> int:
        """Length in samples per channel."""
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """A copy of samples `start` to `stop`, shape (n_channels, stop - start); silence outside the waveform."""
        assert start <= stop, (start, stop)
        window = np.zeros((self.n_channels, stop - start), np.float32)
        first, last = max(start, 0), min(stop, self.n_samples)
        if first < last:
            window[:, first - start : last - start] = self.samples[:, first:last]
        return window


def resample(waveform: Waveform, sample_rate: int) -> Waveform:
    """Return the waveform resampled to `sample_rate` Hz, round(n_samples * new / old) samples long.

    A linear-phase windowed sinc by soxr ("HQ": 20 bits of precision), so that a pulse stays where it is in time.
    Before the first and after the last sample the signal counts as silence.
    """
    blocks = [*resample_blocks([waveform.samples], waveform.n_channels, waveform.sample_rate, sample_rate)]
    if not blocks:
        return Waveform(np.zeros((waveform.n_channels, 0), np.float32), sample_rate)
    return Waveform(np.concatenate(blocks, axis=1), sample_rate)


def resample_blocks(
    blocks: Iterable[NDArray[np.float32]], n_channels: int, from_rate: int, to_rate: int
) -> Iterator[NDArray[np.float32]]:
    """Resample a stream: blocks of shape (n_channels, any length) in, blocks of shape (n_channels, any length) out.

    However the input is cut, the blocks joined together are what `resample` gives: the same samples, and
    round(n_samples * to_rate / from_rate) of them.
    """
    resampler = Resampler(n_channels, from_rate, to_rate)
    for block in blocks:
        if (out := resampler.add(block)).shape[1]:
            yield out
    if (tail := resampler.finish()).shape[1]:
        yield tail


class Resampler:
    """Resamples a stream that is pushed in: `add` takes the next block, `add` and `finish` return resampled audio."""

    def __init__(self, n_channels: int, from_rate: int, to_rate: int) -> None:
        check_sample_rate(from_rate)
        check_sample_rate(to_rate)
        self._n_channels, self._from_rate, self._to_rate = n_channels, from_rate, to_rate
        self._stream = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, n_channels, dtype="float32", quality="HQ")
        )
        self._n_in = self._n_out = 0

    def add(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples, shape (n_channels, any length); return the resampled ones that are final by now."""
        if self._stream is None:
            return block
        self._n_in += block.shape[1]
        out = self._stream.resample_chunk(np.ascontiguousarray(block.T))  # (samples, channels), soxr's order
        self._n_out += len(out)
        return np.ascontiguousarray(out.T)

    def finish(self) -> NDArray[np.float32]:
        """Return the remaining samples, so that the total length is exact."""
        if self._stream is None:
            return np.zeros((self._n_channels, 0), np.float32)
        tail = self._stream.resample_chunk(np.zeros((0, self._n_channels), np.float32), last=True)
        # soxr holds back half a filter until it is flushed, so what is already out is never too long; its own
        # rounding of the end can differ from ours by a sample.
        n_missing = resampled_length(self._n_in, self._from_rate, self._to_rate) - self._n_out
        tail = np.pad(tail[:n_missing], ((0, max(0, n_missing - len(tail))), (0, 0)))
        return np.ascontiguousarray(tail.T)


def to_channels(samples: NDArray[np.float32], n_channels: int) -> NDArray[np.float32]:
    """Mix samples of shape (channels, samples) up or down to `n_channels`.

    Mono becomes stereo by copying, stereo becomes mono by the mean, and 3 to 8 channels become stereo by
    `STEREO_DOWNMIX` (then mono by the mean). The gains of each side sum to at most one, so that the result never
    exceeds the input's peak.

    Raises:
        AudioError: the input has no or more than 8 channels.
        SettingsError: `n_channels` is neither 1, 2 nor the number of channels there are.
    """
    n_given = samples.shape[0]
    check_channels(n_given)
    if n_channels == n_given:
        return samples
    if n_channels not in (1, 2):
        raise SettingsError(
            f"{n_given} channels cannot become {n_channels}.",
            "Channels are only mixed down to stereo or mono, or one copied to two.",
            "Ask for 1 or 2 channels.",
        )
    if n_given == 1:
        return np.repeat(samples, 2, axis=0)
    stereo: NDArray[np.float32] = samples if n_given == 2 else STEREO_DOWNMIX[n_given] @ samples
    mono: NDArray[np.float32] = stereo.mean(axis=0, keepdims=True)
    return stereo if n_channels == 2 else mono


def check_channels(n_channels: int) -> None:
    """Raise AudioError unless there are 1 to 8 channels."""
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise AudioError(
            f"This audio has {n_channels} channels.",
            f"One to {MAX_CHANNELS} are supported; beyond 7.1 the order of the channels is not settled.",
            "Mix it down to stereo first.",
        )


def check_sample_rate(sample_rate: int) -> None:
    """Raise SettingsError unless the rate, in Hz, is a whole number between 1 000 and 768 000."""
    if not isinstance(sample_rate, int) or not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise SettingsError(
            f"A sample rate of {sample_rate!r} does not make sense.",
            f"Rates are whole numbers between {MIN_SAMPLE_RATE} and {MAX_SAMPLE_RATE} Hz.",
            "44100 and 48000 are the usual ones.",
        )


def _stereo_downmix(left: list[float], right: list[float]) -> NDArray[np.float32]:
    """Both rows of gains, shape (2, channels), scaled until each sums to one."""
    gains = np.array([left, right])
    normalised: NDArray[np.float64] = gains / gains.sum(axis=1, keepdims=True)
    return normalised.astype(np.float32)


_C = _S = sqrt(0.5)  # ITU-R BS.775-4, table 2, 2/0 downmix: centre and surrounds at -3 dB
_M = 0.5  # the same table: a single (mono) surround goes to both sides at -6 dB; the LFE is left out

# Number of channels -> gains of shape (2, channels), for the channel order of WAV (the bits of dwChannelMask).
STEREO_DOWNMIX: Final[dict[int, NDArray[np.float32]]] = {
    3: _stereo_downmix([1, 0, _C], [0, 1, _C]),  # L R C
    4: _stereo_downmix([1, 0, _S, 0], [0, 1, 0, _S]),  # L R Ls Rs
    5: _stereo_downmix([1, 0, _C, _S, 0], [0, 1, _C, 0, _S]),  # L R C Ls Rs
    6: _stereo_downmix([1, 0, _C, 0, _S, 0], [0, 1, _C, 0, 0, _S]),  # L R C LFE Ls Rs
    7: _stereo_downmix([1, 0, _C, 0, _M, _S, 0], [0, 1, _C, 0, _M, 0, _S]),  # L R C LFE Cs Ls Rs
    8: _stereo_downmix([1, 0, _C, 0, _S, 0, _S, 0], [0, 1, _C, 0, 0, _S, 0, _S]),  # L R C LFE Lb Rb Ls Rs
}
