"""The sounds of a blind trial: bytes from which nothing but their samples can be told.

Passages of one length give bytes of one length behind one header, and no two of them are alike: each is dithered by
itself. What is compressed would have another size for each side, and samples that are rounded alike would show which
two of A, B and X agree.
Someone who analyses the samples can still tell; this keeps the answer from everything else.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

BITS = 24
FADE_S = 0.01  # a passage that is cut out of its surroundings would click
HEADER = struct.Struct("<4sI4s 4sIHHIIHH 4sI")


def passage(samples: NDArray[np.float32], sample_rate: int, gain: float = 1.0) -> NDArray[np.float64]:
    """Return a passage, shape (channels, samples), as two channels with short linear fades at both ends."""
    both = np.broadcast_to(samples, (2, samples.shape[1])) * np.float64(gain)
    n_fade = min(round(FADE_S * sample_rate), samples.shape[1] // 2)
    if n_fade:
        ramp = np.linspace(0, 1, n_fade, endpoint=False)
        both[:, :n_fade] *= ramp
        both[:, -n_fade:] *= ramp[::-1]
    return both


def dithered_wav(samples: NDArray[np.float64], sample_rate: int, rng: np.random.Generator) -> bytes:
    """Return samples as a WAV of 24-bit PCM with TPDF dither of one step (Lipshitz, Wannamaker & Vanderkooy 1992).

    Args:
        samples: shape (2, n), full scale is [-1, 1]; what is beyond it is cut.
        sample_rate: Hz.
        rng: draws the dither, anew for each sound.
    """
    steps = samples.T * 2 ** (BITS - 1)
    steps = np.rint(steps + rng.uniform(-0.5, 0.5, steps.shape) + rng.uniform(-0.5, 0.5, steps.shape))
    whole = np.clip(steps, -(2 ** (BITS - 1)), 2 ** (BITS - 1) - 1).astype("<i4")
    data: bytes = whole.view(np.uint8).reshape(*whole.shape, 4)[..., :3].tobytes()  # the low three bytes of four
    frame_bytes = 2 * BITS // 8
    header = HEADER.pack(
        *(b"RIFF", HEADER.size - 8 + len(data), b"WAVE"),
        *(b"fmt ", 16, 1, 2, sample_rate, sample_rate * frame_bytes, frame_bytes, BITS),
        *(b"data", len(data)),
    )
    return header + data
