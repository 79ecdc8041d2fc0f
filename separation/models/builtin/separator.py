"""Separates one window of a mixture into stems by the network's masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from separation.models.builtin import CLASSES, SAMPLE_RATE
from separation.models.builtin.network import TINY, SeparatorNetwork, features
from separation.models.builtin.spectra import HOP, istft, stft, ungrouped

LEVELLED_OVER_S = 4.0  # long beside a bar, so that what is loud and what is soft in it stay so
MOST_LEVELLED = 1e-10  # of the loudest power: what is 100 dB below is left there


def separate(network: SeparatorNetwork, mixture: Tensor, classes: Sequence[str] = CLASSES) -> Tensor:
    """Return the stems of a window, (classes, channels, samples); those of all classes sum to the mixture.

    Args:
        network: the network; it processes the whole window at once, so windows of seconds, not minutes, are meant.
        mixture: (1 or 2 channels, samples) at 44.1 kHz, at least one sample, any level.
        classes: those of `CLASSES` that are wanted, in the order wanted.
    """
    with torch.inference_mode():
        spectra = stft(mixture)
        power, off_centre = features(spectra[None])
        masks = network(levelled(power), off_centre)[0]  # (classes, frames, groups)
        wanted = (masks[CLASSES.index(name)] for name in classes)
        return torch.stack([istft(spectra * ungrouped(mask), mixture.shape[-1]) for mask in wanted])


def levelled(power: Tensor) -> Tensor:
    """Return power spectra (batch, frames, groups) with the same mean power in the 4 s around every frame.

    The masks are made from a copy without fades and applied to what is faded: the network compares each frame with the
    mean of its window, below which all of a fade's soft end would lie. On 12 generated songs a fade of 60 dB cost
    drums 4.6 to 5.1 dB, bass 2.1 to 2.2 and vocals 4.7 to 4.9; now at most 0.3, and without a fade at most 0.03
    (`benchmarks.bench_fades`).
    """
    frames = power.sum(dim=-1)[:, None]  # (batch, 1, frames)
    beside = round(LEVELLED_OVER_S * SAMPLE_RATE / HOP / 2)
    around = functional.avg_pool1d(frames, 2 * beside + 1, 1, beside, count_include_pad=False)
    loudest = around.amax(dim=-1, keepdim=True)
    gain = frames.mean(dim=-1, keepdim=True) / around.clamp_min(MOST_LEVELLED * loudest).clamp_min(TINY)
    return power * gain.transpose(1, 2)
