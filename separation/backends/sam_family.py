"""What the backends of SAM-Audio share beside `SamTorchBackend`'s prompts and settings."""

from __future__ import annotations

from pathlib import Path

from separation.errors import BackendUnavailable, WeightsMissing
from separation.model import Backend, Readiness
from separation.models.sam_audio import weights
from separation.request import Request


def ready_folder(backend: Backend, request: Request) -> Path:
    """The folder of a request's model, once everything that `backend` needs is on this computer.

    Raises:
        WeightsMissing: the weights or the text encoder are not.
        BackendUnavailable: something else is not.
    """
    availability = backend.availability(request)
    if not availability.usable:
        missing = availability.readiness is Readiness.NEEDS_WEIGHTS
        raise (WeightsMissing if missing else BackendUnavailable)(
            f"{backend.label} cannot run yet.", availability.sentence
        )
    folder = weights.find_sam_audio(request.model or backend.models()[0]).folder
    assert folder is not None  # it would not be usable
    return folder
