"""Whether bfloat16 is taken: where it is faster, and only rounds its factors."""

from __future__ import annotations

import pytest
import torch

from separation.hardware.half_precision import Precision, choose, measure, sentence
from separation.hardware.products import ProductSpeed

FLOAT32 = ProductSpeed(gflops=200.0, error_db=-128.0)


@pytest.mark.parametrize(
    ("half", "chosen"),
    [
        (ProductSpeed(gflops=400.0, error_db=-51.0), "bfloat16"),
        (ProductSpeed(gflops=2000.0, error_db=-40.0), "float32"),
        (ProductSpeed(gflops=220.0, error_db=-51.0), "float32"),
        (ProductSpeed(gflops=30.0, error_db=-51.0), "float32"),
    ],
    ids=["twice as fast", "faster and inexact", "hardly faster", "emulated"],
)
def test_it_is_taken_where_it_is_faster_and_exact_enough(half: ProductSpeed, chosen: Precision) -> None:
    measured: dict[Precision, ProductSpeed] = {"float32": FLOAT32, "bfloat16": half}
    assert choose(measured) == chosen
    assert sentence(chosen, measured).startswith(f"{chosen} (float32 200 GFLOP/s at -128 dB, bfloat16 ")


def test_what_is_measured_here_is_the_rounding_of_the_factors_alone() -> None:
    measured = measure("cpu")
    assert measured["float32"].error_db < -115
    assert -53 < measured["bfloat16"].error_db < -49


def test_a_device_that_adds_up_in_bfloat16_is_seen_to_be_inexact(monkeypatch: pytest.MonkeyPatch) -> None:
    def adding_up(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(len(left), len(right), dtype=left.dtype)
        for first in range(0, left.shape[1], 32):
            total += left[:, first : first + 32] @ right[:, first : first + 32].T
        return total

    monkeypatch.setattr(torch.nn.functional, "linear", adding_up)
    measured = measure("cpu")
    fast = ProductSpeed(gflops=1e6, error_db=measured["bfloat16"].error_db)
    assert choose({**measured, "bfloat16": fast}) == "float32"
