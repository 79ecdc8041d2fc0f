"""The settings to try next when memory does not do: one step down at a time, what costs the least sound first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from separation.backends import registry
from separation.errors import PlaygroundError
from separation.request import ChunkSettings, Request

CHUNKS_S = (60.0, 30.0, 20.0, 10.0, 5.0)
SEGMENTS_S = (30.0, 20.0, 10.0, 5.0, 2.5)
LONGEST_SEGMENT_S = 44.0  # of Demucs's models without transformer, where none is asked for
TRANSFORMER_SEGMENT_S = 7.8
SAM_PIECE_S = 20.0  # SAM-Audio's codec goes through longer chunks in pieces; 40 s were measured to hold no more
MODELS = {  # the next smaller one
    "sam_audio": {"large": "base", "base": "small", "large-tv": "base-tv", "base-tv": "small-tv"},
    "demucs": {"htdemucs_ft": "htdemucs", "mdx_extra": "mdx_extra_q", "mdx": "mdx_q"},
}


def smaller(request: Request, *, duration_s: float | None = None) -> Request | None:
    """The request with the next smaller setting, or None at the bottom.

    Shorter chunks or segments first, then a lower precision, then a smaller model that is on this computer.

    Args:
        request: settled.
        duration_s: of the recording, where it is known: a chunk that is longer than it anyway is no step.
    """
    return next(_steps(request, duration_s or float("inf")), None)


def changed(before: Request, after: Request, *, options: bool = True) -> str:
    """What is smaller in `after`, in words.

    Args:
        before: settled.
        after: one or more steps further down.
        options: name the terminal's options for it as well.
    """
    said = [f"{words} ({option})" if options else words for words, option in _changes(before, after)]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _changes(before: Request, after: Request) -> Iterator[tuple[str, str]]:
    """Every difference that a step can make, and the option that makes it."""
    if before.model != after.model:
        yield f"the model {after.model}", f"--model {after.model}"
    if before.device != after.device:
        yield f"the device {after.device}", f"--device {after.device}"
    if before.sam.precision != after.sam.precision:
        yield f"the precision {after.sam.precision}", f"--precision {after.sam.precision}"
    if before.demucs.mixed_precision != after.demucs.mixed_precision:
        yield "half precision", "--mixed-precision"
    if after.chunks is not None and before.chunks != after.chunks:
        yield f"chunks of {after.chunks.chunk_s:g} s", f"--chunk-duration {after.chunks.chunk_s:g}"
    if before.demucs.split != after.demucs.split:
        yield "splitting into segments", "--split"
    if before.demucs.segment_s != after.demucs.segment_s:
        yield f"segments of {after.demucs.segment_s:g} s", f"--segment {after.demucs.segment_s:g}"


def _steps(request: Request, duration_s: float) -> Iterator[Request]:
    """Every single step down from a request, the best first."""
    if request.backend == "demucs":
        yield from _demucs_steps(request, duration_s)
    else:
        yield from _chunk_steps(request, duration_s)
    if registry.runs_sam_audio(request.backend):
        yield from _precision_steps(request)
    family = "sam_audio" if registry.runs_sam_audio(request.backend) else request.backend
    model = MODELS.get(family, {}).get(request.model or "")
    if model is not None and usable(smaller_model := replace(request, model=model)):
        yield smaller_model


def _chunk_steps(request: Request, duration_s: float) -> Iterator[Request]:
    chunks = request.chunks or ChunkSettings()
    if request.sam.rerolls or chunks.max_chunks is not None:
        return  # they count chunks: with others they would mean something else
    now_s = held_s(request, duration_s)
    for chunk_s in CHUNKS_S:
        if chunk_s < now_s:
            yield replace(
                request, chunks=replace(chunks, chunk_s=chunk_s, overlap_s=min(chunks.overlap_s, chunk_s / 4))
            )
            return


def _demucs_steps(request: Request, duration_s: float) -> Iterator[Request]:
    demucs = request.demucs
    if not is_transformer(request):
        if not demucs.split:
            yield replace(request, demucs=replace(demucs, split=True))
            return
        now_s = held_s(request, duration_s)
        for segment_s in SEGMENTS_S:
            if segment_s < now_s:
                yield replace(request, demucs=replace(demucs, segment_s=segment_s))
                return
    if request.device == "cuda" and not demucs.mixed_precision:
        yield replace(request, demucs=replace(demucs, mixed_precision=True))


def _precision_steps(request: Request) -> Iterator[Request]:
    if request.sam.precision == "float32" and request.backend != "sam_official":
        # int8 is computed on processors only; where the device is open it may be a graphics card.
        precision = "int8" if request.device == "cpu" and request.backend == "sam_torch" else "bfloat16"
        yield replace(request, sam=replace(request.sam, precision=precision))


def held_s(request: Request, duration_s: float) -> float:
    """Seconds that a model holds at once, on which its memory depends."""
    if request.backend == "demucs":
        if is_transformer(request):
            return TRANSFORMER_SEGMENT_S
        return min(duration_s, request.demucs.segment_s or LONGEST_SEGMENT_S) if request.demucs.split else duration_s
    chunk_s = min(duration_s, (request.chunks or ChunkSettings()).chunk_s or duration_s)
    return min(chunk_s, SAM_PIECE_S) if registry.runs_sam_audio(request.backend) else chunk_s


def is_transformer(request: Request) -> bool:
    """Whether a Demucs model fills every segment up to `TRANSFORMER_SEGMENT_S`, so that shorter ones save nothing.

    Measured on a network of htdemucs' shape: 1.3 GB with segments of 2.5, 5 and 7.8 s alike.
    """
    return request.demucs.folder is None and (request.model or "htdemucs").startswith("htdemucs")


def usable(request: Request) -> bool:
    """Whether this computer could run it now, without downloading anything."""
    try:
        backend = registry.get(request.backend)
        backend.targets(request)
        return backend.availability(request).usable
    except PlaygroundError:
        return False
