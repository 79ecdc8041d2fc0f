"""SAM-Audio: any sound, named in words, by Meta's generative model in our own PyTorch network.

This is the cheap half. The network is in `separation.models.sam_audio`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from dataclasses import replace

from separation.backends.protocol import Availability, Model, Readiness
from separation.errors import BackendUnavailable, PlaygroundError, WeightsMissing
from separation.events import Event
from separation.models.sam_audio import weights as sam_weights
from separation.models.sam_audio.weights import SIZES_GB, Weights
from separation.request import ChunkSettings, DemucsSettings, Request
from separation.targets import Target

DEFAULT = "small"
# Changes whenever this code's output does, so that kept results are never mistaken for new ones.
REVISION = "1"


class SamTorchBackend:
    """Text- and span-prompted separation behind the common protocol; every prompt is a stem of its own."""

    name = "sam_torch"
    label = "SAM-Audio"
    licence = "SAM-Audio's weights are under Meta's SAM Licence; access to them is granted per account"

    def models(self) -> tuple[str, ...]:
        """The published models, the default first; a folder's path is a model too."""
        return tuple(SIZES_GB)

    def settle(self, request: Request) -> Request:
        """Chunks are named, since they shape the sound; settings of Demucs mean nothing here."""
        return replace(
            request,
            backend=self.name,
            model=request.model or DEFAULT,
            chunks=request.chunks or ChunkSettings(),
            demucs=DemucsSettings(),
        )

    def revision(self, request: Request) -> str:
        """The weights' identity and the version of this code."""
        weights = sam_weights.find(request.model or DEFAULT)
        fingerprint = "absent" if weights.folder is None else weights.fingerprint()
        return f"{weights.model}-{fingerprint}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Whether the model's files are on this computer; looks at the disk only."""
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                return Availability(
                    readiness=Readiness.NOT_INSTALLED,
                    sentence=f"Install it with “pip install {package}” and start again.",
                )
        try:
            weights = sam_weights.find((request and request.model) or DEFAULT)
        except PlaygroundError as unusable:
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence=str(unusable))
        if weights.folder is None:
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence=_how_to_get(weights))
        if weights.missing_text is not None:
            return Availability(
                readiness=Readiness.NEEDS_WEIGHTS,
                sentence=f"The text encoder “{weights.missing_text}” (0.9 GB, free, not gated) is not on this "
                "computer; SAM-Audio's own files do not contain it. Download it once.",
            )
        return Availability(readiness=Readiness.USABLE, sentence=f"The model {weights.model} is on this computer.")

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Whatever the prompts name."""
        return tuple(prompt.text.strip() for prompt in request.prompts) if request else ()

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Every prompt is its own stem: there are no words this model refuses."""
        return tuple(Target(name=stem, stems=frozenset({stem})) for stem in self.stems(request))

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online."""
        availability = self.availability(request)
        if not availability.usable:
            missing = availability.readiness is Readiness.NEEDS_WEIGHTS
            raise (WeightsMissing if missing else BackendUnavailable)(
                "SAM-Audio cannot run yet.", availability.sentence
            )
        from separation.models.sam_audio.model import load  # PyTorch takes seconds to import

        folder = sam_weights.find(request.model or DEFAULT).folder
        assert folder is not None
        return (yield from load(folder, request, revision=self.revision(request)))


def _how_to_get(weights: Weights) -> str:
    return (
        f"SAM-Audio {weights.model} ({SIZES_GB[weights.model]} GB) is not on this computer. Its weights are gated: "
        f"sign in to huggingface.co, open {weights.repository}, accept Meta's licence and wait until access is "
        "granted; then create a read token there, keep it with “hf auth login”, and download the model once."
    )
