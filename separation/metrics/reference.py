"""Measures of an estimate against its reference, and of speed. Pure functions; levels in dB, higher is better.

Silence has no direction and no level, so ratios with it are stated rather than guessed:
a silent reference gives -inf dB unless the estimate is silent as well, which is perfect: +inf dB.
A silent estimate of a reference that sounds gives -inf dB.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from separation.errors import SettingsError

Samples = npt.NDArray[np.floating]


def si_sdr(estimate: Samples, reference: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, over all channels at once.

    Le Roux, Wisdom, Erdogan and Hershey, "SDR: half-baked or well done?", ICASSP 2019, eq. 5:
    the estimate is compared with the multiple of the reference that is nearest to it. One scale serves all channels,
    so a stem on the wrong side is an error.

    Args:
        estimate: (channels, samples), any scale.
        reference: same shape.

    Returns:
        dB; see the head of this file for silence.

    Raises:
        SettingsError: the shapes differ.
    """
    s_hat, s = flat_pair(estimate, reference)
    if not s.any() or not s_hat.any():
        return np.inf if s.any() == s_hat.any() else -np.inf
    # Scaled to unit energy first: float32 audio may hold values whose squares vanish.
    s = s / np.linalg.norm(s)
    s_hat = s_hat / np.linalg.norm(s_hat)
    target = np.dot(s_hat, s) * s
    return ratio_db(energy(target), energy(s_hat - target))


def rtf(seconds: float, duration_s: float) -> float:
    """Real-time factor: processing time over audio duration; below 1 beats real time.

    Raises:
        SettingsError: there is no audio to relate to.
    """
    if duration_s <= 0:
        raise SettingsError(
            f"A real-time factor of {duration_s} s of audio does not exist.",
            "It is processing time divided by the audio's duration.",
            "Measure at least one sample.",
        )
    return seconds / duration_s


def flat_pair(a: Samples, b: Samples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both signals as float64 vectors, having checked that they are of one shape."""
    refuse_unlike(a, b)
    return a.astype(np.float64).ravel(), b.astype(np.float64).ravel()


def refuse_unlike(a: Samples, b: Samples) -> None:
    """Raise `SettingsError` unless both signals are of one shape."""
    if a.shape != b.shape:
        raise SettingsError(
            f"Signals of shape {a.shape} and {b.shape} cannot be compared.",
            "A measure compares sample with sample, channel with channel.",
            "Bring both to one length, rate and channel count first.",
        )


def energy(x: npt.NDArray[np.float64]) -> float:
    """Sum of squares."""
    return float(np.dot(x, x))


def ratio_db(signal: float, distortion: float) -> float:
    """Ratio of two energies in dB; no distortion at all is +inf, no signal -inf."""
    if distortion == 0:
        return np.inf
    return float(10 * np.log10(signal / distortion)) if signal > 0 else -np.inf
