"""Scores that compare spectra, as the tables of source separation quote them; 100 is perfect, 0 the worst.

“Bleedless” falls with what an estimate has beyond its reference, “fullness” with what it lacks, both in decibels of a
mel spectrogram. They and “L1 freq” were introduced with Music-Source-Separation-Training (R. Solovyev et al.), whose
constants these are. Audio is (channels, samples); the scores are defined at 44.1 kHz, and other rates change them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft, sparse

from separation.metrics.reference import Samples, refuse_unlike

Floats = npt.NDArray[np.float32]

FULL = 100.0
L1_FRAME, L1_HOP, L1_WEIGHT = 2048, 1024, 10.0
MEL_FRAME, MEL_HOP, N_MELS = 4096, 1024, 512
LEAST_MAGNITUDE, RANGE_DB = 1e-10, 80.0
FRAMES_AT_ONCE = 512  # bounds memory: about 20 MB
# Slaney's mel scale (Auditory Toolbox, 1998): 3 mels for 200 Hz up to 1 kHz, above it 27 mels for a factor of 6.4.
HZ_PER_MEL, LINEAR_HZ, LOG_STEP = 200 / 3, 1000.0, np.log(6.4) / 27


def l1_freq(estimate: Samples, reference: Samples) -> float:
    """Return 100 / (1 + 10 d), with d the mean absolute difference of magnitude spectra.

    Frames of 2048 samples overlap by half and have no window; both ends are mirrored.

    Args:
        estimate: (channels, samples), at least 1025.
        reference: same shape.

    Raises:
        SettingsError: the shapes differ.
    """
    refuse_unlike(estimate, reference)
    total, n = 0.0, 0
    for a, b in zip(
        _magnitudes(estimate, L1_FRAME, L1_HOP, mirrored=True),
        _magnitudes(reference, L1_FRAME, L1_HOP, mirrored=True),
        strict=True,
    ):
        total += float(np.abs(a - b).sum(dtype=np.float64))
        n += a.size
    return FULL / (1 + L1_WEIGHT * total / n)


def bleedless_and_fullness(estimate: Samples, reference: Samples, sample_rate: int) -> tuple[float, float]:
    """Return both scores: 100 / (1 + d), with d the mean of the decibels too much, or of those too few.

    Of each bin of the mel spectrograms (4096 samples, Hann, 512 mels), within 80 dB of each signal's own loudest, those
    in which the estimate is louder count for bleed, and those in which it is quieter for fullness.

    Args:
        estimate: (channels, samples).
        reference: same shape.
        sample_rate: Hz.

    Raises:
        SettingsError: the shapes differ.
    """
    refuse_unlike(estimate, reference)
    mels = _mel_filters(sample_rate)
    difference = _mel_db(estimate, mels) - _mel_db(reference, mels)
    return _score(difference[difference > 0]), _score(-difference[difference < 0])


def log_spectral_distance_db(estimate: Samples, reference: Samples) -> float:
    """Return the mean over frames of the root mean square difference of log spectra (Gray & Markel 1976), in dB.

    0 is perfect. Frames as for `bleedless_and_fullness`, magnitudes within 80 dB of each signal's own loudest.

    Raises:
        SettingsError: the shapes differ.
    """
    refuse_unlike(estimate, reference)
    a, b = (_decibels(np.concatenate(list(_magnitudes(one, MEL_FRAME, MEL_HOP)))) for one in (estimate, reference))
    return float(np.mean(np.sqrt(np.mean((a - b) ** 2, axis=-1))))


def _score(decibels: Floats) -> float:
    return FULL / (1 + (float(decibels.mean(dtype=np.float64)) if decibels.size else 0.0))


def _mel_db(samples: Samples, mels: sparse.csr_array) -> Floats:
    return _decibels(np.concatenate([_weighted(one, mels) for one in _magnitudes(samples, MEL_FRAME, MEL_HOP)]))


def _weighted(magnitudes: Floats, mels: sparse.csr_array) -> Floats:
    """Return (frames, mels) of (frames, bins)."""
    found: Floats = (mels @ magnitudes.T).T.astype(np.float32)
    return found


def _decibels(magnitudes: Floats) -> Floats:
    found: Floats = 20 * np.log10(np.maximum(magnitudes, np.float32(LEAST_MAGNITUDE)))
    within: Floats = np.maximum(found, found.max() - np.float32(RANGE_DB))
    return within


def _magnitudes(samples: Samples, frame: int, hop: int, *, mirrored: bool = False) -> Iterator[Floats]:
    """Yield magnitude spectra in blocks of (frames, bins), channel after channel, with frames centred on the samples.

    Mirrored frames have no window; others have a Hann window, and silence beyond both ends.
    """
    window = np.ones(frame, np.float32) if mirrored else _hann(frame)
    for channel in samples:
        padded = np.pad(channel.astype(np.float32), frame // 2, mode="reflect" if mirrored else "constant")
        frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
        for at in range(0, len(frames), FRAMES_AT_ONCE):
            yield np.abs(fft.rfft(frames[at : at + FRAMES_AT_ONCE] * window, axis=-1)).astype(np.float32)


def _hann(frame: int) -> Floats:
    """Return the periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)


@lru_cache(maxsize=4)  # 20 ms and some 40 kB each; the tracks of a benchmark have one rate
def _mel_filters(sample_rate: int) -> sparse.csr_array:
    """Return the triangles of Slaney's mel scale from 0 Hz to half the rate, each of unit area; (mels, bins)."""
    edges = _hz(np.linspace(0.0, _mel(sample_rate / 2), N_MELS + 2))
    bins = np.arange(MEL_FRAME // 2 + 1) * sample_rate / MEL_FRAME
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(up, down)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return sparse.csr_array(triangles.astype(np.float32))


def _mel(hz: float) -> float:
    if hz < LINEAR_HZ:
        return hz / HZ_PER_MEL
    return float(LINEAR_HZ / HZ_PER_MEL + np.log(hz / LINEAR_HZ) / LOG_STEP)


def _hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    corner = LINEAR_HZ / HZ_PER_MEL
    return np.where(
        mels < corner, mels * HZ_PER_MEL, LINEAR_HZ * np.exp(LOG_STEP * (np.maximum(mels, corner) - corner))
    )
