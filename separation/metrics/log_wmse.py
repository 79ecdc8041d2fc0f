"""logWMSE: the error of an estimate as hearing weighs it, defined for silent references too."""

from __future__ import annotations

from separation.metrics.reference import Samples, refuse_unlike


def log_wmse(estimate: Samples, reference: Samples, mixture: Samples, sample_rate: int) -> float:
    """Return -4 ln(mean squared error + 1e-8) of what is heard of the error; higher is better, 73.7 is perfect.

    Signals are weighted by how sensitive hearing is to each frequency, and scaled by the level of the mixture; errors
    more than 68 dB below that count for nothing. A mean over channels. Defined and computed by the package
    log-wmse-audio-quality (Nomono), which resamples to 44.1 kHz.

    Args:
        estimate: (channels, samples).
        reference: same shape.
        mixture: same shape.
        sample_rate: Hz.

    Raises:
        SettingsError: the shapes differ.
    """
    import numpy as np
    from log_wmse_audio_quality import calculate_log_wmse

    refuse_unlike(estimate, reference)
    refuse_unlike(estimate, mixture)
    signals = (np.ascontiguousarray(one, np.float32) for one in (mixture, estimate, reference))
    return float(calculate_log_wmse(*signals, sample_rate))
