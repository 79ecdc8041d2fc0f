"""One gain for all channels, so that denoising moves nothing in the stereo image.

Channels denoised one by one get different gains: a voice between them would wander. In each bin of the spectrogram the
common complex gain is the one that explains all channels' estimates best, H = sum(conj(X) Y) / sum(|X|^2): equal
channels keep their own estimate, and a channel's part of the sum is its share of the power.
"""

from __future__ import annotations

import numpy as np

from separation.audio.stft import Samples, istft, stft

# 43 ms at 48 kHz. Against 21 ms the far channel of a panned voice in noise gained 0.5 dB, against 85 ms it lost 0.1 dB.
N_FFT = 2048
# No gain louder than the mixture: where channels nearly cancel, the best fit is a large number.
MOST = 1.0


def with_shared_gain(estimates: Samples, mixture: Samples) -> Samples:
    """Return the mixture under the gain that its channels' estimates have in common, (channels, samples).

    Args:
        estimates: (channels, samples), of each channel on its own.
        mixture: the channels themselves.
    """
    heard, wanted = stft(mixture, N_FFT), stft(estimates, N_FFT)
    power = np.square(np.abs(heard)).sum(axis=0)
    gain = (np.conj(heard) * wanted).sum(axis=0) / np.maximum(power, np.float32(1e-20))
    gain /= np.maximum(1, np.abs(gain) / MOST)
    return istft(heard * gain, mixture.shape[-1])
