"""Separates one window of a recording into speech, at any level, in one or two channels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from separation.audio.waveform import Waveform, resample
from separation.models import builtin
from separation.models.speech import SAMPLE_RATE
from separation.models.speech.blending import blended
from separation.models.speech.carrier import Carrier
from separation.models.speech.deepfilternet import enhance
from separation.models.speech.levelling import level_gain
from separation.models.speech.stereo import with_shared_gain

if TYPE_CHECKING:
    from separation.models.builtin.network import SeparatorNetwork

Samples = NDArray[np.float32]  # (channels, samples) at 48 kHz


def speech_in(mixture: Samples, carrier: Carrier, network: SeparatorNetwork | None = None) -> Samples:
    """Return the speech in a window, of its shape; silence gives silence.

    Args:
        mixture: (1 or 2 channels, samples) at 48 kHz, finite, any level.
        carrier: from `carrier.checked`.
        network: the built-in network, to blend its estimate with that of DeepFilterNet3.
    """
    if not mixture.any():
        return np.zeros_like(mixture)
    if (mixture == mixture[0]).all():  # one channel, however often
        return np.tile(_estimate(mixture[:1], carrier, network), (len(mixture), 1))
    return _estimate(mixture, carrier, network)


def _estimate(mixture: Samples, carrier: Carrier, network: SeparatorNetwork | None) -> Samples:
    gain = level_gain(mixture, SAMPLE_RATE)
    levelled = mixture * gain
    thorough = by_deepfilternet(levelled, carrier)
    if network is None:
        return thorough / gain
    return blended(thorough, by_network(levelled, network), levelled, SAMPLE_RATE) / gain


def by_deepfilternet(mixture: Samples, carrier: Carrier) -> Samples:
    """Return the speech in a window at about -20 dBFS, of its shape, by DeepFilterNet3."""
    if len(mixture) == 1:
        return enhance(mixture[0], carrier)[None]
    with ThreadPoolExecutor(len(mixture)) as channels:  # the library computes without Python's lock
        estimates = np.stack(list(channels.map(enhance, mixture, repeat(carrier))))
    return with_shared_gain(estimates, mixture)


def by_network(mixture: Samples, network: SeparatorNetwork) -> Samples:
    """Return the voices in a window, of its shape, by the built-in network."""
    import torch  # takes seconds

    from separation.models.builtin.separator import separate

    at_its_rate = resample(Waveform(mixture, SAMPLE_RATE), builtin.SAMPLE_RATE).samples
    if not at_its_rate.size:  # a sample or two
        return mixture
    (vocals,) = separate(network, torch.from_numpy(at_its_rate), ["vocals"]).numpy()
    voices = resample(Waveform(vocals, builtin.SAMPLE_RATE), SAMPLE_RATE).samples
    n_samples = mixture.shape[-1]
    return np.pad(voices[:, :n_samples], ((0, 0), (0, max(0, n_samples - voices.shape[-1]))))


def limited(speech: Samples, mixture: Samples, attenuation_db: float | None) -> Samples:
    """Return the speech with what else there is lowered by `attenuation_db`, or removed if that is None."""
    if attenuation_db is None:
        return speech
    left = np.float32(10 ** (-attenuation_db / 20))
    return speech + left * (mixture - speech)
