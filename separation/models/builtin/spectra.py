"""The short-time Fourier transform in PyTorch, and the coarser frequency grid of the masks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

N_FFT = 4096
HOP = 1024
N_BINS = N_FFT // 2 + 1
OVERLAP = N_FFT // HOP
# The squares of periodic Hann windows at a quarter's hop sum to 3/2.
WINDOW_GAIN = 1.5

# (first bin, last bin, bins of a group): single bins up to 4.1 kHz, pairs up to 8.3 kHz, fours above. Harmonics of a
# voice are 18 bins apart, so nothing audible is lost, and the masks cost 2.3 times less.
RESOLUTION = ((0, 384, 1), (384, 768, 2), (768, 2048, 4))
N_GROUPS = sum((stop - start) // width for start, stop, width in RESOLUTION)


def stft(samples: Tensor) -> Tensor:
    """Return spectra (..., frames, N_BINS) of audio (..., samples); every sample lies in four frames."""
    n_samples = samples.shape[-1]
    after = n_frames(n_samples) * HOP - n_samples
    padded = functional.pad(samples, (N_FFT - HOP, after))
    spectra: Tensor = torch.fft.rfft(padded.unfold(-1, N_FFT, HOP) * window(samples), dim=-1)
    return spectra


def istft(spectra: Tensor, n_samples: int) -> Tensor:
    """Return the audio (..., n_samples) whose `stft` is `spectra`, or the nearest one."""
    frames = torch.fft.irfft(spectra, N_FFT, dim=-1)
    frames = frames * (window(frames) / WINDOW_GAIN)
    parts = frames.reshape(*frames.shape[:-1], OVERLAP, HOP)
    blocks = frames.new_zeros(*frames.shape[:-2], frames.shape[-2] + OVERLAP - 1, HOP)
    for part in range(OVERLAP):
        blocks[..., part : part + frames.shape[-2], :] += parts[..., part, :]
    samples: Tensor = blocks.flatten(-2)[..., N_FFT - HOP :]
    return samples[..., :n_samples]


def n_frames(n_samples: int) -> int:
    """Return the number of frames in which any of `n_samples` samples lies."""
    return -(-n_samples // HOP) + OVERLAP - 1


def window(like: Tensor) -> Tensor:
    """Return the periodic Hann window, used for analysis and for synthesis."""
    return torch.hann_window(N_FFT, dtype=like.dtype, device=like.device)


def grouped(bins: Tensor) -> Tensor:
    """Sum the bins of each group: (..., N_BINS) to (..., N_GROUPS). The bin at 22 kHz is left out."""
    regions = [bins[..., start:stop].reshape(*bins.shape[:-1], -1, width) for start, stop, width in RESOLUTION]
    return torch.cat([region.sum(-1) for region in regions], dim=-1)


def ungrouped(groups: Tensor) -> Tensor:
    """Give every bin its group's value: (..., N_GROUPS) to (..., N_BINS)."""
    return groups[..., group_of_bin(groups.device)]


def group_of_bin(device: torch.device) -> Tensor:
    """Return the group of every bin, (N_BINS,); the bin at 22 kHz belongs to the last group."""
    widths = torch.cat([torch.full(((stop - start) // width,), width) for start, stop, width in RESOLUTION])
    groups = torch.repeat_interleave(torch.arange(N_GROUPS), widths)
    return torch.cat([groups, groups[-1:]]).to(device)


def group_widths(device: torch.device) -> Tensor:
    """Return the number of bins in every group, float (N_GROUPS,)."""
    return torch.cat([torch.full(((stop - start) // width,), float(width)) for start, stop, width in RESOLUTION]).to(
        device
    )
