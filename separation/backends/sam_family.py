"""Code that the SAM-Audio backends share: presets, chunk layout, cost, downloading and deleting weights."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from separation.backends.defaults import chunk_of, overlapping
from separation.errors import BackendUnavailable, PlaygroundError, WeightsMissing
from separation.events import Event
from separation.hardware.footprint import available_bytes
from separation.hub import cache as hub
from separation.hub import compared
from separation.model import Backend, ChunkLayout, PublishedModel, Readiness, RunCost
from separation.model.windowing import Windowing
from separation.models.sam_audio import acquire, sizes, sources, text_encoder, weights
from separation.models.sam_audio.checkpoint.files import CheckpointFiles
from separation.models.sam_audio.config import CodecConfig, read_config
from separation.models.sam_audio.sources import CODEC_NAME
from separation.request import AUTOMATIC, ChunkSettings, Request, SolverSettings
from separation.solvers import nfe

NAME = "sam-audio"
TEXT_ENCODER = text_encoder.NAME
LICENCE = "SAM Licence (Meta)"
TERMS = "SAM Licence"
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
OF_FLOAT32 = {"float32": 1.0, "bfloat16": 0.5, "int8": 0.25, AUTOMATIC: 1.0}  # which may be float32
PIECE_S = 20.0  # the codec goes through longer chunks in pieces; 40 s were measured to hold no more


def ready_files(backend: Backend, request: Request) -> Generator[Event, None, CheckpointFiles]:
    """Return the files of a request's model, after checking that everything `backend` needs is here and undamaged.

    Files that have not been compared with what was published are read, yielding `ModelLoading` meanwhile.

    Raises:
        WeightsMissing: the weights or the text encoder are not here, or damaged.
        BackendUnavailable: something else is not.
    """
    availability = backend.availability(request)
    if not availability.usable:
        missing = availability.readiness is Readiness.NEEDS_WEIGHTS
        kind = WeightsMissing if missing else BackendUnavailable
        raise kind(f"{backend.label} cannot run yet.", availability.sentence, action=availability.action)
    found = weights.find_sam_audio(request.model or backend.models()[0])
    assert found.files is not None  # it would not be usable
    for name, files in weights.files_of(found).items():
        yield from compared.require_whole(files, name)
    return found.files


def layout(request: Request) -> ChunkLayout:
    """Return the chunk layout: the requested chunks in whole latent frames of the model's codec."""
    codec = _codec(request.model)
    windowing = Windowing.of(request.chunks or ChunkSettings(), codec.sample_rate, codec.hop)
    return ChunkLayout(codec.sample_rate, codec.hop, windowing)


def _codec(model: str | None) -> CodecConfig:
    """Return the codec's configuration, read from the model if it is here; all published models have the same."""
    try:
        found = weights.find_sam_audio(model) if model else None
        return CodecConfig() if found is None or found.files is None else read_config(found.files.config).audio_codec
    except PlaygroundError:
        return CodecConfig()  # loading the model reports what is wrong with the folder


def cost(request: Request, duration_s: float) -> RunCost:
    """Return the cost of encoding, solving and decoding each prompt; unknown for a model from a local folder."""
    size = (request.model or "small").removesuffix("-tv")
    n_prompts, n_clips = len(request.prompts), 2 if request.sam.stereo == "sides" else 1
    n_candidates = request.sam.candidates
    encoded = n_prompts * n_candidates if request.sam.chain else 1
    decoded = n_prompts * (2 if request.sam.residual == "model" else 1)
    evaluated = n_prompts * nfe(request.solver.method, request.solver.n_steps)
    solved = DECODE * decoded + EVALUATE.get(size, EVALUATE["small"]) * evaluated
    per_clip = ENCODE * encoded + n_candidates * solved
    fixed, transformer = LOADED_MB.get(size, (0.0, 0.0))
    known = size in EVALUATE
    return RunCost(
        work=overlapping(request) * n_clips * per_clip,
        held_s=min(chunk_of(request, duration_s), PIECE_S),
        load_s=(5.0, 60.0) if known else None,
        loaded_mb=fixed + transformer * OF_FLOAT32[request.sam.precision] if known else None,
        mb_per_s=150.0,
    )


def size_note(request: Request, settled: Request) -> str:
    """Return a sentence on the size that was chosen for a request which leaves the model open; "" for all others."""
    if request.model is not None or settled.model not in sources.MODELS:
        return ""
    return f" {sizes.note([prompt.text for prompt in request.prompts], settled.model)}."


def better_size(request: Request, settled: Request) -> str | None:
    """Return the size that suits a request best, if another one serves it and this one would fit into memory.

    Only where the request leaves the model open.
    """
    suits = sizes.best([prompt.text for prompt in request.prompts])
    if request.model is not None or settled.model in (suits, f"{suits}-tv"):
        return None
    needed_mb = sum(LOADED_MB[suits])
    free_bytes = available_bytes()
    return suits if free_bytes is None or free_bytes > needed_mb * 10**6 else None


def summary(request: Request) -> tuple[str, ...]:
    """Return the model, the solver with its steps, and the seed if there is one."""
    solver, seed = request.solver, [f"seed {request.seed}"] if request.seed else []
    return (f"sam-audio {Path(request.model or NAME).name}", f"{solver.method} {solver.n_steps}", *seed)


def published(model: str | None = None) -> tuple[PublishedModel, ...]:
    """Return the published models, and the parts that they need; or one of them, and the parts that it needs."""
    entries = tuple(_model(one) for one in sources.MODELS if model in (None, one))
    needed = {part for entry in entries for part in entry.needs} if model is not None else PARTS
    return (*entries, *(made() for name, made in PARTS.items() if name in needed))


def fetch(entry: PublishedModel) -> Generator[Event, None, None]:
    """Download one of `published` from the hub, a model from the first of its sources that gives it."""
    if entry.name == TEXT_ENCODER:
        yield from text_encoder.fetch()
    elif entry.model is None:
        yield from hub.download(sources.CODEC, entry.name)
    else:
        yield from acquire.fetch(entry.model, entry.name)


def remove(entry: PublishedModel) -> int:
    """Delete one of `published` from the hub's cache, whichever sources it came from; returns the bytes freed."""
    if entry.name == TEXT_ENCODER:
        return text_encoder.remove()
    if entry.model is None:
        return hub.remove(entry.repository)
    return sum(hub.remove_source(publisher.source(entry.model)) for publisher in _all_publishers(entry.model))


def _model(model: str) -> PublishedModel:
    here = next(((one, files) for one in sources.publishers(model) if (files := sources.files_here(one, model))), None)
    publisher = here[0] if here else sources.next_publisher(model) or _all_publishers(model)[0]
    source = publisher.source(model)
    # What broke off, or was damaged, may be of any of them.
    known = [one.source(model) for one in _all_publishers(model)] if here is None else [source]
    found = tuple(file for one in known for file in hub.files_in_cache(one))
    n_bytes = sum(hub.bytes_of(one) for one in known)
    apart = sources.lacks_codec(here[1]) if here else publisher.codec_apart
    return PublishedModel(
        name=f"{NAME}-{model}",
        backend=NAME,
        model=model,
        label=f"SAM-Audio {model}",
        size_bytes=round(publisher.sizes_gb[model] * 10**9),
        licence=LICENCE,
        gated=publisher.gated,
        repository=source.repository,
        provenance=publisher.about,
        terms=TERMS,
        on_disk_bytes=n_bytes if here else None,
        partial_bytes=0 if here else n_bytes,
        needs=(CODEC_NAME, TEXT_ENCODER) if apart else (TEXT_ENCODER,),
        path=here[1].config.parent if here else None,
        files=found,
        damaged=tuple(file.name for file in found if compared.is_damaged(file)),
    )


def _all_publishers(model: str) -> list[sources.Publisher]:
    return [one for one in sources.PUBLISHERS.values() if model in one.sizes_gb]


def _codec_apart() -> PublishedModel:
    source = sources.CODEC
    return _part(
        CODEC_NAME,
        "The codec of SAM-Audio, for models that come without it",
        size_bytes=sources.CODEC_BYTES,
        licence=LICENCE,
        terms=TERMS,
        repository=source.repository,
        provenance="a copy by audioghostai, made from Meta's files in float32",
        path=hub.find_snapshot(source),
        n_bytes=hub.on_disk(source.repository),
        files=hub.files_in_cache(source),
    )


def _text_encoder() -> PublishedModel:
    path = text_encoder.find(TEXT_ENCODER)
    return _part(
        TEXT_ENCODER,
        "T5-base, the text encoder of SAM-Audio",
        size_bytes=round(text_encoder.SIZE_GB * 10**9),
        licence="Apache 2.0",
        repository=TEXT_ENCODER,
        provenance="Google's own files, without the decoder",
        path=path,
        n_bytes=text_encoder.bytes_here(),
        files=text_encoder.files_in(path or text_encoder.own_folder()) or text_encoder.damaged(TEXT_ENCODER),
    )


def _part(
    name: str,
    label: str,
    *,
    size_bytes: int,
    licence: str,
    repository: str,
    provenance: str,
    path: Path | None,
    n_bytes: int,
    files: tuple[Path, ...],
    terms: str = "",
) -> PublishedModel:
    """A part of other models, with what of it is on this computer."""
    return PublishedModel(
        name=name,
        backend=NAME,
        model=None,
        label=label,
        size_bytes=size_bytes,
        licence=licence,
        gated=False,
        repository=repository,
        provenance=provenance,
        on_disk_bytes=None if path is None else n_bytes,
        partial_bytes=n_bytes if path is None else 0,
        needs=(),
        path=path,
        files=files,
        terms=terms,
        damaged=tuple(file.name for file in files if compared.is_damaged(file)),
    )


PARTS = {CODEC_NAME: _codec_apart, TEXT_ENCODER: _text_encoder}
