"""Which library multiplies matrices: the faster one, if it is exact."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from separation.hardware import products
from separation.hardware.products import Library, ProductSpeed, can_choose, choose, measure, sentence, use

MKL = ProductSpeed(gflops=170.0, error_db=-132.0)


@pytest.fixture(autouse=True)
def unsettled() -> Iterator[None]:
    """A process in which nothing was chosen yet, and in which this test leaves nothing."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    ("other", "chosen"),
    [
        (ProductSpeed(gflops=410.0, error_db=-127.0), "oneDNN"),
        (ProductSpeed(gflops=900.0, error_db=-50.0), "MKL"),  # bfloat16
        (ProductSpeed(gflops=175.0, error_db=-127.0), "MKL"),  # as good as the same
        (ProductSpeed(gflops=90.0, error_db=-127.0), "MKL"),
    ],
    ids=["faster and exact", "faster and inexact", "no faster", "slower"],
)
def test_the_faster_one_is_taken_if_it_is_exact(other: ProductSpeed, chosen: Library) -> None:
    measured: dict[Library, ProductSpeed] = {"MKL": MKL, "oneDNN": other}
    assert choose(measured) == chosen
    said = sentence(chosen, measured)
    assert said.startswith(f"{chosen} (MKL 170 GFLOP/s at -132 dB, oneDNN ")


@pytest.mark.parametrize("library", ["MKL", "oneDNN"])
def test_each_can_be_used_and_then_there_is_nothing_more_to_choose(library: Library) -> None:
    assert can_choose()
    use(library)
    assert torch.get_float32_matmul_precision() == products.PRECISIONS[library]
    assert can_choose() is (library == "MKL"), "which is how PyTorch begins"


@pytest.mark.parametrize("missing", ["mkl", "mkldnn"])
def test_where_there_is_one_library_there_is_nothing_to_choose(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getattr(torch.backends, missing), "is_available", lambda: False)
    assert not can_choose()


def test_what_is_measured_is_plausible_and_the_choice_is_left_as_it_was() -> None:
    measured = measure()
    assert torch.get_float32_matmul_precision() == "highest"
    assert set(measured) == {"MKL", "oneDNN"}
    assert all(one.gflops > 0.1 for one in measured.values())
    assert -150 < measured["MKL"].error_db < -120, "float32"


def test_an_inexact_library_is_seen_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor on which the switch rounds to bfloat16, simulated."""
    linear = torch.nn.functional.linear

    def rounding(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if torch.get_float32_matmul_precision() == "medium":
            return linear(left.bfloat16(), right.bfloat16()).float()
        return linear(left, right)

    monkeypatch.setattr(torch.nn.functional, "linear", rounding)
    measured = measure()
    assert -60 < measured["oneDNN"].error_db < -40 and measured["MKL"].error_db < -120
    assert choose({**measured, "oneDNN": ProductSpeed(gflops=1e6, error_db=measured["oneDNN"].error_db)}) == "MKL"
