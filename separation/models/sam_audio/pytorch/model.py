"""Loads SAM-Audio on PyTorch: weights and batch size. Importing this imports torch."""

from __future__ import annotations

from collections.abc import Generator

import torch

from separation.events import Event, ModelLoading, PrecisionMeasured
from separation.hardware.devices import card_name, choose_torch_device
from separation.hub import batch_sizes, precision
from separation.models.sam_audio.checkpoint.files import CheckpointFiles
from separation.models.sam_audio.model import SamAudioModel, facts_of
from separation.models.sam_audio.pytorch import network
from separation.models.sam_audio.pytorch.graphs import graphs_for
from separation.request import ChunkSettings, Request

MAX_BATCH = 8
# Bytes of a GPU for a second of a clip. The codec's first layers have 64 float32 channels at 48 kHz, 12 MB an array, of
# which a residual unit holds about five; taken twice. Counted, not measured.
WINDOW_BYTES = 128 << 20


def load_torch_model(
    files: CheckpointFiles, request: Request, *, revision: str
) -> Generator[Event, None, SamAudioModel]:
    """Read the weights, yielding `ModelLoading` before and after."""
    name, device = request.model or files.config.parent.name, choose_torch_device(request.device)
    total = files.n_bytes
    yield ModelLoading(model=name, total_bytes=total)
    sam = network.load_torch_network(files, device=device, precision=request.sam.precision)
    sam.field.graphs = graphs_for(device)
    yield ModelLoading(model=name, done_bytes=total, total_bytes=total)
    yield PrecisionMeasured(why=precision.settle(request.device, device))
    facts = facts_of(sam, request, name=name, revision=revision, device=device, batch=batch_of(device, request))
    return SamAudioModel(sam, facts)


def batch_of(device: str, request: Request) -> int:
    """Return the batch size in windows: what `audio-playground tune` found best on this card.

    Where nothing was measured: as many as half of an NVIDIA card's free memory holds, at most `MAX_BATCH`; else one. A
    CPU is busy with one window already, and a batch would only take memory.
    """
    chunk_s = (request.chunks or ChunkSettings()).chunk_s
    if device == "cpu" or chunk_s is None:
        return 1
    if (tuned := batch_sizes.recall(card_name(device), request)) is not None:
        return tuned
    if device != "cuda":
        return 1
    free, _ = torch.cuda.mem_get_info()
    n_clips = 2 if request.sam.stereo == "sides" else 1
    return max(1, min(MAX_BATCH, int(free / 2 / (WINDOW_BYTES * chunk_s * n_clips))))
