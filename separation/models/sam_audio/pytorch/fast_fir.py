"""Convolutions over time with fewer products: the fast FIR algorithm of two parallel outputs, applied to itself.

Mou and Duhamel 1991 (IEEE Trans. Signal Processing 39, 1322-1332), in the form that adds before it multiplies. With the
even and the odd taps h0 and h1 of a filter, and the even and odd samples x0 and x1,

    y0 = (h0 + h1) x1 + h0 (x0 - x1)        y1 = (h0 + h1) x1 + h1 (z x0 - x1)

where z takes the next sample: three filters of half the length at half the rate instead of four. Seven taps cost 11
products for two outputs instead of 14, and 17 for four instead of 28 when the three are split once more. Only sums and
differences are added, so that float32 stays exact to its last digits: -130 dB against float64, as without.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class FastFilter(nn.Module):
    """A filter over time that is computed as three: of the sum of its even and odd taps, of the even, of the odd ones.

    Args:
        taps: (outputs, inputs, taps), two taps at least.
        depth: how often it is split, each of the three again; 0 for a filter that is computed as it is.
    """

    def __init__(self, taps: Tensor, depth: int) -> None:
        super().__init__()
        self.n_taps, self.depth = taps.shape[-1], depth
        if depth == 0:
            # The inputs lie side by side in memory, as oneDNN convolves faster.
            inner = taps.permute(0, 2, 1).contiguous().permute(0, 2, 1)
            self.taps = nn.Parameter(inner, requires_grad=False)
            return
        even, odd = taps[..., ::2], taps[..., 1::2]
        both = even.clone()
        both[..., : odd.shape[-1]] += odd
        self.parts = nn.ModuleList(FastFilter(part, depth - 1) for part in (both, even, odd))

    def forward(self, x: Tensor, dilation: int, bias: Tensor | None = None) -> Tensor:
        """Return bias + sum over k of taps[k] x[n + k * dilation], for all n for which x has all of them.

        Args:
            x: (time, inputs), the inputs of a time side by side in memory, so long that the result has a multiple of
                `dilation * 2^depth` times.
            dilation: times from a tap to the next.
            bias: (outputs,).

        Returns:
            (times, outputs).
        """
        if self.depth == 0:
            image = x.t()[None, :, None]  # (1, inputs, 1, time)
            return functional.conv2d(image, self.taps[:, :, None], bias, dilation=(1, dilation))[0, :, 0].t()
        blocks = x.view(-1, dilation, x.shape[1])
        n_pairs = (len(blocks) - self.n_taps + 1) // 2
        n_even, n_odd = n_pairs - 1 + (self.n_taps + 1) // 2, n_pairs - 1 + self.n_taps // 2
        later = blocks[1::2][:n_even].contiguous()
        inputs = later, blocks[::2][:n_even] - later, blocks[2::2][:n_odd] - later[:n_odd]
        both, *others = (
            part(one.view(-1, x.shape[1]), dilation, given).view(n_pairs, dilation, -1)
            for part, one, given in zip(self.parts, inputs, (bias, None, None), strict=True)
        )
        out = x.new_empty(n_pairs, 2, dilation, both.shape[-1])
        for place, other in enumerate(others):
            torch.add(both, other, out=out[:, place])
        return out.view(-1, out.shape[-1])
