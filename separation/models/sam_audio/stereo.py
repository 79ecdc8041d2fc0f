"""Projects a mono estimate onto a stereo mixture: every sound keeps its place, and no energy is added."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from separation.audio.stft import istft, stft

Samples = NDArray[np.float32]

# 40 ms at 48 kHz, a latent frame. Its hops divide a latent frame, so a chunk that starts on a whole frame has the bins
# that the whole recording would have there.
N_FFT = 1920


def projected(estimate: Samples, mixture: Samples) -> Samples:
    """Return the estimate in stereo: its share of each bin of the mono mixture, applied to every channel.

    Sound in antiphase is not in the mono mixture and becomes part of no estimate. For a mixture with equal channels the
    estimate itself is returned, on every channel.

    Args:
        estimate: (samples,), made from the mean of the mixture's channels.
        mixture: (channels, samples).

    Returns:
        Samples of the mixture's shape, with no more energy than the mixture.
    """
    if np.array_equal(mixture, np.broadcast_to(mixture[:1], mixture.shape)):
        return np.repeat(estimate[None], len(mixture), axis=0)
    mask = share(stft(estimate[None], N_FFT)[0], stft(mixture.mean(axis=0, keepdims=True), N_FFT)[0])
    return istft(stft(mixture, N_FFT) * mask, mixture.shape[-1])


def share(estimate: NDArray[np.complex64], mixture: NDArray[np.complex64]) -> Samples:
    """Return the estimate's share of each bin's power, relative to estimate plus residual, 0 to 1; 0 in silence.

    The Wiener filter of two sources that do not depend on each other: |T|^2 / (|T|^2 + |M - T|^2).
    """
    wanted, left = np.abs(estimate) ** 2, np.abs(mixture - estimate) ** 2
    total = wanted + left
    return np.asarray(np.divide(wanted, total, out=np.zeros_like(wanted), where=total > 0))
