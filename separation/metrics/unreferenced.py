"""Measures of an estimate against the mixture alone, when there is no reference. Pure functions.

A generative model may invent sound, or give the right sound at the wrong level. Neither shows without a reference
except beside the mixture. Audio is float32 (channels, samples), full scale 1; all channels count together.

A signal none of whose samples reaches `SILENCE` is silent: what a decoder leaves of “nothing is there” lies about
there, nobody hears it, and a ratio with it says nothing. A peak, not a mean, so that one click in a long chunk sounds
and silence around a sound changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import fft

from separation.audio.stft import HOPS_PER_FRAME, hann_spectra, overlapping
from separation.metrics.reference import Samples, energy, flat_pair, refuse_unlike

SILENCE = 1e-4  # -80 dBFS
FRAME_S = 2048 / 48_000  # 43 ms: parts a voice's harmonics from most else, and smears an onset less than hearing does
FRAMES_AT_ONCE = 256  # bounds memory: about 10 MB at 48 kHz, whatever the length
MATCH_LIMIT_DB = 12.0
NULL_FLOOR_DB = -140.0  # sums in float32 null to about -150 dB


def explained_energy(target: Samples, mixture: Samples, sample_rate: int) -> float | None:
    """Return the share of the target's energy that the mixture accounts for: sum min(|T|, |M|)^2 over sum |T|^2.

    T and M are short-time spectra. Only what a bin of the target has beyond the mixture's counts as invented, so that
    the rest of the mixture, whatever its phase, is seldom held against the target: 1 for a target that shares no bin
    with other sources; 0.83 for one of two noises of one level; 0 where the mixture is silent. A target
    that is too loud is partly unexplained: `gain_drift_db` tells the two apart.

    Args:
        target: (channels, samples).
        mixture: same shape.
        sample_rate: Hz.

    Returns:
        0 to 1; None for a silent target.

    Raises:
        SettingsError: the shapes differ.
    """
    refuse_unlike(target, mixture)
    return None if is_silent(target) else _explained_energy(target, mixture, _frame_length(sample_rate))


def gain_drift_db(target: Samples, mixture: Samples) -> float | None:
    """Return how much too loud the target is relative to the mixture, in dB: -20 log10 g, with g = <t, m> / <t, t>.

    g is the gain with which the target explains the mixture best, in the least-squares sense. The mixture is a source
    and a rest that has nothing to do with it, so a target that is this source has g = 1 and a drift of 0 dB.

    Returns:
        None for a silent target, and for one that the mixture does not contain or contains upside down (g <= 0).

    Raises:
        SettingsError: the shapes differ.
    """
    t, m = flat_pair(target, mixture)
    if is_silent(t):
        return None
    g = float(np.dot(t, m)) / energy(t)
    return -20 * float(np.log10(g)) if g > 0 else None


def matching_gain_db(target: Samples, mixture: Samples) -> float:
    """Return the gain in dB, within ±12, that undoes the target's drift.

    It is 0 where the drift is undefined. Also 0 where the mixture accounts for less than half of the target even at
    that gain: g then falls because of what was invented, and a gain would take the true part down with it. What would
    need far more than 12 dB is another sound rather than the right one at the wrong level.

    Raises:
        SettingsError: the shapes differ.
    """
    drift_db = gain_drift_db(target, mixture)
    if drift_db is None:
        return 0.0
    gain_db = min(max(-drift_db, -MATCH_LIMIT_DB), MATCH_LIMIT_DB)
    # No rate is needed: at any usual one, 2048 samples are a frame of a sensible length.
    matched = target * np.float32(10 ** (gain_db / 20))
    return gain_db if _explained_energy(matched, mixture, 2048) >= 0.5 else 0.0


def null_depth_db(mixture: Samples, target: Samples, residual: Samples) -> float | None:
    """Return the level of mixture minus target minus residual, relative to the mixture, in dB.

    Low is good; `NULL_FLOOR_DB` at the lowest, which stands for an exact sum.

    Returns:
        None for a silent mixture.

    Raises:
        SettingsError: the shapes differ.
    """
    m, t = flat_pair(mixture, target)
    _, r = flat_pair(mixture, residual)
    if is_silent(m):
        return None
    left = energy(m - t - r)
    return max(10 * float(np.log10(left / energy(m))), NULL_FLOOR_DB) if left > 0 else NULL_FLOOR_DB


def is_silent(samples: Samples) -> bool:
    """Whether no sample reaches `SILENCE`; no samples at all are silent."""
    return samples.size == 0 or max(float(samples.max()), -float(samples.min())) < SILENCE


def _explained_energy(target: Samples, mixture: Samples, n_fft: int) -> float:
    explained = total = 0.0
    for t, m in zip(_magnitudes(target, n_fft), _magnitudes(mixture, n_fft), strict=True):
        explained += float(np.sum(np.square(np.minimum(t, m)), dtype=np.float64))
        total += float(np.sum(np.square(t), dtype=np.float64))
    return explained / total


def _magnitudes(samples: Samples, n_fft: int) -> Iterator[npt.NDArray[np.floating]]:
    """|STFT| of `overlapping` frames, a block of them of one channel at a time: (frames, n_fft // 2 + 1)."""
    for channel in range(len(samples)):
        (frames,) = overlapping(samples[channel : channel + 1], n_fft)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            yield np.abs(hann_spectra(frames[first : first + FRAMES_AT_ONCE]))


def _frame_length(sample_rate: int) -> int:
    """Samples of a frame of about `FRAME_S`: four hops, of a length whose FFT is fast."""
    return HOPS_PER_FRAME * int(fft.next_fast_len(round(sample_rate * FRAME_S / HOPS_PER_FRAME) or 1))
