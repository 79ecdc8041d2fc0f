"""SAM-Audio as Meta's own package computes it, for people who installed that package from its repository.

This is the cheap half: it looks whether the package is there without importing it. What runs it is in
`separation.models.sam_audio.official`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from separation.backends.sam_family import ready_folder
from separation.backends.sam_torch import DEFAULT, SamTorchBackend
from separation.errors import SettingsError
from separation.events import Event
from separation.model import Availability, Model, PublishedModel, Readiness
from separation.models.sam_audio import weights as sam_weights
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Request

# What the released torchdiffeq, which the package solves with, has of ours; its rk4 is the 3/8 rule as well.
SOLVERS = ("euler", "midpoint", "rk4")
PRECISIONS = ("float32",)
OFFICIAL_REVISION = "1"


class SamOfficialBackend(SamTorchBackend):
    """Text- and span-prompted separation by the official code: the prompts, stems and weights of our own network.

    Two of the package's options are not offered. Candidates are only compared where a ranker is loaded, and cost their
    number of times over where none is; predicted spans are found after the arguments that would hold them are taken.
    """

    name = "sam_official"
    label = "SAM-Audio (official code)"
    licence = (
        "SAM-Audio's code and weights are under Meta's SAM Licence; access to the weights is granted per account. "
        "The official code puts a random inaudible watermark into all it makes, so no two runs are quite alike"
    )
    profile = replace(
        SamTorchBackend.profile,
        label_in_family="",
        command_options=("--backend", "official"),
        packages=("sam-audio", "torch"),
        precisions=PRECISIONS,
    )

    def published(self) -> tuple[PublishedModel, ...]:
        """None beside those that our own network lists."""
        return ()

    def revision(self, request: Request) -> str:
        """The weights' identity, and that of the official code and of ours."""
        code = hashlib.sha256(b"".join(file.read_bytes() for file in _sources())).hexdigest()[:16]
        return f"{super().revision(request)}-official-{code}-{OFFICIAL_REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Whether the package and the model's files are on this computer; looks at the disk only."""
        if not _sources():
            return Availability(
                readiness=Readiness.NOT_INSTALLED,
                sentence="Install Meta's own package with “pip install "
                '"audio-playground[official]"” and start again; the package “sam-audio” on PyPI is an empty one.',
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
        """Every stem is a target of its own: there are no words this model refuses.

        Raises:
            SettingsError: a setting that the official code does not have.
            PromptError: a prompt has the name of another one's residual.
        """
        _check_settings(request)
        return super().targets(request)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online."""
        folder = ready_folder(self, request)
        from separation.models.sam_audio.official import load_official_model  # PyTorch takes seconds to import

        return (yield from load_official_model(folder, request, revision=self.revision(request)))


def _sources() -> list[Path]:
    """The files of the official package, found without importing it; none where it is absent or its empty namesake."""
    package = importlib.util.find_spec("sam_audio")
    folders = (package and package.submodule_search_locations) or ()
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    return files if any("class SAMAudio(" in file.read_text("utf-8") for file in files) else []


def _check_settings(request: Request) -> None:
    """Refuse what the official code does not have, rather than do something else."""
    if request.solver.method not in SOLVERS:
        raise SettingsError(
            f"SAM-Audio's official code does not solve with “{request.solver.method}”.",
            "Its solvers are those of the package torchdiffeq.",
            f"Choose one of: {', '.join(SOLVERS)}; or the backend “sam_torch”.",
        )
    if request.sam.precision not in PRECISIONS:
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
