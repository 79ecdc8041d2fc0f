"""The better of two estimates of speech, weighed against each other in every band at every moment.

DeepFilterNet3 takes away more noise, and more speech; the built-in network leaves both. What tells the two cases apart
is when they disagree. Noise that the built-in network has left is there in the pauses too; speech that DeepFilterNet3
has taken is not. So in each band the weight of DeepFilterNet3 is how much the two disagree in pauses, beside how much
they disagree: over the whole window, and around the moment, and of these two the mean. 1 means that all of the
difference is noise, 0 that none is.

Fitted on nine clips a cell of Italian, Czech and syllables of 20 languages, in white, pink, brown and cafe-like noise,
other talkers and music at 0, 5 and 10 dB: in the mean 1.8 dB of SI-SDR above the better of the two, in every cell at
least 0.1 dB above it and 0.3 dB above the untouched mixture; clean speech at 38 dB. Tried and left out: the mean of the
two (0.3 dB above; pink noise at 0 dB 1.9 dB below; clean speech at 23 dB), one weight for all bands, only the weight of
the whole window, only that of the moment, the smaller of the two, other values of `LEAST` (1: 0.7 dB below in the worst
cell; 2: babble at 0 dB no better than the mixture), and the careful estimate's pauses alone (brown noise loses 6 dB).
These figures are from before `MOST_BESIDE`; `benchmarks.bench_speech` has those of held-out voices with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from separation.audio.stft import HOPS_PER_FRAME, Samples, Spectrum, istft, stft

Bands = NDArray[np.float64]  # (frames, bands)
Power = NDArray[np.float64]
Frames = NDArray[np.bool_]

N_FFT = 2048  # 43 ms at 48 kHz, hop 11 ms
# First bins of the bands, 23 Hz apart: about as wide as critical bands above 500 Hz.
EDGES = np.array([0, 4, 8, 12, 17, 24, 34, 48, 68, 96, 136, 192, 272, 384, 544, 768])
# The frames in which DeepFilterNet3 hears the least: even those who never pause do so between syllables.
PAUSES = 0.2
# Of the noise in all frames, what these frames have of it: they are those in which there is the least.
LEAST = 1 / 1.5
AROUND_S = 0.17  # on each side of a moment
# DeepFilterNet3 mutes whole words now and then, and these are no pauses. So the noise is at most this many times what
# they disagree about in the pauses of the careful estimate. On the clips of the rule 3 costs brown noise at 0 dB 0.7 dB
# and 2 costs it 3.0; without it clean voices from the telephone lost words.
MOST_BESIDE = 3.0
SILENCE = 1e-12  # of the power of the loudest frame
TINY = 1e-20


def blended(thorough: Samples, careful: Samples, mixture: Samples, sample_rate: int) -> Samples:
    """Return the blend of two estimates of the speech in a window, of their shape.

    Args:
        thorough: the estimate that takes away more, (channels, samples); it says where pauses are.
        careful: the one that leaves more.
        mixture: what they were made of; where it is digital silence, as beyond the ends of a recording, is no pause.
        sample_rate: Hz; the bands are those of 48 kHz.
    """
    heard = stft(thorough, N_FFT)
    difference = heard - stft(careful, N_FFT)
    power = _in_bands(stft(mixture, N_FFT)).sum(axis=1)
    sounding = power > SILENCE * power.max(initial=0.0)
    if not sounding.any():
        return careful
    thorough_power, careful_power = (_in_bands(one).sum(axis=1) for one in (heard, heard - difference))
    weight = noise_share(_in_bands(difference), thorough_power, careful_power, sounding, sample_rate)
    of_bin = np.searchsorted(EDGES, np.arange(N_FFT // 2 + 1), side="right") - 1
    return careful + istft(difference * weight.astype(np.float32)[:, of_bin], careful.shape[-1])


def noise_share(disagreement: Bands, thorough: Power, careful: Power, sounding: Frames, sample_rate: int) -> Bands:
    """Return the share of a disagreement that is noise, 0 to 1, (frames, bands).

    Args:
        disagreement: power of the difference of the estimates, (frames, bands).
        thorough: power of the voice as the thorough estimate has it, (frames,).
        careful: as the careful one has it, (frames,).
        sounding: the frames that count, (frames,), at least one.
        sample_rate: Hz.
    """
    in_pauses = np.minimum(
        _in_pauses(disagreement, thorough, sounding), MOST_BESIDE * _in_pauses(disagreement, careful, sounding)
    )
    throughout = in_pauses / (disagreement[sounding].mean(axis=0) + TINY)
    now = in_pauses / (_smoothed(disagreement, round(AROUND_S * sample_rate * HOPS_PER_FRAME / N_FFT)) + TINY)
    return np.asarray((np.minimum(throughout, 1) + np.minimum(now, 1)) / 2)


def _in_pauses(disagreement: Bands, voice: Power, sounding: Frames) -> Power:
    """Return the power of a disagreement in the pauses of one estimate of the voice, (bands,)."""
    pauses = sounding & (voice <= np.quantile(voice[sounding], PAUSES))
    return np.asarray(disagreement[pauses].mean(axis=0) / LEAST)


def _in_bands(spectrum: Spectrum) -> Bands:
    """Return the power of all channels together, summed over the bins of each band."""
    power = np.square(np.abs(spectrum)).sum(axis=0, dtype=np.float64)
    return np.add.reduceat(power, EDGES, axis=1)


def _smoothed(bands: Bands, reach: int) -> Bands:
    """Return the mean over `reach` frames on each side, the near ones counting more."""
    weights = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(bands, ((reach, reach), (0, 0)), "edge")
    smooth = [np.convolve(band, weights / weights.sum(), "valid") for band in padded.T]
    return np.stack(smooth, axis=1)
