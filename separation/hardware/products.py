"""Chooses the library that multiplies float32 matrices on the processor, by a measurement of a tenth of a second.

PyTorch carries two: MKL, which it takes, and oneDNN, to which `torch.set_float32_matmul_precision("medium")` sends the
same products. On an AMD processor with AVX-512 MKL reaches 163 to 185 GFLOP/s on the shapes of our layers and oneDNN
400 to 426; against float64 MKL's products are wrong by -132 dB and oneDNN's by -125 to -129. Elsewhere it may be the
other way round, and on a processor with AMX the same switch may round to bfloat16, which is some -50 dB: so both are
measured, speed and error, and what is not exact enough is not taken however fast it is.

With the other library results differ in the last digits of float32, as they do on another processor: keys of kept
chunks name neither.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Library = Literal["MKL", "oneDNN"]
Way = TypeVar("Way", bound=str)
PRECISIONS: Mapping[Library, Literal["highest", "medium"]] = {"MKL": "highest", "oneDNN": "medium"}  # PyTorch's words
SHAPES = ((256, 1024, 2816), (1024, 384, 1536))  # rows, inputs, outputs: feed-forward layers of SAM-Audio and Demucs
N_ROUNDS, ENOUGH_S = (2, 6), 0.1  # at least, at most, of all products by each library in turn; and the time for them
N_COMPARED = 32  # rows of each product that are compared with float64, which takes longer than all the others
FASTER = 1.1  # times as fast has to be what is not PyTorch's own choice
MOST_ERROR_DB = -115.0  # of what is taken, against float64; -138 dB is half of the last digit of a float32


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductSpeed:
    """What a library does with the products of `SHAPES`.

    Args:
        gflops: speed in 10^9 floating-point operations a second, a multiplication and an addition each.
        error_db: energy of the error against float64, relative to that of the products, in dB.
    """

    gflops: float
    error_db: float


def choose(measured: Mapping[Library, ProductSpeed]) -> Library:
    """Choose the faster library of those whose error is at most `MOST_ERROR_DB`; MKL where there is little between."""
    own, other = measured["MKL"], measured["oneDNN"]
    return "oneDNN" if other.error_db <= MOST_ERROR_DB and other.gflops >= FASTER * own.gflops else "MKL"


def can_choose() -> bool:
    """Whether PyTorch has both libraries here, and nobody has chosen between them already."""
    import torch

    both = all(library.is_available() for library in (torch.backends.mkl, torch.backends.mkldnn))
    return both and torch.get_float32_matmul_precision() == "highest"


def use(library: Library) -> None:
    """Have PyTorch take a library in this process from now on."""
    import torch

    torch.set_float32_matmul_precision(PRECISIONS[library])


def measure() -> dict[Library, ProductSpeed]:
    """Measure both libraries, in turn, on the cores that PyTorch computes with; leave the choice between them as it is.

    It takes about 0.1 s on two free cores; the first time that oneDNN meets a shape it makes a program for it.
    """
    import torch

    made = torch.Generator().manual_seed(0)
    pairs = [
        (torch.randn(rows, inputs, generator=made), torch.randn(outputs, inputs, generator=made))
        for rows, inputs, outputs in SHAPES
    ]

    def by(library: Library) -> list[Tensor]:
        use(library)
        return [torch.nn.functional.linear(left, right) for left, right in pairs]

    before = torch.get_float32_matmul_precision()
    try:
        return compared({library: partial(by, library) for library in PRECISIONS}, pairs)
    finally:
        torch.set_float32_matmul_precision(before)


def compared(
    ways: Mapping[Way, Callable[[], Sequence[Tensor]]], pairs: Sequence[tuple[Tensor, Tensor]]
) -> dict[Way, ProductSpeed]:
    """Measure ways to make the same products, in turn.

    Args:
        ways: each makes all products, (rows, outputs), on any device.
        pairs: the factors in float32 on the CPU, (rows, inputs) and (outputs, inputs).
    """
    fastest_s = dict.fromkeys(ways, math.inf)
    products: dict[Way, list[Tensor]] = {}
    began_s = time.perf_counter()
    for n in range(N_ROUNDS[1]):
        if n >= N_ROUNDS[0] and time.perf_counter() - began_s > ENOUGH_S:
            break
        for name, make in ways.items():
            started_s = time.perf_counter()
            products[name] = [one[:N_COMPARED].cpu() for one in make()]  # a device has computed what is fetched
            fastest_s[name] = min(fastest_s[name], time.perf_counter() - started_s)
    exact = [left[:N_COMPARED].double() @ right.double().T for left, right in pairs]
    n_operations = sum(2 * len(left) * right.numel() for left, right in pairs)
    return {
        name: ProductSpeed(gflops=n_operations / fastest_s[name] / 1e9, error_db=_error_db(products[name], exact))
        for name in ways
    }


def _error_db(products: Sequence[Tensor], exact: Sequence[Tensor]) -> float:
    wrong = sum(_energy(one.double() - true) for one, true in zip(products, exact, strict=True))
    return 10 * math.log10(max(wrong, 1e-300) / sum(map(_energy, exact)))


def _energy(values: Tensor) -> float:
    return float(values.square().sum())


def sentence(library: Library, measured: Mapping[Library, ProductSpeed]) -> str:
    """Return which library multiplies, and why, for reports."""
    words = (f"{name} {one.gflops:.0f} GFLOP/s at {one.error_db:.0f} dB" for name, one in measured.items())
    return f"{library} ({', '.join(words)})"
