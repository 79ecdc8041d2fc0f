"""The codec on a CPU: the sums of `Codec` in another order, for less time and memory.

Channels lie side by side in memory, which oneDNN convolves faster; a residual unit is computed stretch by stretch, so
that its temporary arrays are as long as a stretch, not as the clip; the scales of snakes are part of the convolutions
around them, which spares four of eleven passes over a unit's samples; and convolutions of seven taps are computed with
0.79 or 0.61 of their products (`fast_fir`). The last two took decoding to 0.87 to 0.99 of its time on an AMD EPYC, the
less the slower its memory was just then.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from separation.models.sam_audio.config import CodecConfig
from separation.models.sam_audio.pytorch.codec import Codec, ResidualUnit, Snake
from separation.models.sam_audio.pytorch.fast_fir import FastFilter

# Values done at once, 13 MB. Fewer gain 4 % where the cores are free, and take several times as long where they are
# not: threads wait for each other after each operation.
STRETCH = 3 << 20
# From how many channels on, and up to how many, filters are split once and twice. Narrower ones gain less than the sums
# take; wider ones take little time, and 1.6 or 2.4 times their memory if they are split.
SPLIT = {1: (64, 160), 2: (160, 512)}
LEAST_SCALE = 1e-9  # of a snake, below which its ripple is nothing beside x; 1 / scale has to exist


class CpuCodec(Codec):
    """A `Codec` whose activations have shape (batch, time, channels). For inference only: layers work in place."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        for layer in self.modules():
            # Shapes stay as they are; channels become the innermost axis in memory.
            if isinstance(layer, nn.ConvTranspose1d):
                layer.weight = nn.Parameter(layer.weight.permute(2, 1, 0).contiguous().permute(2, 1, 0))
            elif isinstance(layer, nn.Conv1d):
                layer.weight = nn.Parameter(layer.weight.permute(0, 2, 1).contiguous().permute(0, 2, 1))

    @torch.no_grad()
    def settle(self) -> None:
        """Fold the snakes' scales into the convolutions around them, and split the filters of the residual units."""
        for layer in list(self.modules()):
            match layer:
                case ResidualUnit():
                    _fold(layer.act1, layer.conv1)
                    _fold(layer.act2, layer.conv2, before=layer.conv1)
                    layer.filter = FastFilter(layer.conv1.weight, _depth(layer.conv1.in_channels))
                    del layer.conv1.weight  # which the filter holds in its own way
                case nn.Sequential():
                    for act, after in pairwise(layer):
                        if isinstance(act, Snake):
                            assert isinstance(after, (nn.Conv1d, nn.ConvTranspose1d))
                            _fold(act, after)

    def encode(self, samples: Tensor) -> Tensor:
        """Mean latents, shape (batch, frames, latents), of samples of shape (batch, frames * hop)."""
        assert samples.shape[-1] % self.hop == 0
        return _convolve(self.to_mean, _run(self.encoder, samples[:, :, None]))

    def decode(self, latents: Tensor) -> Tensor:
        """Samples, shape (batch, frames * hop), of latents of shape (batch, frames, latents)."""
        return _run(self.decoder, _convolve(self.from_latent, latents))[:, :, 0]


def _run(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the layer's output, (batch, time, channels) in and out; `x` may be overwritten."""
    match layer:
        case nn.Sequential():
            for child in layer:
                x = _run(child, x)
            return x
        case ResidualUnit():
            return _residual(layer, x)
        case Snake():
            n_steps = max(1, STRETCH // x.shape[2])
            for start in range(0, x.shape[1], n_steps):
                _ripple(x[:, start : start + n_steps].mul_(layer.alpha[0, :, 0]))
            return x
        case nn.ConvTranspose1d():
            return _convolve_transposed(layer, x)
        case nn.Conv1d():
            return _convolve(layer, x, cast("tuple[int]", layer.padding)[0])
        case nn.Tanh():
            return x.tanh_()
    raise AssertionError(type(layer))


def _residual(unit: ResidualUnit, x: Tensor) -> Tensor:
    (_, n_steps, n_channels), dilation = x.shape, unit.conv1.dilation[0]
    reach = cast("tuple[int]", unit.conv1.padding)[0]
    # A filter that is split gives whole blocks; beyond the ends are zeros.
    block = dilation << _depth(n_channels)
    stretch = max(1, STRETCH // n_channels // block) * block
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    for start in range(0, n_steps, stretch):
        stop = min(start + stretch, n_steps)
        first, last = start - reach, start - (start - stop) // block * block + reach
        h = _ripple(x[:, max(0, first) : last] * unit.act1.alpha[0, :, 0])
        if first < 0 or last > n_steps:
            h = functional.pad(h, (0, 0, max(0, -first), max(0, last - n_steps)))
        filtered = [cast("FastFilter", unit.filter)(clip, dilation, unit.conv1.bias) for clip in h]
        h = torch.stack(filtered) if len(filtered) > 1 else filtered[0][None]
        h = _convolve(unit.conv2, _ripple(h)[:, : stop - start])
        torch.add(h, x[:, start:stop], out=out[:, start:stop])
    return out


def _depth(n_channels: int) -> int:
    """Return how often filters of so many channels are split: where the products saved take longer than the sums."""
    return next((depth for depth, (least, most) in SPLIT.items() if least <= n_channels < most), 0)


def _ripple(y: Tensor) -> Tensor:
    """Make y + sin(y)^2 of y, in place: a snake whose scales are folded into the layers around it."""
    sine = y.sin()
    return y.addcmul_(sine, sine)


def _fold(act: Snake, after: nn.Conv1d | nn.ConvTranspose1d, before: nn.Conv1d | None = None) -> None:
    """Fold a snake's scales into the layers around it: x + sin(a x)^2 / a is (y + sin(y)^2) / a of y = a x.

    What remains of them in the snake is 1 if there is a layer `before`.
    """
    scale = act.alpha[0, :, 0] + 1e-9  # as the official code has it in the divisor
    scale = torch.where(scale.abs() < LEAST_SCALE, LEAST_SCALE, scale)
    after.weight.div_(scale[:, None, None] if isinstance(after, nn.ConvTranspose1d) else scale[:, None])
    act.alpha[0, :, 0] = scale
    if before is not None:
        assert before.bias is not None
        before.weight.mul_(scale[:, None, None])
        before.bias.mul_(scale)
        act.alpha.fill_(1)


def _convolve(layer: nn.Conv1d, x: Tensor, padding: int = 0) -> Tensor:
    """A convolution over time, with so many zeros on each side."""
    image, weight = x.transpose(1, 2)[:, :, None], layer.weight[:, :, None]  # (batch, channels, 1, time)
    stride, dilation = (1, *layer.stride), (1, *layer.dilation)
    convolved = functional.conv2d(image, weight, layer.bias, stride, (0, padding), dilation)
    return convolved[:, :, 0].transpose(1, 2).contiguous()


def _convolve_transposed(layer: nn.ConvTranspose1d, x: Tensor) -> Tensor:
    """A transposed convolution with twice as many taps as its stride, as two matrix products.

    Step p of the input adds to the 2 * stride steps of the output from p * stride on. With stride * channels values a
    row, row p of the output is one product with step p and one with step p - 1.
    """
    (rate,), (n_batch, n_steps, n_in) = layer.stride, x.shape
    assert layer.kernel_size == (2 * rate,)
    assert layer.bias is not None
    now, before = layer.weight.permute(2, 1, 0).reshape(2, -1, n_in).transpose(1, 2)  # (in, stride * out) each
    bias = layer.bias.repeat(rate)
    rows = x.new_empty(n_batch, n_steps + 1, len(bias))
    for steps, out in zip(x, rows, strict=True):
        torch.addmm(bias, steps, now, out=out[:-1])
        out[-1] = bias
        out[1:].addmm_(steps, before)
    cut = cast("tuple[int]", layer.padding)[0]
    return rows.view(n_batch, (n_steps + 1) * rate, -1)[:, cut : cut + n_steps * rate]
