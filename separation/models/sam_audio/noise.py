"""The noise a separation starts from: the same numbers on every backend, device and system.

Documented so that anyone can draw it again: NumPy's PCG64 generator, seeded by SeedSequence(seed, spawn_key=(index,)),
standard normal in float32, filled frame by frame. So a longer clip begins with the noise of a shorter one, and every
chunk has noise of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def noise(seed: int, index: int, n_frames: int, n_latents: int) -> NDArray[np.float32]:
    """Standard normal noise, shape (n_frames, n_latents), for chunk `index` of a run with this seed.

    Args:
        seed: of the request, 0 or more.
        index: number of the chunk, from 0.
        n_frames: latent frames.
        n_latents: channels of the state: target and residual together.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index,))))
    return generator.standard_normal((n_frames, n_latents), dtype=np.float32)
