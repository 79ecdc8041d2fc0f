"""The short-time Fourier transform and its exact inverse, for any length from one sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

Samples = npt.NDArray[np.float32]  # (channels, samples)
Spectrum = npt.NDArray[np.complex64]  # (channels, frames, bins)
Power = npt.NDArray[np.float32]  # (frames, bins): powers, magnitudes and masks

FRAME_S = 0.093  # long enough to part the harmonics of a voice, short enough for a drum
HOPS_PER_FRAME = 4
WORKERS = 2  # FFTs of different frames are independent


def frame_length(sample_rate: int) -> int:
    """Samples of a frame: the power of two nearest to `FRAME_S`, 4096 at 44.1 kHz, at least 16."""
    return max(16, int(2 ** np.round(np.log2(FRAME_S * sample_rate))))


def stft(samples: Samples, n_fft: int) -> Spectrum:
    """Spectrum of (channels, samples) as (channels, frames, n_fft // 2 + 1), from `overlapping` frames."""
    frames = overlapping(samples, n_fft)
    return np.asarray(fft.rfft(frames * window(n_fft), axis=-1, workers=WORKERS), dtype=np.complex64)


def istft(spectrum: Spectrum, n_samples: int) -> Samples:
    """The signal (channels, n_samples) whose `stft` is `spectrum`, or the nearest one in the least-squares sense.

    D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", 1984, eq. 6.
    """
    n_channels, n_frames, n_bins = spectrum.shape
    n_fft = 2 * (n_bins - 1)
    hop = n_fft // HOPS_PER_FRAME
    # The squares of the windows, sine lobes at a quarter's hop, sum to exactly HOPS_PER_FRAME / 2.
    frames = fft.irfft(spectrum, n_fft, axis=-1, workers=WORKERS) * (window(n_fft) * np.float32(2 / HOPS_PER_FRAME))
    parts = frames.reshape(n_channels, n_frames, HOPS_PER_FRAME, hop)
    blocks = np.zeros((n_channels, n_frames + HOPS_PER_FRAME - 1, hop), np.float32)
    for part in range(HOPS_PER_FRAME):
        blocks[:, part : part + n_frames] += parts[:, :, part]
    before = n_fft - hop
    return blocks.reshape(n_channels, -1)[:, before : before + n_samples]


def overlapping(samples: Samples, n_fft: int) -> Samples:
    """Frames (channels, frames, n_fft) of (channels, samples), hop a quarter of `n_fft`; a view, not to be written to.

    Every sample lies in four frames, those at the ends in frames that begin before and end after the signal.
    """
    hop = n_fft // HOPS_PER_FRAME
    padded = np.pad(samples, ((0, 0), (n_fft - hop, n_fft - 1)))
    return np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[:, ::hop]


def hann_spectra(frames: Samples) -> Spectrum:
    """Return spectra (..., n_fft // 2 + 1) of frames (..., n_fft) under a Hann window; for analysis only."""
    window = hann(frames.shape[-1]).astype(np.float32)
    return np.asarray(fft.rfft(frames * window, axis=-1), dtype=np.complex64)


def hann(n: int) -> npt.NDArray[np.float64]:
    """A periodic Hann window of `n` samples.

    The same as SciPy's, whose `signal` takes half a second to import.
    """
    return np.hanning(n + 1)[:-1]


def window(n_fft: int) -> npt.NDArray[np.float32]:
    """The square root of a periodic Hann window, used for analysis and for synthesis."""
    return np.asarray(np.sqrt(hann(n_fft)), dtype=np.float32)
