"""Translates exceptions of NumPy, PyTorch and MLX into our errors: memory ran out, or a graphics card failed.

Each framework has its own messages and classes, most often a plain RuntimeError. Nothing is imported here; the
messages are those of PyTorch 2, MLX 0.30 and glibc.
"""

from __future__ import annotations

import errno
import re

from separation.errors import DeviceFailed, OutOfMemory, SeparationError

NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "attempting to allocate",  # MLX: a buffer larger than Metal has
    "alloc_failed",  # cuBLAS
    "bad_alloc",
    "bad allocation",
)
GRAPHICS_CARD = re.compile(r"\b(cuda|cudnn|cublas|mps|metal|nvidia)", re.IGNORECASE)


def explain_failure(failure: Exception, step: str) -> SeparationError | None:
    """Return the error to show instead of `failure`, or None if it is neither of the two.

    Args:
        failure: the exception raised while a model was loaded or ran.
        step: the work that failed; "load" for reading the weights.
    """
    if isinstance(failure, SeparationError) or not isinstance(failure, (MemoryError, RuntimeError, OSError)):
        return None
    words = str(failure)
    on_card = GRAPHICS_CARD.search(words) is not None
    if is_out_of_memory(failure) and not (on_card and step == "load"):
        where = "of the graphics card " if on_card else ""
        return OutOfMemory(
            f"The memory {where}ran out.",
            _first_line(failure),
            "Choose shorter chunks or segments, a smaller model, or a lower precision; finished chunks are kept.",
        )
    if on_card and isinstance(failure, RuntimeError):
        return DeviceFailed(
            "The graphics card could not be used for this.",
            _first_line(failure),
            "Choose the device “cpu”, which is slower and gives the same result.",
        )
    return None


def is_out_of_memory(failure: Exception) -> bool:
    """Whether memory, of the computer or a graphics card, ran out."""
    if isinstance(failure, MemoryError) or (isinstance(failure, OSError) and failure.errno == errno.ENOMEM):
        return True
    return isinstance(failure, RuntimeError) and any(sign in str(failure).casefold() for sign in NO_MEMORY)


def _first_line(failure: Exception) -> str:
    """Return the first line of its message as a sentence."""
    lines = str(failure).strip().splitlines()
    return lines[0].rstrip(".") + "." if lines else f"({type(failure).__name__})"
