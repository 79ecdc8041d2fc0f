"""Chooses the device that a model runs on. Importing this imports no framework."""

from __future__ import annotations

from collections.abc import Mapping

from separation.errors import BackendUnavailable
from separation.hardware.processor import processor


def choose_device(asked: str, here: Mapping[str, bool], *, seen_by: str, otherwise: str) -> str:
    """Choose the device to run on: the requested one, or for "auto" the first that can be used.

    Args:
        asked: "auto" or the name of a device.
        here: whether each device can be used, the fastest first.
        seen_by: the framework that reports them.
        otherwise: advice for a person whose device is missing, as the end of a sentence.

    Raises:
        BackendUnavailable: the requested device cannot be used here.
    """
    usable = [device for device, is_here in here.items() if is_here]
    if asked == "auto":
        return usable[0]
    if asked not in usable:
        raise BackendUnavailable(
            f"There is no {asked} device here.",
            f"{seen_by} sees: {', '.join(usable)}.",
            f"Choose the device “auto” or “cpu”, or {otherwise}.",
        )
    return asked


def choose_torch_device(asked: str) -> str:
    """Choose among the devices that PyTorch sees; as `choose_device`."""
    import torch  # takes seconds, and the choice among MLX's devices does not need it

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return choose_device(
        asked, here, seen_by=f"This PyTorch ({torch.__version__})", otherwise="install a PyTorch built for your device"
    )


def card_name(device: str) -> str:
    """Return the name of the graphics card that PyTorch has as "cuda", or, as "mps", of the chip it is part of."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else processor()
