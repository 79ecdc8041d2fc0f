"""The diffusion transformer: the velocity of every latent frame, given the whole clip, the time and the words.

A DiT (Peebles and Xie 2023, arXiv:2212.09748) with rotary positions, query-key normalisation, SwiGLU layers and
cross-attention to the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from separation.models.sam_audio.config import TransformerConfig
from separation.models.sam_audio.pytorch.attention_cache import AttentionCache


class Transformer(nn.Module):
    """Velocity of target and residual latents, from projected inputs."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.config = config
        self.x_embedder = FrameMixer(dim)
        self.y_embedder = GatedLinear(dim, dim, dim)
        self.t_embedder = GatedLinear(config.frequency_embedding_dim, dim, dim)
        self.t_block = nn.Linear(dim, 6 * dim)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = RMSNorm(dim, config.norm_eps)
        self.final_layer_scale_shift_table = nn.Parameter(torch.empty(2, dim))
        self.output = nn.Linear(dim, config.out_channels, bias=False)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        memory: Tensor,
        rotation: tuple[Tensor, Tensor],
        text_mask: Tensor | None = None,
        frame_mask: Tensor | None = None,
        cache: AttentionCache | None = None,
    ) -> Tensor:
        """Velocities, shape (batch, frames, out_channels).

        Args:
            x: projected inputs, shape (batch, frames, dim).
            t: time of each clip, shape (batch,).
            memory: projected text, shape (batch, tokens, dim).
            rotation: what `rotary` gives for this number of frames.
            text_mask: True where a token counts, shape (batch, tokens); None where all do.
            frame_mask: True where a frame counts, shape (batch, frames); None where all do.
            cache: of the solve that this evaluation belongs to; None computes all attention.
        """
        time = self.t_embedder(sinusoids(t, self.config.frequency_embedding_dim).to(x.dtype))  # (batch, dim)
        modulation = self.t_block(functional.silu(time)).reshape(len(x), 6, -1)  # (batch, 6, dim)
        context = self.y_embedder(memory)
        h = self.x_embedder(x)
        for number, layer in enumerate(self.layers):
            h = layer(
                h,
                modulation,
                context,
                rotation,
                _attention_mask(text_mask),
                _attention_mask(frame_mask),
                None if cache is None else partial(cache, number),
            )
        shift, scale = (self.final_layer_scale_shift_table + time[:, None]).chunk(2, dim=1)
        velocity: Tensor = self.output(torch.addcmul(shift, self.norm(h), 1 + scale))
        return velocity


class Block(nn.Module):
    """Self-attention, cross-attention and feed-forward layer; the first and the last modulated by the time."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.dim, config.norm_eps)
        self.attention = Attention(config)
        self.cross_attention = Attention(config)
        self.ffn_norm = RMSNorm(config.dim, config.norm_eps)
        self.feed_forward = GatedLinear(config.dim, config.hidden_dim, config.dim)
        self.scale_shift_table = nn.Parameter(torch.empty(6, config.dim))

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        context: Tensor,
        rotation: tuple[Tensor, Tensor],
        text_mask: Tensor | None,
        frame_mask: Tensor | None,
        reused: Callable[[Callable[[], Tensor]], Tensor] | None = None,
    ) -> Tensor:
        """Shape (batch, frames, dim) in and out; `modulation` is (batch, 6, dim); `reused` may skip self-attention."""
        # Six values a channel: shift, scale and gate of the attention, then of the feed-forward layer.
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (self.scale_shift_table + modulation).chunk(6, dim=1)

        def attended() -> Tensor:
            h = torch.addcmul(shift_a, self.attention_norm(x), 1 + scale_a)
            return cast(Tensor, self.attention(h, h, frame_mask, rotation))

        heard = attended() if reused is None else reused(attended)
        x = torch.addcmul(x, gate_a, heard)
        x = x + self.cross_attention(x, context, text_mask)
        h = torch.addcmul(shift_f, self.ffn_norm(x), 1 + scale_f)
        return torch.addcmul(x, gate_f, self.feed_forward(h))


class Attention(nn.Module):
    """Multi-head attention with normalised queries and keys."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(config.dim, config.dim, bias=False) for _ in range(4))
        self.q_norm, self.k_norm = (RMSNorm(config.head_dim, config.norm_eps) for _ in range(2))

    def forward(
        self, x: Tensor, source: Tensor, mask: Tensor | None = None, rotation: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Attend from frames `x` to `source`; shapes (batch, frames, dim) and (batch, sources, dim)."""
        # Checkpoints keep the channels of a head interleaved with the others'; the reader put them side by side.
        queries, keys, values = (
            made.view(*made.shape[:2], -1, self.head_dim) for made in (self.wq(x), self.wk(source), self.wv(source))
        )
        queries, keys = self.q_norm(queries), self.k_norm(keys)
        if rotation is not None:
            queries, keys = rotate(queries, rotation), rotate(keys, rotation)
        gathered = functional.scaled_dot_product_attention(
            queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), attn_mask=mask
        )
        mixed: Tensor = self.wo(gathered.transpose(1, 2).flatten(2))
        return mixed


class GatedLinear(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202): w2(silu(w1 x) * w3 x)."""

    def __init__(self, n_in: int, n_hidden: int, n_out: int) -> None:
        super().__init__()
        self.w1, self.w3 = (nn.Linear(n_in, n_hidden, bias=False) for _ in range(2))
        self.w2 = nn.Linear(n_hidden, n_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., n_in) to (..., n_out)."""
        out: Tensor = self.w2(functional.silu(self.w1(x), inplace=True).mul_(self.w3(x)))
        return out


class FrameMixer(nn.Module):
    """Two short convolutions over neighbouring frames, each after a normalisation over the whole clip.

    That normalisation is why a clip padded to another's length does not give what it gives alone.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.GroupNorm(1, dim) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv1d(dim, dim, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, frames, dim) in and out."""
        h = x.transpose(1, 2)
        h = self.conv1(functional.silu(self.norm1(h)))
        h = self.conv2(functional.silu(self.norm2(h)))
        out: Tensor = x + h.transpose(1, 2)
        return out


class RMSNorm(nn.Module):
    """Division by the root mean square over channels, in float32 whatever comes in."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) in and out."""
        exact = x.float()
        # PyTorch's own rms_norm goes over the values more often, of heads on a CPU in eight times the time.
        power = torch.linalg.vector_norm(exact, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        normed: Tensor = (exact * power.add_(self.eps).rsqrt_()).mul_(self.weight)
        return normed.to(x.dtype)


def rotary(n_frames: int, head_dim: int, max_positions: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions (Su et al. 2021, arXiv:2104.09864), each (frames, 1, head_dim / 2)."""
    base = max(10_000, 2 * max_positions)
    rates = 1.0 / base ** (torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim)
    angles = torch.arange(n_frames, dtype=torch.float32, device=device)[:, None, None] * rates
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn neighbouring pairs of channels by their frame's angle; shape (batch, frames, heads, head_dim)."""
    cosine, sine = rotation
    pairs = x.float().view(*x.shape[:-1], -1, 2)
    if x.device.type == "cpu":  # in one pass; not all of Apple's systems have complex numbers on the GPU
        turned = torch.view_as_complex(pairs) * torch.complex(cosine, sine)
        return torch.view_as_real(turned).flatten(-2).to(x.dtype)
    even, odd = pairs.unbind(-1)
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1).flatten(-2).to(x.dtype)


def sinusoids(t: Tensor, n_channels: int) -> Tensor:
    """Cosines, then sines, of t at frequencies from 1 down to 1/10 000 rad; shape (batch,) to (batch, n_channels)."""
    half = n_channels // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
    angles = t.float()[:, None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


def _attention_mask(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask[:, None, None, :]  # the same for every head and query
