"""Demucs: drums, bass, vocals, other (with `htdemucs_6s` also guitar and piano), by trained networks.

This is the cheap half; the files and the networks are in `separation.models.demucs`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from dataclasses import replace
from importlib.metadata import version

from separation.errors import BackendUnavailable, WeightsMissing
from separation.events import Event
from separation.model import Availability, Model, Readiness
from separation.models.demucs import weights as demucs_weights
from separation.models.demucs.stem_names import stem_names
from separation.models.demucs.weights import DemucsWeights
from separation.prompts import vocabulary
from separation.prompts.targets import Target
from separation.request import Request, SamSettings, SolverSettings

DEFAULT = "htdemucs"
# What the pages list; older reproductions (`repro_mdx_a`, …) and single signatures are known too. Sizes in MB.
SIZES_MB = {
    "htdemucs": 84,
    "htdemucs_ft": 337,
    "htdemucs_6s": 55,
    "hdemucs_mmi": 167,
    "mdx": 691,
    "mdx_extra": 670,
    "mdx_q": 209,
    "mdx_extra_q": 168,
}
FOUR = ("drums", "bass", "other", "vocals")
SIX = (*FOUR, "guitar", "piano")
SIX_STEM_MODELS = frozenset({"htdemucs_6s", "5c90dfd2"})
# Networks packed by DiffQ, which cannot be unpacked without it.
QUANTISED = frozenset({"6b9c2ca1", "b72baf4e", "42e558d4", "305bc58f", "83fc094f", "464b36d7", "14fc6a69", "7fd6ef75"})
# Changes whenever this code's output does, so that kept results are never mistaken for new ones.
REVISION = "2"
LICENCE = "Demucs is under the MIT licence; its models learned from MUSDB HQ, most also from 800 other songs"


class DemucsBackend:
    """Hybrid Demucs (Défossez 2021) and Hybrid Transformer Demucs (Rouard et al. 2023) behind the common protocol."""

    name = "demucs"
    label = "Demucs"
    licence = LICENCE
    takes_anchors = False

    def models(self) -> tuple[str, ...]:
        """The published models, `htdemucs` first."""
        return tuple(SIZES_MB)

    def settle(self, request: Request) -> Request:
        """Chunks and solver settings mean nothing here; without shifts nothing is random."""
        return replace(
            request,
            backend=self.name,
            model=request.model or DEFAULT,
            chunks=None,
            solver=SolverSettings(),
            sam=SamSettings(),
            seed=request.seed if request.demucs.shifts else 0,
        )

    def revision(self, request: Request) -> str:
        """The weights' identity and the versions of the code that runs them."""
        weights = _weights(request)
        return f"{weights.model}-{weights.fingerprint()}-demucs{version('demucs')}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Whether the model's files are on this computer; looks at the disk only."""
        if not demucs_weights.published_bags():
            return Availability(readiness=Readiness.NOT_INSTALLED, sentence=demucs_weights.HOW_TO_INSTALL)
        weights = _weights(request) if request else demucs_weights.find_demucs(DEFAULT)
        if not QUANTISED.isdisjoint(weights.bag.signatures) and importlib.util.find_spec("diffq") is None:
            return Availability(
                readiness=Readiness.NOT_INSTALLED,
                sentence=f"The model {weights.model} is quantised: install “diffq” (pip install diffq), "
                "or choose the same model without “_q”.",
            )
        if weights.missing:
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence=_how_to_get(weights))
        return Availability(readiness=Readiness.USABLE, sentence=f"The model {weights.model} is on this computer.")

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """What the model separates, in its own order; read from the file's header for a folder's model."""
        if request is not None and request.demucs.folder is not None:
            weights = _weights(request)
            if not weights.missing:
                return stem_names(weights.paths[0])
        return SIX if request is not None and request.model in SIX_STEM_MODELS else FOUR

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Prompts matched to the model's stems."""
        stems = self.stems(request)
        return tuple(vocabulary.match(prompt.text, stems, backend=self.label) for prompt in request.prompts)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online. See `separation.models.demucs.download` for that."""
        availability = self.availability(request)
        if not availability.usable:
            missing = availability.readiness is Readiness.NEEDS_WEIGHTS
            raise (WeightsMissing if missing else BackendUnavailable)("Demucs cannot run yet.", availability.sentence)
        try:
            from separation.models.demucs.network import load_demucs  # PyTorch takes seconds to import
        except Exception as broken:  # a package that is not whole fails in its own way
            raise BackendUnavailable(
                "Demucs does not start.",
                f"Importing it gave: {type(broken).__name__}: {broken}.",
                "Install it again with “pip install --force-reinstall demucs”, or choose the backend “builtin”, which "
                "needs none of that.",
            ) from broken
        return (yield from load_demucs(_weights(request), request, revision=self.revision(request)))


def _weights(request: Request) -> DemucsWeights:
    return demucs_weights.find_demucs(request.model or DEFAULT, request.demucs.folder)


def _how_to_get(weights: DemucsWeights) -> str:
    if weights.in_folder:
        return (
            f"The model {weights.model} names networks that are not in its folder: {', '.join(weights.missing)}. "
            "Put their .th or .safetensors files there."
        )
    size_mb = SIZES_MB.get(weights.model)
    size = f" (about {size_mb} MB)" if size_mb else ""
    command = f"“audio-playground models download {weights.model}”" if size_mb else "“extract demucs --download”"
    return (
        f"The weights of {weights.model}{size} are not on this computer. {LICENCE}. "
        f"Run {command} to download them once."
    )
