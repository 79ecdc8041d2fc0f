"""Counts a clip's latent frames, and pads its end to a whole frame. Nothing here imports a framework."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from separation.errors import AudioError

# Frames of context on each side that make a piecewise decode equal to a whole one; 7 are not enough.
DECODER_CONTEXT = 8


def n_frames(n_samples: int, hop: int = 1920) -> int:
    """Return the number of latent frames that cover `n_samples` samples."""
    return -(-n_samples // hop)


def whole_frames(samples: NDArray[np.float32], hop: int = 1920) -> NDArray[np.float32]:
    """Pad `samples`, shape (..., samples), to a whole number of frames by their mirror image.

    The official codec reflects about the last sample, which needs more samples than it adds: it fails on clips of half
    a frame (960 samples) or less. There we reflect again and again, about either end, which is the same rule carried
    on; a single sample repeats itself.

    Raises:
        AudioError: there are no samples.
    """
    n_samples = samples.shape[-1]
    if n_samples == 0:
        raise AudioError("There is no sound here.", "The clip has no samples.", "Choose a recording that is not empty.")
    missing = n_frames(n_samples, hop) * hop - n_samples
    return np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)], mode="reflect") if missing else samples
