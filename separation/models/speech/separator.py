"""Separates one window of a recording into speech, at any level, in one or two channels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from separation.models.speech import SAMPLE_RATE
from separation.models.speech.carrier import Carrier
from separation.models.speech.deepfilternet import enhance
from separation.models.speech.levelling import level_gain
from separation.models.speech.stereo import with_shared_gain

Samples = NDArray[np.float32]  # (channels, samples) at 48 kHz


def by_deepfilternet(mixture: Samples, carrier: Carrier) -> Samples:
    """Return the speech in a window, of its shape; silence gives silence.

    Args:
        mixture: (1 or 2 channels, samples) at 48 kHz, finite, any level.
        carrier: from `carrier.checked`.
    """
    if not mixture.any():
        return np.zeros_like(mixture)
    gain = level_gain(mixture, SAMPLE_RATE)
    levelled = mixture * gain
    if (mixture == mixture[0]).all():  # one channel, however often
        return np.tile(enhance(levelled[0], carrier) / gain, (len(mixture), 1))
    with ThreadPoolExecutor(len(mixture)) as channels:  # the library computes without Python's lock
        estimates = np.stack(list(channels.map(enhance, levelled, repeat(carrier))))
    return with_shared_gain(estimates / gain, mixture)


def limited(speech: Samples, mixture: Samples, attenuation_db: float | None) -> Samples:
    """Return the speech with what else there is lowered by `attenuation_db`, or removed if that is None."""
    if attenuation_db is None:
        return speech
    left = np.float32(10 ** (-attenuation_db / 20))
    return speech + left * (mixture - speech)
