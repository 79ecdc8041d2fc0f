"""Harmonic-percussive separation: sounds steady in time against sounds broad in frequency.

D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010. The margin is that of J. Driedger,
M. Mueller and S. Disch, "Extending harmonic-percussive separation of audio signals", ISMIR 2014, in a soft mask.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from separation.audio.stft import Power
from separation.models.classical.masks import TINY

STEADY_S = 0.4  # a tone must outlast half of this
BROAD_HZ = 330.0  # a hit must be wider than half of this


def percussive_mask(magnitude: Power, bin_hz: float, frame_rate: float, margin: float = 1.0) -> Power:
    """The percussive part of each bin, 0 to 1, from (frames, bins) magnitudes.

    Args:
        magnitude: (frames, bins), any scale.
        bin_hz: distance of two bins.
        frame_rate: frames a second.
        margin: how many times the percussive estimate must exceed the harmonic one to get half of a bin.
    """
    harmonic = running_median(magnitude, odd(STEADY_S * frame_rate), axis=0)
    percussive = running_median(magnitude, odd(BROAD_HZ / bin_hz), axis=1)
    p, h = percussive**2, (margin * harmonic) ** 2
    return np.asarray(p / (p + h + TINY), dtype=np.float32)


def running_median(x: Power, width: int, axis: int) -> Power:
    """Median over `width` (odd) neighbours along an axis of (frames, bins), mirrored at the ends."""
    if axis == 0:
        return np.ascontiguousarray(running_median(np.ascontiguousarray(x.T), width, axis=1).T)
    reach = width // 2
    rows = np.pad(x, ((0, 0), (reach, reach)), mode="symmetric")
    # One long row: SciPy's median of a vector is ten times as fast as that of a plane, and the
    # padding keeps neighbouring rows apart.
    medians = ndimage.median_filter(rows.ravel(), width).reshape(rows.shape)
    return np.ascontiguousarray(medians[:, reach : reach + x.shape[1]])


def odd(width: float) -> int:
    """The nearest odd number, at least 3."""
    return max(3, 2 * round((width - 1) / 2) + 1)
