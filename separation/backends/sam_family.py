"""Code that the SAM-Audio backends share: presets, chunk layout, cost, downloading and deleting weights."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from separation.backends.defaults import chunk_of, overlapping
from separation.errors import BackendUnavailable, PlaygroundError, WeightsMissing
from separation.events import Event
from separation.hub import cache as hub
from separation.hub import compared
from separation.model import Backend, ChunkLayout, PublishedModel, Readiness, RunCost, Windowing
from separation.models.sam_audio import weights
from separation.models.sam_audio.config import CodecConfig, read_config
from separation.request import ChunkSettings, Request, SolverSettings
from separation.solvers import nfe

NAME = "sam-audio"
TEXT_ENCODER = weights.TEXT_ENCODER.repository
LICENCE = "SAM Licence (Meta)"
# Evaluations of the velocity field: 7, 17, and the official 32. The model stays as chosen.
PRESETS = {
    "Preview": {"solver": SolverSettings(method="ab2", n_steps=6)},
    "Balanced": {"solver": SolverSettings(method="ab2", n_steps=16)},
    "Quality": {"solver": SolverSettings(method="midpoint", n_steps=16)},
}
# 10^9 operations for a second of audio, counted.
ENCODE, DECODE = 48.7, 110.0
EVALUATE = {"small": 9.6, "base": 27.9, "large": 127.1}
# MB: all but the transformer, and the transformer in float32.
LOADED_MB = {"small": (700.0, 1200.0), "base": (700.0, 2600.0), "large": (700.0, 11_700.0)}
OF_FLOAT32 = {"float32": 1.0, "bfloat16": 0.5, "int8": 0.25}
PIECE_S = 20.0  # the codec goes through longer chunks in pieces; 40 s were measured to hold no more


def ready_folder(backend: Backend, request: Request) -> Generator[Event, None, Path]:
    """Return the folder of a request's model, after checking that everything `backend` needs is here and undamaged.

    Files that have not been compared with what was published are read, yielding `ModelLoading` meanwhile.

    Raises:
        WeightsMissing: the weights or the text encoder are not here, or damaged.
        BackendUnavailable: something else is not.
    """
    availability = backend.availability(request)
    if not availability.usable:
        missing = availability.readiness is Readiness.NEEDS_WEIGHTS
        raise (WeightsMissing if missing else BackendUnavailable)(
            f"{backend.label} cannot run yet.", availability.sentence
        )
    found = weights.find_sam_audio(request.model or backend.models()[0])
    assert found.folder is not None  # it would not be usable
    for name, files in weights.files_of(found).items():
        yield from compared.require_whole(files, name, weights.again(name))
    return found.folder


def layout(request: Request) -> ChunkLayout:
    """Return the chunk layout: the requested chunks in whole latent frames of the model's codec."""
    codec = _codec(request.model)
    windowing = Windowing.of(request.chunks or ChunkSettings(), codec.sample_rate, codec.hop)
    return ChunkLayout(codec.sample_rate, codec.hop, windowing)


def _codec(model: str | None) -> CodecConfig:
    """Return the codec's configuration, read from the model if it is here; all published models have the same."""
    try:
        found = weights.find_sam_audio(model) if model else None
        return CodecConfig() if found is None or found.folder is None else read_config(found.folder).audio_codec
    except PlaygroundError:
        return CodecConfig()  # loading the model reports what is wrong with the folder


def cost(request: Request, duration_s: float) -> RunCost:
    """Return the cost of encoding, solving and decoding each prompt; unknown for a model from a local folder."""
    size = (request.model or "small").removesuffix("-tv")
    n_prompts, n_clips = len(request.prompts), 2 if request.sam.stereo == "sides" else 1
    encoded = n_prompts if request.sam.chain else 1
    decoded = n_prompts * (2 if request.sam.residual == "model" else 1)
    evaluated = n_prompts * nfe(request.solver.method, request.solver.n_steps)
    per_clip = ENCODE * encoded + DECODE * decoded + EVALUATE.get(size, EVALUATE["small"]) * evaluated
    fixed, transformer = LOADED_MB.get(size, (0.0, 0.0))
    known = size in EVALUATE
    return RunCost(
        work=overlapping(request) * n_clips * per_clip,
        held_s=min(chunk_of(request, duration_s), PIECE_S),
        load_s=(5.0, 60.0) if known else None,
        loaded_mb=fixed + transformer * OF_FLOAT32[request.sam.precision] if known else None,
        mb_per_s=150.0,
    )


def summary(request: Request) -> tuple[str, ...]:
    """Return the model, the solver with its steps, and the seed if there is one."""
    solver, seed = request.solver, [f"seed {request.seed}"] if request.seed else []
    return (f"sam-audio {Path(request.model or NAME).name}", f"{solver.method} {solver.n_steps}", *seed)


def published() -> tuple[PublishedModel, ...]:
    """Return the published models, and the text encoder that they need."""
    return (*map(_model, weights.SIZES_GB), _text_encoder())


def fetch(entry: PublishedModel) -> Generator[Event, None, None]:
    """Download one of `published` from the hub; the models are gated."""
    if entry.model is None:
        yield from hub.download(weights.TEXT_ENCODER, entry.name)
    else:
        yield from hub.download(weights.source(entry.model), entry.name, gated=True)


def remove(entry: PublishedModel) -> int:
    """Delete one of `published` from the hub's cache; returns the bytes freed."""
    return hub.remove(entry.repository)


def _model(model: str) -> PublishedModel:
    source = weights.source(model)
    path, n_bytes = hub.find_snapshot(source), hub.on_disk(source.repository)
    damaged = tuple(file.name for file in hub.damaged_files(source.repository))
    return PublishedModel(
        name=f"sam-audio-{model}",
        backend=NAME,
        model=model,
        label=f"SAM-Audio {model}",
        size_bytes=round(weights.SIZES_GB[model] * 10**9),
        licence=LICENCE,
        gated=True,
        repository=source.repository,
        on_disk_bytes=None if path is None else n_bytes,
        partial_bytes=n_bytes if path is None else 0,
        needs=(TEXT_ENCODER,),
        path=path,
        files=hub.files_in_cache(source),
        damaged=damaged,
    )


def _text_encoder() -> PublishedModel:
    path, n_bytes = hub.find_snapshot(weights.TEXT_ENCODER), hub.on_disk(TEXT_ENCODER)
    damaged = tuple(file.name for file in hub.damaged_files(TEXT_ENCODER))
    return PublishedModel(
        name=TEXT_ENCODER,
        backend=NAME,
        model=None,
        label="T5-base, the text encoder of SAM-Audio",
        size_bytes=round(weights.TEXT_ENCODER_GB * 10**9),
        licence="Apache 2.0",
        gated=False,
        repository=TEXT_ENCODER,
        on_disk_bytes=None if path is None else n_bytes,
        partial_bytes=n_bytes if path is None else 0,
        needs=(),
        path=path,
        files=hub.files_in_cache(weights.TEXT_ENCODER),
        damaged=damaged,
    )
