"""Smaller settings for when memory is short: `smaller` returns the next one, the least loss of quality first.

`separation.results.runs` goes down them after a run that ran out of memory; `preflight` proposes it before a run.
"""

from __future__ import annotations

from collections.abc import Iterator

from separation.backends import registry
from separation.errors import PlaygroundError
from separation.request import Request


def smaller(request: Request, *, duration_s: float | None = None) -> Request | None:
    """Return the request with the next smaller setting, or None if there is none.

    Shorter chunks or segments first, then a lower precision, then a smaller model that is on this computer.

    Args:
        request: settled.
        duration_s: of the recording, None if unknown; chunks longer than the recording are skipped.
    """
    steps = registry.get(request.backend).smaller(request, duration_s or float("inf"))
    return next((step for step in steps if step.model == request.model or usable(step)), None)


def changed(before: Request, after: Request, *, options: bool = True) -> str:
    """Return in words which settings are smaller in `after`.

    Args:
        before: settled.
        after: the same request, one or more steps smaller.
        options: whether to name the terminal's options as well.
    """
    texts = [f"{words} ({option})" if options else words for words, option in _changes(before, after)]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _changes(before: Request, after: Request) -> Iterator[tuple[str, str]]:
    """Yield each difference that a step can make, and the terminal's option for it."""
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


def usable(request: Request) -> bool:
    """Whether this computer can run the request now, without downloading anything."""
    try:
        backend = registry.get(request.backend)
        backend.targets(request)
        return backend.availability(request).usable
    except PlaygroundError:
        return False
