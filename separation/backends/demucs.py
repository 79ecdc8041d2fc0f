"""The Demucs backend: drums, bass, vocals, other (with `htdemucs_6s` also guitar and piano), by trained networks.

This module loads no framework; the files and the networks are in `separation.models.demucs`.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from separation.backends.defaults import UNUSED_SAM, BackendDefaults
from separation.errors import Action, BackendUnavailable, PlaygroundError, WeightsMissing
from separation.events import Event
from separation.hardware.footprint import NVIDIA
from separation.hub import compared, precision
from separation.model import Availability, BackendProfile, Model, PublishedModel, Readiness, RunCost
from separation.models.demucs import download
from separation.models.demucs import weights as demucs_weights
from separation.models.demucs.stem_names import stem_names
from separation.models.demucs.weights import DemucsWeights
from separation.prompts import vocabulary
from separation.prompts.targets import Target, tracks_of
from separation.request import DemucsSettings, Request, RequestField, SolverSettings, SpeechSettings

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
PRESETS: dict[str, dict[str, Any]] = {
    "Preview": {"model": "htdemucs", "demucs": DemucsSettings(segment_s=5.0)},
    "Balanced": {"model": None, "demucs": DemucsSettings()},
    "Quality": {"model": "htdemucs_ft", "demucs": DemucsSettings(shifts=1, overlap_ratio=0.5)},
    "Render": {"model": "htdemucs_ft", "demucs": DemucsSettings(shifts=1)},
    "fast": {"model": None, "demucs": DemucsSettings(split=False, mixed_precision=True)},
    "balanced": {"model": None, "demucs": DemucsSettings(shifts=1, mixed_precision=True)},
    "quality": {"model": None, "demucs": DemucsSettings(shifts=10, overlap_ratio=0.5)},
}
CHOICES = precision.CHOICES  # float32 first
SMALLER = {"htdemucs_ft": "htdemucs", "mdx_extra": "mdx_extra_q", "mdx": "mdx_q"}
SEGMENTS_S = (30.0, 20.0, 10.0, 5.0, 2.5)
LONGEST_SEGMENT_S = 44.0  # of the models without transformer, where none is asked for
# A transformer fills every segment up to this, so that shorter ones save nothing. Measured on a network of htdemucs'
# shape: 1.3 GB with segments of 2.5, 5 and 7.8 s alike.
TRANSFORMER_SEGMENT_S = 7.8
# 10^9 operations of one network for a second of audio, as of its time beside SAM-Audio's: 1.8 s for 7.8 s on two cores.
WORK = 46.0
OF_FLOAT32 = {"bfloat16": 0.7}  # of that time
LOADED_MB, MORE_MB = 650.0, 170.0  # of a process with one network, and each further one of a bag; on two cores


class DemucsBackend(BackendDefaults):
    """Hybrid Demucs (Défossez 2021) and Hybrid Transformer Demucs (Rouard et al. 2023) behind the common protocol."""

    name = "demucs"
    label = "Demucs"
    licence = LICENCE
    profile = BackendProfile(
        packages=("demucs", "torch"),
        presets=PRESETS,
        models_tip="htdemucs_ft sounds a little better at four times the time and room on disk; "
        "htdemucs_6s also knows guitar and piano.",
    )

    def models(self) -> tuple[str, ...]:
        """Return the published models, `htdemucs` first."""
        return tuple(SIZES_MB)

    def settle(self, request: Request) -> Request:
        """Reset chunk and solver settings, which Demucs does not use, and without shifts the seed."""
        return replace(
            request,
            backend=self.name,
            model=request.model or DEFAULT,
            chunks=None,
            solver=SolverSettings(),
            sam=replace(UNUSED_SAM, precision=_precision(request)),
            speech=SpeechSettings(),
            seed=request.seed if request.demucs.shifts else 0,
        )

    def revision(self, request: Request) -> str:
        """Return the identity of the weights and the versions of the code that runs them."""
        weights = _weights(request)
        return f"{weights.model}-{weights.fingerprint()}-demucs{version('demucs')}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Return whether the model's files are on this computer; reads only the disk."""
        if not demucs_weights.published_bags():
            return Availability(
                readiness=Readiness.NOT_INSTALLED,
                sentence=demucs_weights.NOT_INSTALLED,
                action=demucs_weights.INSTALL,
            )
        weights = _weights(request) if request else demucs_weights.find_demucs(DEFAULT)
        if not QUANTISED.isdisjoint(weights.bag.signatures) and importlib.util.find_spec("diffq") is None:
            return Availability(
                readiness=Readiness.NOT_INSTALLED,
                sentence=f"The model {weights.model} is quantised, and the package “diffq”, which reads it, is not "
                "installed. The same model without “_q” needs none.",
                action=Action.install("diffq"),
            )
        if weights.missing:
            sentence, action = _how_to_get(weights)
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence=sentence, action=action)
        return Availability(readiness=Readiness.USABLE, sentence=f"The model {weights.model} is on this computer.")

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Return the model's stems in its own order; for a model in a folder, from the file's header."""
        if request is not None and request.demucs.folder is not None:
            weights = _weights(request)
            if not weights.missing:
                return stem_names(weights.paths[0])
        return SIX if request is not None and request.model in SIX_STEM_MODELS else FOUR

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Match prompts to the model's stems by the vocabulary's synonyms; `PromptError` if none fits."""
        stems = self.stems(request)
        return tuple(vocabulary.match(prompt.text, stems, backend=self.label) for prompt in request.prompts)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online (`separation.models.demucs.download` does)."""
        availability = self.availability(request)
        if not availability.usable:
            missing = availability.readiness is Readiness.NEEDS_WEIGHTS
            kind = WeightsMissing if missing else BackendUnavailable
            raise kind("Demucs cannot run yet.", availability.sentence, action=availability.action)
        try:
            from separation.models.demucs.network import load_demucs  # PyTorch takes seconds to import
        except Exception as broken:  # a package that is not whole fails in its own way
            raise BackendUnavailable(
                "Demucs does not start.",
                f"Importing it gave: {type(broken).__name__}: {broken}.",
                "The backend “builtin” needs none of that.",
                action=Action.install("demucs", again=True),
            ) from broken
        return (yield from load_demucs(_weights(request), request, revision=self.revision(request)))

    def uses(self, request: Request) -> frozenset[RequestField]:
        """Return Demucs's own settings and the device; the seed too if shifts make the result random."""
        seed = {RequestField.SEED} if request.demucs.shifts else set()
        return frozenset({RequestField.DEMUCS, RequestField.DEVICE, *seed})

    def is_unmeasured(self, request: Request) -> bool:
        """Whether the precision is open, and is not known to be float32 or bfloat16 on this processor."""
        is_open = request.sam.precision not in CHOICES and request.demucs.folder is None
        return is_open and _has_precisions(request) and not precision.is_known("cpu")

    def measure(self, request: Request) -> None:
        """Measure both precisions on this processor, unless that is remembered."""
        precision.settle("cpu", "cpu")

    def without_effect(self, request: Request) -> frozenset[str]:
        """Return what transformers ignore, what cuts nothing without splitting, and half precision without CUDA."""
        ignored = set()
        if _is_transformer(request):
            ignored.add("demucs.split")
        elif not request.demucs.split:
            ignored |= {"demucs.segment_s", "demucs.overlap_ratio"}
        if request.device != "cuda" and not (request.device == "auto" and NVIDIA.exists()):
            ignored.add("demucs.mixed_precision")
        return frozenset(ignored)

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return the cost as measured on two cores, by networks in use, shifts, and segments' overlap and padding."""
        demucs, n_networks = request.demucs, self._n_networks(request)
        filled = TRANSFORMER_SEGMENT_S / (demucs.segment_s or TRANSFORMER_SEGMENT_S) if _is_transformer(request) else 1
        work = WORK * OF_FLOAT32.get(request.sam.precision, 1.0)
        return RunCost(
            work=work * n_networks * max(1, demucs.shifts) * filled / (1 - demucs.overlap_ratio),
            held_s=_held_s(request, duration_s),
            load_s=(2.0, 10.0),
            loaded_mb=LOADED_MB + MORE_MB * (n_networks - 1),
            mb_per_s=85.0,
        )

    def smaller(self, request: Request, duration_s: float) -> Iterator[Request]:
        """Yield the request with shorter segments, with half precision if the device has it, with a smaller model."""
        yield from _shorter(request, duration_s)
        if request.device == "cuda" and not request.demucs.mixed_precision:
            yield replace(request, demucs=replace(request.demucs, mixed_precision=True))
        if request.model in SMALLER:
            yield replace(request, model=SMALLER[request.model])

    def summary(self, request: Request) -> tuple[str, ...]:
        """Return the model, and the number of shifts if there are any."""
        shifts = request.demucs.shifts
        return (*super().summary(request), *([f"{shifts} shifts"] if shifts else []))

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        """Return the Demucs models that the pages list, or one of them."""
        return tuple(_published(one) for one in SIZES_MB if model in (None, one))

    def fetch(self, entry: PublishedModel) -> Generator[Event, None, None]:
        """Download from the server that Demucs' own list names."""
        yield from download.fetch(str(entry.model))

    def remove(self, entry: PublishedModel) -> int:
        """Delete from the torch hub cache."""
        return download.remove(str(entry.model))

    def _n_networks(self, request: Request) -> int:
        """Return how many of the model's networks contribute to the requested stems; no others are run."""
        try:
            bag, targets = _weights(request).bag, self.targets(request)
            wanted = frozenset[str]().union(*(track.stems for track in tracks_of(targets, request)))
            if bag.weights is None:
                return len(bag.signatures)
            stems = self.stems(request)
            return max(1, sum(any(row[stems.index(stem)] for stem in wanted) for row in bag.weights))
        except PlaygroundError:  # running it will say what is wrong
            return 1


def _precision(request: Request) -> str:
    """Return the precision of products: as asked for if there is a choice, else the faster one on a processor.

    Models in a folder may be of any form, so that they are computed in bfloat16 only if that is asked for.
    """
    asked = request.sam.precision
    if not _has_precisions(request) or (asked not in CHOICES and request.demucs.folder is not None):
        return CHOICES[0]
    return asked if asked in CHOICES else precision.usual("cpu")


def _has_precisions(request: Request) -> bool:
    """Whether a transformer network runs on a processor on which bfloat16 was measured, which is none of ARM's."""
    elsewhere = request.device != "cpu" and (request.device != "auto" or NVIDIA.exists() or sys.platform == "darwin")
    known = platform.machine().casefold() in ("x86_64", "amd64")
    return known and not elsewhere and (_is_transformer(request) or request.demucs.folder is not None)


def _is_transformer(request: Request) -> bool:
    return request.demucs.folder is None and (request.model or DEFAULT).startswith("htdemucs")


def _held_s(request: Request, duration_s: float) -> float:
    if _is_transformer(request):
        return TRANSFORMER_SEGMENT_S
    return min(duration_s, request.demucs.segment_s or LONGEST_SEGMENT_S) if request.demucs.split else duration_s


def _shorter(request: Request, duration_s: float) -> Iterator[Request]:
    """Yield the request with splitting turned on, or with the next shorter segment, if that saves memory."""
    if _is_transformer(request):
        return
    if not request.demucs.split:
        yield replace(request, demucs=replace(request.demucs, split=True))
        return
    now_s = _held_s(request, duration_s)
    shorter = next((segment_s for segment_s in SEGMENTS_S if segment_s < now_s), None)
    if shorter is not None:
        yield replace(request, demucs=replace(request.demucs, segment_s=shorter))


def _published(model: str) -> PublishedModel:
    folder, n_bytes = None, 0
    files: tuple[Path, ...] = ()
    if demucs_weights.published_bags():  # without the package nobody knows which files are the model's
        weights = demucs_weights.find_demucs(model)
        folder = None if weights.missing else weights.paths[0].parent
        files = download.files_here(model)
        n_bytes = download.on_disk(model)
    return PublishedModel(
        name=model,
        backend=DemucsBackend.name,
        model=model,
        label=f"Demucs {model}",
        size_bytes=SIZES_MB[model] * 10**6,
        licence=LICENCE,
        gated=False,
        repository=demucs_weights.LEGACY_ROOT_URL,
        on_disk_bytes=None if folder is None else n_bytes,
        partial_bytes=n_bytes if folder is None else 0,
        needs=(),
        path=folder,
        files=files,
        damaged=tuple(file.name for file in files if compared.is_damaged(file)) if folder is None else (),
    )


def _weights(request: Request) -> DemucsWeights:
    return demucs_weights.find_demucs(request.model or DEFAULT, request.demucs.folder)


def _how_to_get(weights: DemucsWeights) -> tuple[str, Action | None]:
    """Return why a model's weights are not here, and what gets them."""
    if weights.in_folder:
        sentence = (
            f"The model {weights.model} names networks that are not in its folder: {', '.join(weights.missing)}. "
            "Put their .th or .safetensors files there."
        )
        return sentence, None
    if damaged := next(filter(compared.is_damaged, download.files_here(weights.model)), None):
        found = compared.damaged(damaged, weights.model)
        return found.message, found.action
    size_mb = SIZES_MB.get(weights.model)
    size = f" (about {size_mb} MB)" if size_mb else ""
    sentence = f"The weights of {weights.model}{size} are not on this computer. {LICENCE}."
    if weights.model not in SIZES_MB:
        return sentence, Action.download_with_run("demucs", weights.model)
    return sentence, Action.download(weights.model)
