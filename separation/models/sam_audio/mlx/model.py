"""Loads SAM-Audio on MLX: device and weights. Importing this imports torch and MLX."""

from __future__ import annotations

from collections.abc import Generator

from separation.events import Event, ModelLoading
from separation.models.sam_audio.checkpoint.files import CheckpointFiles
from separation.models.sam_audio.mlx import network as mlx_network
from separation.models.sam_audio.model import SamAudioModel, facts_of
from separation.request import Request


def load_mlx_model(files: CheckpointFiles, request: Request, *, revision: str) -> Generator[Event, None, SamAudioModel]:
    """Read the weights, yielding `ModelLoading` before and after.

    Raises:
        BackendUnavailable: the device is not here, or the files are not those of the model.
        SettingsError: a precision that MLX's network does not have.
    """
    name, device = request.model or files.config.parent.name, mlx_network.choose_mlx_device(request.device)
    total = files.n_bytes
    yield ModelLoading(model=name, total_bytes=total)
    network = mlx_network.load_mlx_network(files, device=device, precision=request.sam.precision)
    yield ModelLoading(model=name, done_bytes=total, total_bytes=total)
    return SamAudioModel(network, facts_of(network, request, name=name, revision=revision, device=device))
