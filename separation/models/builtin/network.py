"""The network of the built-in separator: a spectrogram in, one mask for each of seven kinds of sound out.

The spectrogram is cut into bands, and every band of two frames becomes one token. Layers then pass information along
time, within a band, and along the bands, within a token: Luo and Yu, "Music source separation with band-split RNN",
2023. What differs is the end: one real mask for each class from a softmax, so the masks sum to one in every bin and the
stems to the mixture, and "no vocals" is the sum of the others.

Both channels of a stereo recording get the same masks, made from their joint power and from how much of it is not in
the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from separation.models.builtin import CLASSES
from separation.models.builtin.side_by_side import by_rows
from separation.models.builtin.spectra import N_GROUPS, group_widths, grouped

# Groups of bins (see `spectra`) in each band: four bands up to 300 Hz, then wider ones, 26 in all.
BAND_WIDTHS = (*[7] * 4, 12, *[13] * 4, *[23] * 8, 36, 36, 36, *[64] * 3, 80, 80, 160)
# The cube root of magnitude is about the ear's loudness.
COMPRESSION = 0.3
# A band far below the rest is silence with rounding errors in it, and stays small.
LEAST_LEVEL = 0.02
TINY = 1e-10


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkShape:
    """The network's sizes; a file of weights states its own.

    Args:
        channels: numbers of a token.
        layers: passes along time and bands.
        head: numbers from which a band's masks are made.
        frames_per_token: spectra that share one token.
    """

    channels: int = 96
    layers: int = 4
    head: int = 96
    frames_per_token: int = 2


class SeparatorNetwork(nn.Module):
    """Masks of the seven classes from a mixture's spectra."""

    def __init__(self, shape: NetworkShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or NetworkShape()
        n_inputs = 2 * shape.frames_per_token  # power and share off the centre, of every frame
        n_outputs = len(CLASSES) * shape.frames_per_token
        self.split = nn.ModuleList(nn.Linear(width * n_inputs + 1, shape.channels) for width in BAND_WIDTHS)
        self.layers = nn.ModuleList(DualPath(shape.channels) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.channels)
        self.to_head = nn.Linear(shape.channels, shape.head)
        self.masks = nn.ModuleList(nn.Linear(shape.head, width * n_outputs) for width in BAND_WIDTHS)

    def forward(self, power: Tensor, off_centre: Tensor) -> Tensor:
        """Masks (batch, classes, frames, groups), positive, summing to one over the classes.

        Args:
            power: mean over the channels of |X|^2, summed over each group's bins: (batch, frames, groups).
            off_centre: the share of it that the channels do not have in common, 0 to 1, same shape.
        """
        n_frames = power.shape[1]
        sounding = (power.sum(dim=-1, keepdim=True) > 0).float()
        missing = -n_frames % self.shape.frames_per_token
        widths = group_widths(power.device)
        loudness = functional.pad((power / widths + TINY).pow(COMPRESSION / 2), (0, 0, 0, missing))
        off_centre = functional.pad(off_centre, (0, 0, 0, missing))
        sounding = functional.pad(sounding, (0, 0, 0, missing))
        tokens = self._tokens(loudness, off_centre, sounding)  # (batch, bands, tokens, channels)
        for layer in self.layers:
            tokens = layer(tokens)
        hidden = functional.gelu(self.to_head(self.norm(tokens)))
        bands = [self._mask_logits(make(hidden[:, band]), n_frames) for band, make in enumerate(self.masks)]
        masks: Tensor = torch.cat(bands, dim=-1).float().softmax(dim=1)
        return masks

    def _tokens(self, loudness: Tensor, off_centre: Tensor, sounding: Tensor) -> Tensor:
        # Levels are means over frames in which there is anything: a short recording in a long window is no quieter.
        share = sounding / sounding.mean(dim=1, keepdim=True).clamp_min(TINY)
        level = (loudness * share).mean(dim=(1, 2)) + TINY
        tokens = []
        first = 0
        for width, project in zip(BAND_WIDTHS, self.split, strict=True):
            band = loudness[..., first : first + width]
            # One level for each band and window: what a band is like in time is kept, how it is equalised is not.
            band_level = (band * share).mean(dim=(1, 2)) + LEAST_LEVEL * level
            relative = band / band_level[:, None, None] - 1
            both = torch.cat([self._by_token(relative), self._by_token(off_centre[..., first : first + width])], -1)
            level_ratio = torch.log(band_level / level)[:, None, None].expand(-1, both.shape[1], 1)
            tokens.append(project(torch.cat([both, level_ratio], dim=-1)))
            first += width
        return torch.stack(tokens, dim=1)

    def _by_token(self, frames: Tensor) -> Tensor:
        """(batch, frames, width) as (batch, tokens, frames_per_token * width)."""
        return frames.reshape(len(frames), frames.shape[1] // self.shape.frames_per_token, -1)

    def _mask_logits(self, flat: Tensor, n_frames: int) -> Tensor:
        """(batch, tokens, frames_per_token * classes * width) as (batch, classes, frames, width)."""
        width = flat.shape[-1] // (self.shape.frames_per_token * len(CLASSES))
        split = flat.reshape(len(flat), -1, len(CLASSES), width)
        return split[:, :n_frames].transpose(1, 2)


class DualPath(nn.Module):
    """One pass along time and one along the bands, each added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.along_time = BothWays(channels)
        self.along_bands = BothWays(channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, bands, time, channels), same out."""
        tokens = by_rows(self.along_time, tokens)
        return by_rows(self.along_bands, tokens.transpose(1, 2)).transpose(1, 2)


class BothWays(nn.Module):
    """A recurrent pass over the last but one dimension, forwards and backwards, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        # LSTM rather than GRU: PyTorch runs it through oneDNN, 1.5 to 2 times faster here, in bfloat16 too.
        self.recurrent = nn.LSTM(channels, channels, batch_first=True, bidirectional=True)
        self.join = nn.Linear(2 * channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (a, b, steps, channels), same out."""
        states, _ = self.recurrent(self.norm(tokens).flatten(0, 1))
        joined: Tensor = self.join(states)
        return tokens + joined.reshape(tokens.shape)


def features(spectra: Tensor) -> tuple[Tensor, Tensor]:
    """Return the network's inputs `power`, `off_centre` from mono or stereo spectra (batch, channels, frames, bins)."""
    power = spectra.real.square() + spectra.imag.square()
    total = grouped(power.mean(dim=1))
    if spectra.shape[1] == 1:
        return total, torch.zeros_like(total)
    centre = spectra.mean(dim=1)
    in_centre = grouped(centre.real.square() + centre.imag.square())
    return total, (1 - in_centre / (total + TINY)).clamp(0, 1)


assert sum(BAND_WIDTHS) == N_GROUPS
