"""The DAC-VAE codec: 48 kHz mono to latents at 25 Hz and back, without watermark.

Convolutions of the Descript Audio Codec (Kumar et al. 2023, arXiv:2306.06546, sec. 3.1) around the mean of a
variational bottleneck instead of a quantizer. Weight normalisation is folded away when the weights are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from separation.models.sam_audio.config import CodecConfig
from separation.models.sam_audio.framing import DECODER_CONTEXT

# Frames of context on each side that make a piecewise encode equal to a whole one; one less is not enough.
ENCODER_CONTEXT = 6


class Codec(nn.Module):
    """Encoder, bottleneck and decoder."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.hop = config.hop
        self.encoder = _encoder(config)
        self.to_mean = nn.Conv1d(config.latent_dim, config.codebook_dim, 1)
        self.from_latent = nn.Conv1d(config.codebook_dim, config.latent_dim, 1)
        self.decoder = _decoder(config)

    def settle(self) -> None:
        """Prepare for use once all parameters have their values; here nothing is to be done."""

    def encode(self, samples: Tensor) -> Tensor:
        """Mean latents, shape (batch, frames, latents), of samples of shape (batch, frames * hop)."""
        assert samples.shape[-1] % self.hop == 0
        latents: Tensor = self.to_mean(self.encoder(samples[:, None]))  # (batch, latents, frames)
        return latents.transpose(1, 2)

    def decode(self, latents: Tensor) -> Tensor:
        """Samples, shape (batch, frames * hop), of latents of shape (batch, frames, latents)."""
        samples: Tensor = self.decoder(self.from_latent(latents.transpose(1, 2)))  # (batch, 1, samples)
        return samples[:, 0]

    def encode_pieces(self, samples: Tensor, piece_frames: int) -> Iterator[Tensor]:
        """Yield the result of `encode` in pieces of shape (batch, at most piece_frames, latents), in bounded memory."""
        for start in range(0, samples.shape[-1] // self.hop, piece_frames):
            seen, stop = max(0, start - ENCODER_CONTEXT), start + piece_frames
            latents = self.encode(samples[:, seen * self.hop : (stop + ENCODER_CONTEXT) * self.hop])
            yield latents[:, start - seen : stop - seen]

    def decode_pieces(self, latents: Tensor, piece_frames: int) -> Iterator[Tensor]:
        """Yield the result of `decode` in pieces of shape (batch, at most piece_frames * hop), in bounded memory."""
        for start in range(0, latents.shape[1], piece_frames):
            seen, stop = max(0, start - DECODER_CONTEXT), start + piece_frames
            samples = self.decode(latents[:, seen : stop + DECODER_CONTEXT])
            yield samples[:, (start - seen) * self.hop : (stop - seen) * self.hop]


class Snake(nn.Module):
    """The periodic activation x + sin(alpha x)^2 / alpha, one alpha a channel (Ziyin et al. 2020, arXiv:2006.08195)."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(1, n_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, channels, samples) in and out."""
        # One temporary array instead of four: at 96 channels of 48 kHz, that is where a decode's memory goes.
        ripple = (self.alpha * x).sin_().square_()
        return ripple.mul_((self.alpha + 1e-9).reciprocal()).add_(x)


class ResidualUnit(nn.Module):
    """A dilated and a pointwise convolution around which the signal is carried on."""

    def __init__(self, n_channels: int, dilation: int) -> None:
        super().__init__()
        self.act1 = Snake(n_channels)
        self.conv1 = nn.Conv1d(n_channels, n_channels, 7, dilation=dilation, padding=3 * dilation)
        self.act2 = Snake(n_channels)
        self.conv2 = nn.Conv1d(n_channels, n_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, channels, samples) in and out."""
        branch: Tensor = self.conv2(self.act2(self.conv1(self.act1(x))))
        return branch.add_(x)


def _residual_units(n_channels: int) -> list[nn.Module]:
    return [ResidualUnit(n_channels, dilation) for dilation in (1, 3, 9)]


def _encoder(config: CodecConfig) -> nn.Sequential:
    widths = [config.encoder_dim * 2**block for block in range(len(config.encoder_rates) + 1)]
    blocks = [
        nn.Sequential(*_residual_units(n_in), Snake(n_in), nn.Conv1d(n_in, n_out, 2 * rate, rate, padding=rate // 2))
        for (n_in, n_out), rate in zip(pairwise(widths), config.encoder_rates, strict=True)
    ]
    return nn.Sequential(
        nn.Conv1d(1, widths[0], 7, padding=3),
        *blocks,
        Snake(widths[-1]),
        nn.Conv1d(widths[-1], config.latent_dim, 3, padding=1),
    )


def _decoder(config: CodecConfig) -> nn.Sequential:
    widths = [config.decoder_dim // 2**block for block in range(len(config.decoder_rates) + 1)]
    blocks = [
        nn.Sequential(
            Snake(n_in), nn.ConvTranspose1d(n_in, n_out, 2 * rate, rate, padding=rate // 2), *_residual_units(n_out)
        )
        for (n_in, n_out), rate in zip(pairwise(widths), config.decoder_rates, strict=True)
    ]
    return nn.Sequential(
        nn.Conv1d(config.latent_dim, widths[0], 7, padding=3),
        *blocks,
        Snake(widths[-1]),
        nn.Conv1d(widths[-1], 1, 7, padding=3),
        nn.Tanh(),
    )
