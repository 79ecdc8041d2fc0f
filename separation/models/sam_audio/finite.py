"""Checks that a network's output is finite, where it is computed."""

from __future__ import annotations

from torch import Tensor

from separation.errors import SeparationError


def finite(values: Tensor, what: str) -> Tensor:
    """Return `values` unchanged; raise `SeparationError` if any is infinite or NaN."""
    if not bool(values.isfinite().all()):
        raise SeparationError(
            f"The network's {what} are not numbers.",
            "Some of them are infinite or NaN, which comes from damaged weights or too low a precision.",
            "Try precision float32; if that does not help, download the model again.",
        )
    return values
