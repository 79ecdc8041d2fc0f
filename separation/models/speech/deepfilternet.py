"""DeepFilterNet3 by its C library: 48 kHz, one channel, frames of 10 ms.

H. Schröter, T. Rosenkranz, A. N. Escalante-B. and A. Maier, "DeepFilterNet: Perceptually motivated real-time speech
enhancement", Interspeech 2023. The library's functions are those of the `capi` of libDF 0.5.7.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from separation.errors import BackendUnavailable
from separation.models.speech.carrier import INSTALL_AGAIN, Carrier

Mono = NDArray[np.float32]  # (samples,) at 48 kHz
FRAME = 480
DELAY = 1440  # samples by which its output is late, measured with a click: two frames of look-ahead, one of overlap
ALL_DB = 100.0  # a limit of attenuation that limits nothing


def enhance(samples: Mono, carrier: Carrier) -> Mono:
    """Return the speech in one channel, aligned with it to the sample, of the same length.

    The network starts anew: equal samples give equal results, to the bit. Its gain settles over the first second or
    two, and it mutes what is far below -40 dBFS; see `levelling`.

    Args:
        samples: (samples,) float32 at 48 kHz, finite, about -20 dBFS.
        carrier: from `carrier.checked`.

    Raises:
        BackendUnavailable: see `open_library`.
    """
    library = open_library(carrier.library)
    frames = -(-(len(samples) + DELAY) // FRAME)
    given = np.zeros(frames * FRAME, np.float32)
    given[: len(samples)] = samples
    made = np.empty_like(given)
    state = library.df_create(str(carrier.weights).encode(), ALL_DB, None)
    try:
        for at in range(0, given.nbytes, FRAME * given.itemsize):
            library.df_process_frame(state, given.ctypes.data + at, made.ctypes.data + at)
    finally:
        library.df_free(state)
    return made[DELAY : DELAY + len(samples)]


@lru_cache(maxsize=1)
def open_library(path: Path) -> ctypes.CDLL:
    """Return the library, whose functions know what they take.

    Raises:
        BackendUnavailable: it cannot be loaded, or is another one than this code knows.
    """
    try:
        library = ctypes.CDLL(str(path))
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_create.restype = ctypes.c_void_p
        library.df_process_frame.argtypes = [ctypes.c_void_p] * 3
        library.df_process_frame.restype = ctypes.c_float
        library.df_free.argtypes = [ctypes.c_void_p]
        library.df_free.restype = None
    except (OSError, AttributeError) as failure:
        raise BackendUnavailable(
            "The speech separator's library cannot be loaded.",
            f"{path}: {failure}.",
            action=INSTALL_AGAIN,
        ) from failure
    return library
