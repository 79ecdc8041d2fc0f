"""Which device work runs on."""

from __future__ import annotations

import torch

from separation.errors import BackendUnavailable


def choose_device(asked: str) -> str:
    """The device to run on: the one asked for, or the fastest there is.

    Raises:
        BackendUnavailable: the one asked for is not here.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(device for device, is_here in here.items() if is_here)
    if not here[asked]:
        raise BackendUnavailable(
            f"There is no {asked} device here.",
            f"This PyTorch ({torch.__version__}) sees: {', '.join(device for device in here if here[device])}.",
            "Choose the device “auto” or “cpu”, or install a PyTorch built for your device.",
        )
    return asked
