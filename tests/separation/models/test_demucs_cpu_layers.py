"""Our CPU layers compute what Demucs' own compute."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from demucs.demucs import DConv
from torch import nn

from separation.models.demucs.cpu_layers import FoldedResidual, PlainResidual, Polyphase, use_cpu_layers


def lively(layer: nn.Module) -> nn.Sequential:
    """The layer inside a parent, as in a network, with every weight far from where training starts."""
    torch.manual_seed(0)
    network = nn.Sequential(layer)
    for parameter in network.parameters():
        nn.init.normal_(parameter, mean=0.2, std=0.5)
    return network.eval()


def is_equal_within_rounding(theirs: nn.Module, x: torch.Tensor) -> bool:
    """Whether our layers are as close to the exact answer, in float64, as Demucs' own are."""
    ours, exact = copy.deepcopy(theirs), copy.deepcopy(theirs).double()
    use_cpu_layers(ours)
    before = x.clone()
    with torch.inference_mode():
        expected = exact(x.double())
        their_error = (theirs(x) - expected).abs().max()
        error = (ours(x) - expected).abs().max()
    assert torch.equal(x, before)
    return bool(error <= 4 * their_error + 1e-6 * expected.abs().max())


@pytest.mark.parametrize("settings", [{}, {"gelu": False}, {"norm": False}, {"lstm": True, "attn": True}])
@pytest.mark.parametrize("shape", [(1, 16, 501), (7, 16, 33), (2, 16, 1)])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_a_residual_branch_equals_demucs(settings: dict[str, bool], shape: tuple[int, ...], offset: float) -> None:
    assert is_equal_within_rounding(lively(DConv(16, compress=4, depth=2, **settings)), torch.randn(shape) + offset)


@pytest.mark.parametrize("taps", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 37])
@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_equals_pytorch(taps: int, length: int, bias: bool) -> None:
    along_time = nn.ConvTranspose1d(6, 5, 4 * taps, 4, bias=bias)
    along_frequency = nn.ConvTranspose2d(6, 5, (4 * taps, 1), (4, 1), bias=bias)

    assert is_equal_within_rounding(lively(along_time), torch.randn(2, 6, length))
    assert is_equal_within_rounding(lively(along_frequency), torch.randn(2, 6, length, 9))


@pytest.mark.parametrize(
    ("layer", "replaced"),
    [
        (DConv(16), [FoldedResidual, FoldedResidual]),
        (DConv(16, norm=False), [PlainResidual, PlainResidual]),
        (nn.ConvTranspose1d(4, 4, 8, 4), [Polyphase]),
        (nn.ConvTranspose1d(4, 4, 9, 4), []),
        (nn.ConvTranspose1d(4, 4, 8, 4, padding=1), []),
        (nn.ConvTranspose2d(4, 4, (8, 3), (4, 1)), []),
        (nn.ConvTranspose2d(4, 4, (8, 1), (4, 1), groups=2), []),
    ],
)
def test_only_layers_of_the_known_form_are_replaced(layer: nn.Module, replaced: list[type[Any]]) -> None:
    network = nn.Sequential(layer)
    use_cpu_layers(network)

    ours = (FoldedResidual, PlainResidual, Polyphase)
    assert [type(module) for module in network.modules() if isinstance(module, ours)] == replaced
