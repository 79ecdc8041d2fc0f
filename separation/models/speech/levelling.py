"""A slow gain that brings a recording to the level its network expects, and is undone afterwards.

The gain at a moment depends on the two seconds around it only, so neighbouring windows that contain these agree on it,
and there is no step where they meet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Gain = NDArray[np.float32]  # (samples,), above 0

LEVEL = 0.1  # RMS, -20 dBFS
BLOCK_S = 0.05
REACH_S = 2.0  # on each side
# What lies lower is left lower, so that the noise of an empty track is not made into a sound.
FAINTEST = 10 ** (-75 / 20)


def level_gain(samples: NDArray[np.float32], sample_rate: int) -> Gain:
    """Return the gain for each sample that brings the surroundings of it to `LEVEL`; the same for all channels.

    Args:
        samples: (channels, samples), finite.
        sample_rate: Hz.
    """
    n_samples = samples.shape[-1]
    block = round(BLOCK_S * sample_rate)
    n_blocks = -(-n_samples // block)
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    power = np.pad(power, (0, n_blocks * block - n_samples)).reshape(n_blocks, block).mean(axis=1)
    # Silence has no level; beyond the ends of a recording there is nothing but that.
    sounding = (power > 0).astype(np.float64)
    weights = np.hanning(2 * round(REACH_S / BLOCK_S) + 1)[1:-1]
    reached = np.convolve(sounding, weights, "full")[len(weights) // 2 :][:n_blocks]
    around = np.convolve(power, weights, "full")[len(weights) // 2 :][:n_blocks] / np.maximum(reached, 1e-9)
    gain_db = -20 * np.log10(np.maximum(np.sqrt(around), FAINTEST) / LEVEL)
    centres = (np.arange(n_blocks) + 0.5) * block
    smooth = np.interp(np.arange(n_samples), centres, gain_db)
    return np.asarray(10 ** (smooth / 20), np.float32)
