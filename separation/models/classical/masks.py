"""Soft masks: shares of every time-frequency bin that sum to one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from separation.audio.stft import Power

TINY = np.float32(1e-12)  # against a mixture scaled to a peak of one: -120 dB, far below any recording's noise


def wiener_masks(models: Sequence[Power]) -> list[Power]:
    """Each source's share of the power where magnitudes (frames, bins) are modelled: |s_j|^2 / sum |s|^2.

    Sources that do not depend on each other add in power (N. Wiener; for separation L. Benaroya et al., 2003).
    Where all models are silent the shares are equal, so they sum to one everywhere.
    """
    powers = [model**2 + TINY for model in models]
    total = np.sum(powers, axis=0)
    return [power / total for power in powers]


def low_pass_curve(frequency_hz: Power, edge_hz: float, order: int) -> Power:
    """A soft taper over frequency, 1 below `edge_hz` and 0 above, half at the edge."""
    return np.asarray(1 / (1 + (frequency_hz / edge_hz) ** order), dtype=np.float32)
