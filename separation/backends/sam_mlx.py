"""The SAM-Audio backend on Apple's MLX: weights, prompts and results of `sam_torch`, computed by `mlx-audio`.

This module loads no framework. The network is in `separation.models.sam_audio.mlx.network`.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Generator
from dataclasses import replace

from separation.backends.sam_family import ready_files
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import Action, SettingsError
from separation.events import Event
from separation.model import Availability, Model, PublishedModel, Readiness
from separation.prompts.targets import Target
from separation.request import AUTOMATIC, Request

PRECISIONS = ("float32", "bfloat16")
PIP = {
    "darwin": "mlx-audio>=0.6,<0.7",
    "linux": "audio-playground[mlx-cpu]",
}
MLX_REVISION = "1"


def preferred_here() -> bool:
    """Whether MLX is the default SAM-Audio backend here: on Apple silicon, for whose GPU MLX is made."""
    return sys.platform == "darwin" and platform.machine() == "arm64"


class SamMlxBackend(SamTorchBackend):
    """Text- and span-prompted separation on MLX: the prompts, settings, stems and weights of the PyTorch network."""

    name = "sam_mlx"
    label = "SAM-Audio (MLX)"
    profile = replace(
        SamTorchBackend.profile,
        label_in_family="",
        command_options=("--backend", "mlx"),
        packages=("mlx", "mlx-audio", "torch", "tokenizers"),
        precisions=PRECISIONS,
        batches=False,
    )

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        """Return no models: it uses those that `sam_torch` publishes."""
        return ()

    def revision(self, request: Request) -> str:
        """Return the identity of the weights, and the versions of this code and of the code shared with `sam_torch`."""
        return f"{super().revision(request)}-mlx-{MLX_REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Return whether MLX and the model's files are on this computer; reads only the disk."""
        if sys.platform not in PIP or (sys.platform == "darwin" and not preferred_here()):
            return Availability(
                readiness=Readiness.NEEDS_HARDWARE,
                sentence="MLX needs a Mac with Apple silicon. The backend “sam_torch” runs the same model here.",
            )
        if any(importlib.util.find_spec(package) is None for package in ("mlx", "mlx_audio")):
            return Availability(
                readiness=Readiness.NOT_INSTALLED,
                sentence="It needs MLX, which is not installed.",
                action=Action.install(PIP[sys.platform]),
            )
        found = super().availability(request)
        if not found.usable or preferred_here():
            return found
        slow = "MLX has no GPU here, and its CPU build is slow and meant for tests: “sam_torch” is faster."
        return replace(found, sentence=f"{found.sentence} {slow}")

    def without_effect(self, request: Request) -> frozenset[str]:
        """Return also attention caching, which only our network in PyTorch has."""
        return super().without_effect(request) | {"sam.attention_caching"}

    def is_unmeasured(self, request: Request) -> bool:
        """Return False: no precision is measured here."""
        return False

    def usual_precision(self, device: str) -> str:
        """Return the exact one: no other is measured here."""
        return PRECISIONS[0]

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Return one target for each prompt: the model accepts any words.

        Raises:
            SettingsError: a precision that MLX's network does not have.
            PromptError: a prompt has the name of another one's residual.
        """
        if request.sam.precision not in (AUTOMATIC, *PRECISIONS):
            raise SettingsError(
                f"SAM-Audio does not compute in {request.sam.precision} on MLX.",
                "Its network has no such layers.",
                f"Choose one of: {', '.join(PRECISIONS)}; or the backend “sam_torch”.",
            )
        return super().targets(request)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online."""
        files = yield from ready_files(self, request)
        from separation.models.sam_audio.mlx.model import load_mlx_model  # imports torch and MLX

        return (yield from load_mlx_model(files, request, revision=self.revision(request)))
