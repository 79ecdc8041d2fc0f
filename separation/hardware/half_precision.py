"""Measures whether a device multiplies matrices faster in bfloat16 than in float32, in a tenth of a second.

Processors with bfloat16 units (AVX-512 BF16, AMX, some of ARM's) and graphics cards do, two to many times; on others
PyTorch computes bfloat16 by way of float32, and it takes longer. Factors are rounded to 8 binary digits, which is an
error of -51 dB in a product if sums are kept in float32; what is less exact is not taken, however fast it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from separation.hardware import products
from separation.hardware.products import SHAPES, ProductSpeed, compared

if TYPE_CHECKING:
    from torch import Tensor

Precision = Literal["float32", "bfloat16"]
FASTER = 1.3  # times as fast as float32 bfloat16 has to be
MOST_ERROR_DB = -47.0  # of what is taken, against float64


def choose(measured: Mapping[Precision, ProductSpeed]) -> Precision:
    """Choose bfloat16 where it is faster by `FASTER` and its error is at most `MOST_ERROR_DB`; else float32."""
    exact, half = measured["float32"], measured["bfloat16"]
    return "bfloat16" if half.error_db <= MOST_ERROR_DB and half.gflops >= FASTER * exact.gflops else "float32"


def measure(device: str) -> dict[Precision, ProductSpeed]:
    """Measure both on a device of PyTorch's; float32 on a processor by the library that is taken there."""
    import torch

    made = torch.Generator().manual_seed(0)
    (rows, inputs, outputs), *_ = SHAPES  # of SAM-Audio's transformer
    exact = (torch.randn(rows, inputs, generator=made), torch.randn(outputs, inputs, generator=made))

    def by(dtype: torch.dtype) -> list[Tensor]:
        left, right = factors[dtype]
        return [torch.nn.functional.linear(left, right)]

    dtypes: Mapping[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    factors = {dtype: [one.to(device, dtype) for one in exact] for dtype in dtypes.values()}
    measured = compared({name: partial(by, dtype) for name, dtype in dtypes.items()}, [exact])
    if device == "cpu" and products.can_choose():
        libraries = products.measure()
        measured["float32"] = libraries[products.choose(libraries)]
    return measured


def sentence(precision: Precision, measured: Mapping[Precision, ProductSpeed]) -> str:
    """Return which precision was chosen, and why, for reports."""
    words = (f"{name} {one.gflops:.0f} GFLOP/s at {one.error_db:.0f} dB" for name, one in measured.items())
    return f"{precision} ({', '.join(words)})"
