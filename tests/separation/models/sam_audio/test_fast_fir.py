"""Filters that are computed with fewer products: the same sums, exact to the last digits of float32."""

from __future__ import annotations

import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from separation.models.sam_audio.pytorch.fast_fir import FastFilter


def drawn(*shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def directly(x, taps, dilation, bias=None):
    return torch.nn.functional.conv1d(x.t()[None], taps, bias, dilation=dilation)[0].t()


@pytest.mark.parametrize("n_taps", [2, 3, 4, 7, 8])
@pytest.mark.parametrize("dilation", [1, 3, 9])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_filter_gives_its_sums_however_often_it_is_split(n_taps, dilation, depth):
    if n_taps >> depth == 0:
        depth = 1  # what has a single tap cannot be split
    taps, bias = drawn(5, 6, n_taps), drawn(5)
    n_times = 3 * dilation * 2**depth
    x = drawn(n_times + (n_taps - 1) * dilation, 6)
    given = x.clone()
    made = FastFilter(taps, depth)(x, dilation, bias)
    assert made.shape == (n_times, 5)
    assert made.numpy() == pytest.approx(directly(x, taps, dilation, bias).numpy(), abs=1e-12)
    assert torch.equal(x, given)


@pytest.mark.parametrize(("depth", "share"), [(0, 1), (1, 11 / 14), (2, 17 / 28)])
def test_seven_taps_cost_fewer_products_the_more_often_they_are_split(depth, share):
    x, taps = drawn(4000 + 6, 16), drawn(16, 16, 7)
    with FlopCounterMode(display=False) as counted:
        FastFilter(taps, depth)(x, 1)
    assert counted.get_total_flops() == pytest.approx(share * 2 * 4000 * 16 * 16 * 7, rel=1e-3)


@pytest.mark.parametrize("signal", ["noise", "tone"])
def test_in_float32_a_split_filter_is_as_exact_as_the_whole_one(signal):
    """Within 3 dB, for the difference of neighbours too, which of a low tone is small beside them."""
    x = drawn(2400 + 18, 192)
    if signal == "tone":
        x = torch.sin(torch.arange(len(x), dtype=torch.float64)[:, None] * 0.01 + x[0] * math.pi)
    taps = drawn(64, 192, 7)
    exact = directly(x, taps, 3)

    def error_db(depth):
        made = FastFilter(taps.float(), depth)(x.float(), 3).double()
        return float(10 * torch.log10((made - exact).square().sum() / exact.square().sum()))

    whole, split = error_db(0), error_db(2)
    assert split < max(whole + 3, -118)
