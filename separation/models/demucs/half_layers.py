"""Hybrid Transformer Demucs with products in bfloat16, for processors that have units for it.

All convolutions and the transformer's matrices are computed in bfloat16 with sums in float32, and activations of the
U-Net lie channel by channel at each place (channels last), which oneDNN multiplies at the speed of matrices: 440
GFLOP/s, where float32 has 130 to 210. Normalisations, softmax, attention and spectrograms stay in float32, and so do
the two layers whose samples are the waveform itself, the first and the last of the branch in time: they are 1 % of the
time and were 3 dB of the error. How far the result is from float32 is in docs/demucs.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from demucs.hdemucs import HDecLayer, HEncLayer
from demucs.htdemucs import HTDemucs
from torch import nn
from torch.nn import functional

from separation.models.demucs.cpu_layers import Polyphase

HALF = torch.bfloat16
BRANCH = ["Conv1d", "GroupNorm", "GELU", "Conv1d", "GroupNorm", "GLU", "LayerScale"]  # of Demucs' residual branches


def can_be_half(network: nn.Module) -> bool:
    """Whether a network has the form that is known here, which is that of the published `htdemucs` models."""
    if not isinstance(network, HTDemucs):
        return False
    layers = [*network.encoder, *network.tencoder, *network.decoder, *network.tdecoder]
    return all(_is_known(layer) for layer in layers)


def use_half_layers(network: HTDemucs) -> None:
    """Replace, in place, the layers of a network for which `can_be_half` holds. For inference on a CPU."""
    for encoders in (network.encoder, network.tencoder):
        for index, layer in enumerate(encoders):
            heard = encoders is network.tencoder and index == 0
            encoders[index] = Encoder(cast(Any, layer), torch.float32 if heard else HALF)
    for decoders in (network.decoder, network.tdecoder):
        for index, layer in enumerate(decoders):
            heard = decoders is network.tdecoder and index == len(decoders) - 1
            decoders[index] = Decoder(cast(Any, layer), torch.float32 if heard else HALF)
    if network.freq_emb is not None:
        table = cast(torch.Tensor, network.freq_emb.weight).detach() * network.freq_emb_scale  # (frequencies, channels)
        cast(Any, network.encoder[0]).embedding = table.T[None, :, :, None].to(HALF)
        network.freq_emb = None
    for name in ("channel_upsampler", "channel_upsampler_t", "crosstransformer"):
        if (inner := getattr(network, name, None)) is not None:
            setattr(network, name, InFloat32(inner))
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.MultiheadAttention):
                setattr(module, name, HalfAttention(child))
            elif name in ("linear1", "linear2") and isinstance(child, nn.Linear):
                setattr(module, name, HalfLinear(child.weight, child.bias))


def _is_known(layer: Any) -> bool:
    """Whether an encoder or decoder has neither normalisation nor anything else that the published models lack."""
    if not isinstance(layer, HEncLayer | HDecLayer) or layer.empty or layer.rewrite is None:
        return False
    norms = [layer.norm1, layer.norm2]
    branches = [] if layer.dconv is None else list(layer.dconv.layers)
    plain = all(isinstance(norm, nn.Identity) for norm in norms)
    whole = not isinstance(layer, HDecLayer) or (layer.pad and layer.kernel_size % layer.stride == 0)
    named = [[type(part).__name__ for part in cast(Iterable[nn.Module], branch)] for branch in branches]
    return plain and bool(whole) and all(names == BRANCH for names in named)


class InFloat32(nn.Module):
    """What takes its inputs in float32."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Any shapes."""
        return self.inner(*(one.float() for one in inputs))


class Convolution(nn.Module):
    """A convolution along time or frequency, as one in two dimensions with channels last.

    Args:
        weight: (out, in, *kernel), with one or two axes of the kernel; one is time, two are frequency and time.
        bias: (out,).
        like: the layer that says stride, padding and dilation.
        dtype: of its product.
        padding: instead of the layer's, and then its stride is 1.
    """

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor, like: Any, dtype: torch.dtype, padding: int | None = None
    ) -> None:
        super().__init__()
        in_time = weight.dim() == 3
        weight = weight[:, :, None] if in_time else weight
        self.weight = weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        self.bias = bias.detach().to(dtype)
        if padding is None:
            self.stride, self.padding = _two(like.stride, 1), _two(like.padding, 0)
        else:
            self.stride, self.padding = (1, 1), (0, padding) if in_time else (padding, 0)
        self.dilation = _two(like.dilation, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, in, frequencies, frames), of any type and layout, to (batch, out, …) of this one's."""
        x = x.to(self.weight.dtype, memory_format=torch.channels_last)
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


class Gated(nn.Module):
    """A convolution to twice the channels, whose second half opens a gate for the first.

    Both halves are convolutions of their own: what they make lies in one piece, which the gate takes in a third of the
    time.
    """

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.value, self.gate = (
            Convolution(weight, bias, layer, dtype)
            for weight, bias in zip(layer.weight.chunk(2), layer.bias.chunk(2), strict=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, channels, frequencies, frames) in and out."""
        x = x.to(self.value.weight.dtype, memory_format=torch.channels_last)
        return cast(torch.Tensor, self.value(x)).mul_(cast(torch.Tensor, self.gate(x)).sigmoid_())


class Residual(nn.Module):
    """A residual branch of Demucs, its second normalisation folded as in `cpu_layers.FoldedResidual`.

    Each row of frequencies is normalised by itself, over time and channels.
    """

    def __init__(self, branch: Any, dtype: torch.dtype) -> None:
        super().__init__()
        first, self.norm1, _, wide, self.norm2, _, scale = branch
        self.first = Convolution(first.weight, first.bias, first, dtype)
        self.weight: torch.Tensor = wide.weight[:, :, 0].detach()  # (2 * channels, hidden)
        self.gram, self.bias = self.weight.T @ self.weight, wide.bias.detach()
        # The layer's scale belongs to the first half of the channels; the other half opens the gate.
        self.scale = torch.cat([scale.scale.detach(), torch.ones_like(scale.scale)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, channels, frequencies, frames) in and out."""
        hidden = self.first(x).permute(0, 2, 3, 1).flatten(0, 1).float()  # (rows, frames, hidden)
        normed = functional.layer_norm(hidden, hidden.shape[1:], eps=self.norm1.eps)
        hidden = functional.gelu(torch.addcmul(self.norm1.bias, normed, self.norm1.weight))
        mixing = self._mixing(hidden).to(self.first.weight.dtype)
        hidden = functional.pad(hidden, (0, 1), value=1.0).to(mixing.dtype)  # its last channel brings the offset
        value, gate = (torch.bmm(hidden, half) for half in mixing.chunk(2, dim=2))  # (rows, frames, channels)
        rows = x.permute(0, 2, 3, 1)  # (batch, frequencies, frames, channels)
        summed = torch.addcmul(rows.flatten(0, 1), value, gate.sigmoid_())
        return summed.view(rows.shape).permute(0, 3, 1, 2)

    def _mixing(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return weights and, as a last row, offset of each row's normalised product: (rows, hidden + 1, 2 * channels).

        See `cpu_layers.FoldedResidual` for mean and variance.
        """
        mean = hidden.mean(1)
        moments = torch.bmm(hidden.transpose(1, 2), hidden) / hidden.shape[1]
        covariance = moments - mean[:, :, None] * mean[:, None, :]
        means = mean @ self.weight.T + self.bias  # (rows, 2 * channels)
        within = (covariance * self.gram).sum((1, 2))[:, None] / means.shape[1]
        variance = within + means.var(1, unbiased=False, keepdim=True)
        gain = self.norm2.weight * (variance + self.norm2.eps).rsqrt()
        offset = self.norm2.bias + gain * (self.bias - means.mean(1, keepdim=True))
        return torch.cat([gain[:, None] * self.weight.T, offset[:, None]], dim=1) * self.scale


class Encoder(nn.Module):
    """`demucs.hdemucs.HEncLayer`."""

    empty = False

    def __init__(self, layer: HEncLayer, dtype: torch.dtype) -> None:
        super().__init__()
        self.freq, self.stride = layer.freq, layer.stride
        self.conv = Convolution(layer.conv.weight, cast(torch.Tensor, layer.conv.bias), layer.conv, dtype)
        self.residuals = _residuals(layer, dtype)
        self.rewrite = Gated(layer.rewrite, dtype)
        self.embedding: torch.Tensor | None = None  # of frequencies, added to what comes out

    def forward(self, x: torch.Tensor, inject: None = None) -> torch.Tensor:
        """Shape (batch, in, frequencies, frames), or without frequencies, to the same with other numbers."""
        if not self.freq:
            x = functional.pad(x, (0, -x.shape[-1] % self.stride))[:, :, None]
        y: torch.Tensor = self.rewrite(self.residuals(functional.gelu(self.conv(x))))
        if self.embedding is not None:
            y += self.embedding
        return y if self.freq else y[:, :, 0]


class Decoder(nn.Module):
    """`demucs.hdemucs.HDecLayer`."""

    empty = False

    def __init__(self, layer: HDecLayer, dtype: torch.dtype) -> None:
        super().__init__()
        self.freq, self.last, self.pad = layer.freq, layer.last, layer.pad
        self.rewrite = Gated(layer.rewrite, dtype)
        self.residuals = _residuals(layer, dtype)
        phases = Polyphase(layer.conv_tr)
        self.stride = phases.stride
        self.phases = Convolution(phases.weight, cast(torch.Tensor, phases.bias), layer.conv_tr, dtype, phases.taps - 1)

    def forward(self, x: torch.Tensor, skip: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Shape (batch, in, frequencies, frames), or without frequencies, to the same with other numbers.

        Returns:
            What is decoded, and what went into the last convolution.
        """
        x = x + skip
        y = self.residuals(self.rewrite(x if self.freq else x[:, :, None]))
        z = self.phases(y).permute(0, 2, 3, 1)  # (batch, frequencies, frames, phases * out)
        if self.freq:
            z = z.unflatten(-1, (self.stride, -1)).transpose(2, 3).flatten(1, 2)[:, self.pad : -self.pad]
        else:
            z = z.unflatten(-1, (self.stride, -1)).flatten(1, 3)[:, self.pad : self.pad + length]
        z = (z.float() if self.last else functional.gelu(z)).movedim(-1, 1)
        return z, y if self.freq else y[:, :, 0]


class HalfLinear(nn.Module):
    """`torch.nn.Linear` in bfloat16."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight.detach().to(HALF), bias.detach().to(HALF)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (..., in) of any type to (..., out) in bfloat16."""
        return functional.linear(x.to(HALF), self.weight, self.bias)


class HalfAttention(nn.Module):
    """`torch.nn.MultiheadAttention` of batches that come first, without masks: its matrices in bfloat16.

    PyTorch's attention itself is no faster in bfloat16 on these processors, and stays in float32.
    """

    def __init__(self, layer: nn.MultiheadAttention) -> None:
        super().__init__()
        self.n_heads = layer.num_heads
        weights, biases = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)
        self.query, self.key, self.value = map(HalfLinear, weights, biases)
        self.out = HalfLinear(layer.out_proj.weight, layer.out_proj.bias)

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **unused: object
    ) -> tuple[torch.Tensor, None]:
        """Shapes (batch, frames, channels); the second answer stands for weights that nobody needs."""
        projected = (self.query(query), self.key(key), self.value(value))
        heads = (one.float().unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for one in projected)
        heard = functional.scaled_dot_product_attention(*heads)  # (batch, heads, frames, channels of a head)
        return self.out(heard.transpose(1, 2).flatten(2)), None


def _residuals(layer: HEncLayer | HDecLayer, dtype: torch.dtype) -> nn.Sequential:
    branches = [] if layer.dconv is None else list(layer.dconv.layers)
    return nn.Sequential(*(Residual(branch, dtype) for branch in branches))


def _two(numbers: tuple[int, ...], usual: int) -> tuple[int, int]:
    return (usual, *numbers)[-2:]  # type: ignore[return-value]  # of one or two numbers and another
