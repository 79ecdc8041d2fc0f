"""Masks from the stereo image: lead voices are in the centre, pads and reverberation around it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from separation.audio.stft import Power, Spectrum
from separation.models.classical.hpss import odd
from separation.models.classical.masks import TINY

# A centred source with some room leaves a little in the side signal; what has two thirds of its
# power there is not centred at all. Between 1 and 3 the demo's score moves by less than 0.1 dB.
SIDE_WEIGHT = 1.5
# With 0.07 s an eighth of a wide pad was taken for a centred voice, with 0.25 s a hundredth.
AVERAGE_S = 0.25


def mid_and_side_power(spectrum: Spectrum) -> tuple[Power, Power]:
    """Power of the channels' mean and of all that departs from it, both (frames, bins).

    For left and right these are |L + R|^2 / 4 and |L - R|^2 / 4; a mono signal has no side.
    """
    mid = squared(np.mean(spectrum, axis=0))
    total = np.mean(squared(spectrum), axis=0)
    return mid, np.maximum(total - mid, 0)


def centre_mask(mid: Power, side: Power, frame_rate: float) -> Power:
    """The part of each bin, 0 to 1, that is alike in all channels; 1 everywhere for mono.

    After the panning index of C. Avendano and J.-M. Jot, "A frequency-domain approach to multichannel upmix", JAES
    2004, averaged over `AVERAGE_S` and three bins: two sources that beat in one bin point everywhere in turn.
    """
    m, s = (ndimage.uniform_filter(power, (odd(AVERAGE_S * frame_rate), 3)) for power in (mid, side))
    return np.asarray(np.maximum(m - SIDE_WEIGHT * s, 0) / (m + s + TINY), dtype=np.float32)


def squared(spectrum: Spectrum) -> Power:
    """|X|^2 without the square root of `abs`."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)
