"""The low-passed anchors of a MUSHRA test, dull sounds that hold its scale in place (ITU-R BS.1534-3, 5.1)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from separation.errors import SettingsError

LOW_ANCHOR_HZ = 3500.0
MID_ANCHOR_HZ = 7000.0
# The standard asks of the 3.5 kHz anchor at most 0.1 dB of ripple up to there, at least 25 dB down at 4 kHz, and 50 dB
# at 4.5 kHz. It asks nothing of the 7 kHz anchor, which here has the same slope on a scale of octaves.
STOP_RATIO = 4.0 / 3.5
ATTENUATION_DB = 60.0  # from there on, which leaves 0.009 dB of ripple below


def low_passed(samples: npt.NDArray[np.float32], sample_rate: int, cutoff_hz: float) -> npt.NDArray[np.float32]:
    """Return samples without what lies above `cutoff_hz`: flat to 0.1 dB up to it, 59 dB down from 8/7 of it on.

    The filter has linear phase and its delay is taken away, so that the anchor is heard in time with the reference.
    What lies before and after the samples counts as silence.

    Args:
        samples: shape (..., samples); an excerpt, as it is filtered at once.
        sample_rate: in Hz. At a rate that has no room for the filter's slope, up to 15/7 of the cut-off, there is
            nothing to take away, and samples come back unchanged.
        cutoff_hz: `LOW_ANCHOR_HZ`, `MID_ANCHOR_HZ`, or another.

    Returns:
        The same shape and rate, a new array.

    Raises:
        SettingsError: the rate or the cut-off is not above 0.
    """
    if not (sample_rate > 0 and 0 < cutoff_hz < math.inf):
        raise SettingsError(
            f"There is no filter for {cutoff_hz} Hz at {sample_rate} Hz.",
            "Both have to be above 0.",
            "Choose a cut-off such as 3500 Hz.",
        )
    stop_hz = STOP_RATIO * cutoff_hz
    if not samples.size or cutoff_hz + stop_hz >= sample_rate:  # the middle of the slope, or half of the rate
        return samples.copy()
    from scipy import signal  # half a second to import

    n_taps, beta = signal.kaiserord(ATTENUATION_DB, (stop_hz - cutoff_hz) / (sample_rate / 2))
    middle = (cutoff_hz + stop_hz) / 2
    taps = signal.firwin(n_taps | 1, middle, window=("kaiser", beta), fs=sample_rate)  # odd: a whole delay
    taps = taps.reshape((1,) * (samples.ndim - 1) + (-1,))
    filtered = signal.oaconvolve(samples.astype(np.float64), taps, mode="same", axes=-1)
    return np.asarray(filtered, np.float32)
