"""`outline`: where the chunks of a recording will lie, known before a model is loaded; pages draw it as the strip."""

from __future__ import annotations

from typing import NamedTuple

from separation.backends import registry
from separation.chunking.plan import cut
from separation.request import Request


class Outline(NamedTuple):
    """(start, stop) of each chunk in seconds, as `events.Planned` will have them, and the model's rate and frame."""

    spans_s: tuple[tuple[float, float], ...]
    sample_rate: int
    frame: int


def outline(settled: Request, n_samples: int, sample_rate: int) -> Outline | None:
    """Return the chunks of a settled request; None if only the loaded model knows them (Demucs), or no backend fits.

    Args:
        settled: see `registry.choose`; “auto” where no backend can do it.
        n_samples: of the recording, at least 1.
        sample_rate: Hz of the recording.
    """
    backend = registry.named(settled.backend)
    layout = backend.layout(settled) if backend is not None else None
    if layout is None:
        return None
    rate, frame, windowing = layout
    max_chunks = None if settled.chunks is None else settled.chunks.max_chunks
    chunks = cut(n_samples, sample_rate, rate, windowing, max_chunks).chunks
    spans_s = tuple((chunk.start / rate, chunk.stop / rate) for chunk in chunks)
    return Outline(spans_s, rate, frame)
