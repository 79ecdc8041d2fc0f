"""The SAM-Audio backend that runs Meta's own package, for people who installed it from its repository.

This module finds the package without importing it; `separation.models.sam_audio.official` runs it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from separation.backends.sam_family import ready_files
from separation.backends.sam_torch import DEFAULT, SamTorchBackend
from separation.errors import Action, SettingsError
from separation.events import Event
from separation.model import Availability, Model, PublishedModel, Readiness
from separation.models.sam_audio import weights as sam_weights
from separation.prompts.targets import Target
from separation.request import AUTOMATIC, ChunkSettings, Request

# Our solvers that torchdiffeq, with which the package solves, has too; its rk4 is the 3/8 rule as well.
SOLVERS = ("euler", "midpoint", "rk4")
PRECISIONS = ("float32",)
OFFICIAL_REVISION = "1"


class SamOfficialBackend(SamTorchBackend):
    """Text- and span-prompted separation by the official code: the prompts, stems and weights of our own network.

    Two of the package's options are not offered: several candidates (they are compared only if a ranker is loaded, and
    multiply the time even if none is) and predicted spans (the package finds them too late to use them).
    """

    name = "sam_official"
    label = "SAM-Audio (official code)"
    licence = (
        "SAM-Audio's code and weights are under Meta's SAM Licence. "
        "The official code puts a random inaudible watermark into all it makes, so no two runs are quite alike"
    )
    profile = replace(
        SamTorchBackend.profile,
        label_in_family="",
        command_options=("--backend", "official"),
        packages=("sam-audio", "torch"),
        precisions=PRECISIONS,
        batches=False,
        stitches=("crossfade",),
    )

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        """Return no models: it uses those that `sam_torch` publishes."""
        return ()

    def revision(self, request: Request) -> str:
        """Return the identity of the weights, of the official code, and of ours."""
        code = hashlib.sha256(b"".join(file.read_bytes() for file in _sources())).hexdigest()[:16]
        return f"{super().revision(request)}-official-{code}-{OFFICIAL_REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Return whether the package and the model's files are on this computer; reads only the disk."""
        if not _sources():
            return Availability(
                readiness=Readiness.NOT_INSTALLED,
                sentence="It needs Meta's own package; the package “sam-audio” on PyPI is an empty one.",
                action=Action.install("audio-playground[official]"),
            )
        found = super().availability(request)
        if not found.usable:
            return found
        weights = sam_weights.find_sam_audio((request and request.model) or DEFAULT)
        assert weights.folder is not None
        if not (weights.folder / "checkpoint.pt").is_file():
            return Availability(
                readiness=Readiness.NEEDS_WEIGHTS,
                sentence=f"The official code reads a checkpoint.pt, and there is none in {weights.folder}. "
                "Choose a model as Meta published it, or the backend “sam_torch”, which reads conversions too.",
            )
        return found

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Return one target for each prompt: the model accepts any words.

        Raises:
            SettingsError: a setting that the official code does not have.
            PromptError: a prompt has the name of another one's residual.
        """
        _check_settings(request)
        return super().targets(request)

    def without_effect(self, request: Request) -> frozenset[str]:
        """Return also attention caching, which only our network in PyTorch has."""
        return super().without_effect(request) | {"sam.attention_caching"}

    def is_unmeasured(self, request: Request) -> bool:
        """Return False: no precision is measured here."""
        return False

    def usual_precision(self, device: str) -> str:
        """Return the exact one: no other is measured here."""
        return PRECISIONS[0]

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online."""
        files = yield from ready_files(self, request)
        from separation.models.sam_audio.official import load_official_model  # PyTorch takes seconds to import

        return (yield from load_official_model(files.config.parent, request, revision=self.revision(request)))


def _sources() -> list[Path]:
    """Return the official package's files, found without importing it; none if it is absent or its empty namesake."""
    package = importlib.util.find_spec("sam_audio")
    folders = (package and package.submodule_search_locations) or ()
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    return files if any("class SAMAudio(" in file.read_text("utf-8") for file in files) else []


def _check_settings(request: Request) -> None:
    """Raise `SettingsError` for settings that the official code does not have, rather than ignore them."""
    if request.solver.method not in SOLVERS:
        raise SettingsError(
            f"SAM-Audio's official code does not solve with “{request.solver.method}”.",
            "Its solvers are those of the package torchdiffeq.",
            f"Choose one of: {', '.join(SOLVERS)}; or the backend “sam_torch”.",
        )
    if request.sam.precision not in (AUTOMATIC, *PRECISIONS):
        raise SettingsError(
            f"SAM-Audio's official code does not compute in {request.sam.precision}.",
            "",
            "Choose precision “float32”, or the backend “sam_torch”.",
        )
    if (request.chunks or ChunkSettings()).stitch == "multidiffusion":
        raise SettingsError(
            "SAM-Audio's official code cannot be stitched by multi-diffusion.",
            "It solves a window from beginning to end and does not show its velocity field.",
            "Choose stitch “crossfade”, or the backend “sam_torch”.",
        )
