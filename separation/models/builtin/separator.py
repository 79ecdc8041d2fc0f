"""Separates one window of a mixture into seven stems by the network's masks."""

from __future__ import annotations

import torch
from torch import Tensor

from separation.models.builtin.network import SeparatorNetwork, features
from separation.models.builtin.spectra import istft, stft, ungrouped


def separate(network: SeparatorNetwork, mixture: Tensor) -> Tensor:
    """Return the stems of a window, (classes, channels, samples), in the order of `CLASSES`; they sum to the mixture.

    Args:
        network: the network; it processes the whole window at once, so windows of seconds, not minutes, are meant.
        mixture: (1 or 2 channels, samples) at 44.1 kHz, at least one sample, any level.
    """
    with torch.inference_mode():
        spectra = stft(mixture)
        masks = network(*features(spectra[None]))[0]  # (classes, frames, groups)
        return torch.stack([istft(spectra * ungrouped(mask), mixture.shape[-1]) for mask in masks])
