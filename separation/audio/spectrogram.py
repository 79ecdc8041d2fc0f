"""Spectrogram images: power over time in frequency bands of equal musical width, as grey values.

An image is made in tiles, so that any passage of a recording of any length costs the same. On level L a column stands
for 256 * 2^L samples and a tile for 256 columns; a column shows the mean power of a few frames spread evenly over its
samples. Every column depends on its place alone, so tiles fit together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from separation.audio.waveform import AudioSource

COLUMNS = 256  # of a tile
BANDS = 64
MAX_LEVEL = 16  # a column of 6 minutes
SAMPLES_PER_COLUMN = 256  # on level 0
LOWEST_HZ, HIGHEST_HZ = 50.0, 16_000.0
FLOOR_DB = -90.0  # black
SPECTROGRAM_FRAME_S = 2048 / 44_100
MOST_FRAMES = 4  # in a column; with it the cost of a tile is bounded: 50 ms of a core, 2 MB
COLUMNS_AT_ONCE = 32


def tile(source: AudioSource, level: int, index: int) -> NDArray[np.uint8]:
    """Return one tile: grey values (columns, bands), the lowest band first; 0 is -90 dB, 255 a sine at full scale.

    Args:
        source: whose channels are taken together.
        level: 0 to `MAX_LEVEL`.
        index: from 0; the last tile has fewer columns, and one behind the end has none.

    Raises:
        AudioError: the file is gone.
    """
    first = index * COLUMNS
    last = min(first + COLUMNS, -(-source.n_samples // (SAMPLES_PER_COLUMN << level)))
    parts = [
        levels_db(source, level, start, min(start + COLUMNS_AT_ONCE, last))
        for start in range(first, last, COLUMNS_AT_ONCE)
    ]
    found = np.concatenate(parts) if parts else np.zeros((0, BANDS))
    return np.round(np.clip(1 - found / FLOOR_DB, 0, 1) * 255).astype(np.uint8)


def levels_db(source: AudioSource, level: int, first: int, last: int) -> NDArray[np.float64]:
    """Return columns `first` to `last` of a level: (columns, bands) in dB relative to a sine at full scale."""
    from scipy import fft  # 0.3 s to import

    from separation.audio.stft import hann, hann_spectra

    n_fft = 2 * fft.next_fast_len(max(32, round(SPECTROGRAM_FRAME_S * source.sample_rate / 2)), real=True)
    span = SAMPLES_PER_COLUMN << level
    n_frames = min(MOST_FRAMES, max(1, span // n_fft))  # of each column
    middles = (np.arange(first * n_frames, last * n_frames) + 0.5) * span / n_frames
    starts = np.round(middles).astype(int) - n_fft // 2
    frames = np.stack([source.read(start, start + n_fft) for start in starts.tolist()])  # (frames, channels, n_fft)
    spectra = hann_spectra(frames)
    power = (spectra.real**2 + spectra.imag**2).mean(axis=1, dtype=np.float64)  # (frames, bins)
    power = power.reshape(last - first, n_frames, -1).mean(axis=1)
    # A sine of amplitude 1 has a mean square of 1/2, half of which lies at negative frequencies: Parseval's theorem.
    full_scale = n_fft * float((hann(n_fft).astype(np.float32).astype(np.float64) ** 2).sum()) / 4
    found: NDArray[np.float64] = 10 * np.log10(
        np.maximum(_in_bands(power, n_fft, source.sample_rate) / full_scale, 1e-12)
    )
    return found


def edges_hz(sample_rate: int) -> NDArray[np.float64]:
    """Return the edges of the bands in Hz, shape (bands + 1,)."""
    return np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, sample_rate / 2), BANDS + 1)


def _in_bands(power: NDArray[np.float64], n_fft: int, sample_rate: int) -> NDArray[np.float64]:
    """Sum the power of bins (columns, bins) into bands (columns, bands); a bin on an edge is split between two."""
    below = np.pad(np.cumsum(power, axis=1), ((0, 0), (1, 0)))  # the power below each bin
    borders = edges_hz(sample_rate) * n_fft / sample_rate + 0.5  # bin k is what lies from k - 0.5 to k + 0.5
    whole = borders.astype(int)
    until: NDArray[np.float64] = below[:, whole] + (borders - whole) * power[:, whole]
    return np.diff(until, axis=1)
