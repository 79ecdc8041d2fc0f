"""Which device work runs on. Importing this imports no framework."""

from __future__ import annotations

from collections.abc import Mapping

from separation.errors import BackendUnavailable


def choose_device(asked: str, here: Mapping[str, bool], *, seen_by: str, otherwise: str) -> str:
    """Choose the device to run on: the one asked for, or for "auto" the first that is here.

    Args:
        asked: "auto" or the name of a device.
        here: whether each device can be used, the fastest first.
        seen_by: the framework that says so.
        otherwise: what helps a person who wants a device that is not here, as the end of a sentence.

    Raises:
        BackendUnavailable: the device asked for is not here.
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
    import torch  # takes seconds, and who only asks for MLX's devices has no need of it

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return choose_device(
        asked, here, seen_by=f"This PyTorch ({torch.__version__})", otherwise="install a PyTorch built for your device"
    )
