"""Loads SAM-Audio on MLX: device and weights. Importing this imports torch and MLX."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from separation.events import Event, ModelLoading
from separation.models.sam_audio.checkpoint.checkpoint import weight_files
from separation.models.sam_audio.mlx import network as mlx_network
from separation.models.sam_audio.model import SamAudioModel, facts_of
from separation.request import Request


def load_mlx_model(folder: Path, request: Request, *, revision: str) -> Generator[Event, None, SamAudioModel]:
    """Read the weights, yielding `ModelLoading` before and after.

    Raises:
        BackendUnavailable: the device is not here, or the files are not those of the model.
        SettingsError: a precision that MLX's network does not have.
    """
    name, device = request.model or folder.name, mlx_network.choose_mlx_device(request.device)
    total = sum(file.stat().st_size for file in weight_files(folder))
    yield ModelLoading(model=name, total_bytes=total)
    network = mlx_network.load_mlx_network(folder, device=device, precision=request.sam.precision)
    yield ModelLoading(model=name, done_bytes=total, total_bytes=total)
    return SamAudioModel(network, facts_of(network, request, name=name, revision=revision, device=device))
