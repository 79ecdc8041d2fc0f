"""Converts a mixture to the rate, channels and level a model expects, and the model's estimates back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from separation.audio.waveform import AudioSource, Resampler, resample_blocks, to_channels
from separation.chunking.plan import conformed_length
from separation.prompts.targets import Target

Samples = NDArray[np.float32]
BLOCK = 1 << 18  # samples read at a time: about 5 s, 1 MB a channel
SHORT_BLOCK = 1 << 16  # where a listener waits for the first of them


def mono_or_stereo(mixture: AudioSource) -> AudioSource:
    """Return the mixture itself, or its stereo downmix if it has more than two channels (ITU-R BS.775)."""
    return mixture if mixture.n_channels <= 2 else _Rechannelled(mixture, 2)


def beginning(mixture: AudioSource, n_samples: int) -> AudioSource:
    """Return the first `n_samples` of the mixture as a source that ends there."""
    return _Beginning(mixture, n_samples) if n_samples < mixture.n_samples else mixture


def conformed(mixture: AudioSource, sample_rate: int, n_channels: int) -> AudioSource:
    """Return the mixture at the model's rate and channel count; it is resampled as it is read.

    In whatever pieces it is read, its samples equal those of `audio.waveform.resample` bit for bit: chunk keys hash
    them.
    """
    rechannelled = _Rechannelled(mixture, n_channels)
    return rechannelled if mixture.sample_rate == sample_rate else _Resampled(rechannelled, sample_rate)


@dataclass(frozen=True, slots=True)
class InputLevel:
    """Mean and standard deviation of a recording's mono mix, as Demucs normalises its input."""

    mean: float = 0.0
    std: float = 1.0

    def apply(self, samples: Samples) -> Samples:
        """Return the samples with zero mean and unit deviation."""
        return np.asarray((samples - np.float32(self.mean)) / np.float32(self.std), dtype=np.float32)

    def undo(self, samples: Samples) -> Samples:
        """Return normalised samples at the recording's own level again."""
        return np.asarray(samples * np.float32(self.std) + np.float32(self.mean), dtype=np.float32)


def level_of(source: AudioSource) -> InputLevel:
    """Measure the level of the whole recording in one pass, in float64 (`demucs.api.Separator.separate_tensor`)."""
    total = squares = 0.0
    for block in _blocks(source):
        mono = block.mean(axis=0, dtype=np.float64)
        total += float(mono.sum())
        squares += float(np.square(mono).sum())
    mean = total / source.n_samples
    variance = max(0.0, squares - source.n_samples * mean**2) / max(1, source.n_samples - 1)
    return InputLevel(mean, float(np.sqrt(variance)) + 1e-8)


class Returned:
    """Converts stitched stems to tracks at the mixture's own rate and channels, piece by piece.

    Complements (“instrumental”, the residual) are taken from the mixture itself at its own rate, so nothing above the
    model's band is lost and disjoint tracks add up to the mixture exactly.
    """

    def __init__(self, mixture: AudioSource, model_rate: int, tracks: Sequence[Target]) -> None:
        self._mixture = mixture
        self._tracks = tracks
        self._model_rate = model_rate
        self._resamplers: dict[str, Resampler] = {}
        self._done = 0

    def add(self, stems: Mapping[str, Samples], *, last: bool) -> dict[str, Samples]:
        """Take the stems' next samples; return those of every track, which after `last` have the mixture's length."""
        needed = {name for track in self._tracks for name in track.stems}
        here = {
            name: self._at_mixture_rate(name, to_channels(stems[name], self._mixture.n_channels), last)
            for name in sorted(needed)
        }
        arrived = min((samples.shape[-1] for samples in here.values()), default=self._mixture.n_samples)
        stop = self._mixture.n_samples if last else min(self._done + arrived, self._mixture.n_samples)
        n_samples = stop - self._done
        mixture = self._mixture.read(self._done, stop)
        self._done = stop
        fitted = {name: _fitted(samples, n_samples) for name, samples in here.items()}
        return {track.name: track.of(fitted, mixture) for track in self._tracks}

    def _at_mixture_rate(self, name: str, samples: Samples, last: bool) -> Samples:
        if name not in self._resamplers:
            self._resamplers[name] = Resampler(samples.shape[0], self._model_rate, self._mixture.sample_rate)
        resampler = self._resamplers[name]
        arrived = resampler.add(samples)
        return np.concatenate([arrived, resampler.finish()], axis=1) if last else arrived


def _fitted(samples: Samples, n_samples: int) -> Samples:
    """Cut or zero-pad samples to `n_samples`, to correct rounding at the end of a resampled stream."""
    missing = max(0, n_samples - samples.shape[-1])
    return np.pad(samples[:, :n_samples], ((0, 0), (0, missing)))


def _blocks(source: AudioSource, n_samples: int = BLOCK) -> Iterator[Samples]:
    for start in range(0, source.n_samples, n_samples):
        yield source.read(start, min(start + n_samples, source.n_samples))


class _Rechannelled:
    def __init__(self, source: AudioSource, n_channels: int) -> None:
        self._source = source
        self.sample_rate, self.n_channels, self.n_samples = source.sample_rate, n_channels, source.n_samples

    def read(self, start: int, stop: int) -> Samples:
        return to_channels(self._source.read(start, stop), self.n_channels)


class _Beginning:
    def __init__(self, source: AudioSource, n_samples: int) -> None:
        self._source = source
        self.sample_rate, self.n_channels, self.n_samples = source.sample_rate, source.n_channels, n_samples

    def read(self, start: int, stop: int) -> Samples:
        inside = self._source.read(min(start, self.n_samples), min(stop, self.n_samples))
        return np.pad(inside, ((0, 0), (0, stop - start - inside.shape[-1])))


class _Resampled:
    """A source at another rate, resampled in order and only as far as it is read.

    It keeps the samples from the start of the latest read on, which suits chunks read in order. A read that begins
    earlier resamples from sample 0 again: that takes 4 s an hour of stereo, less than writing the hour to disk (1.3 GB)
    and reading it back. A second reader at another position needs a source of its own.
    """

    def __init__(self, source: AudioSource, sample_rate: int) -> None:
        self._source = source
        self.sample_rate, self.n_channels = sample_rate, source.n_channels
        self.n_samples = conformed_length(source.n_samples, source.sample_rate, sample_rate)
        self._begin()

    def read(self, start: int, stop: int) -> Samples:
        window = np.zeros((self.n_channels, stop - start), np.float32)
        first, last = (min(max(0, at), self.n_samples) for at in (start, stop))
        if first < last:
            self._make(first, last)
            at = self._kept_from
            for block in self._kept:
                begin, end = max(at, first), min(at + block.shape[1], last)
                if begin < end:
                    window[:, begin - start : end - start] = block[:, begin - at : end - at]
                at += block.shape[1]
        return window

    def _make(self, first: int, last: int) -> None:
        """Resample until samples `first` to `last` are held."""
        if first < self._kept_from:
            self._begin()
        self._forget(first)
        while self._kept_to < last:
            self._kept.append(next(self._blocks))
            self._kept_to += self._kept[-1].shape[1]
            self._forget(first)

    def _begin(self) -> None:
        blocks = resample_blocks(
            _blocks(self._source, SHORT_BLOCK), self.n_channels, self._source.sample_rate, self.sample_rate
        )
        at_least_one = np.zeros((self.n_channels, 1), np.float32)  # see `conformed_length`
        self._blocks = chain(blocks, [at_least_one])
        self._kept: deque[Samples] = deque()
        self._kept_from = self._kept_to = 0

    def _forget(self, before: int) -> None:
        """Drop the blocks that end at or before sample `before`."""
        while self._kept and self._kept_from + self._kept[0].shape[1] <= before:
            self._kept_from += self._kept.popleft().shape[1]
