"""Plans the chunks of a mixture: where each starts and stops, and which samples a model reads for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from separation.model import Windowing


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One chunk: the model reads samples [read_start, read_stop) and estimates [start, stop).

    Positions outside the mixture are read as silence. `overlap` is the nominal number of samples shared with the chunk
    before (0 for the first).
    """

    index: int
    start: int
    stop: int
    read_start: int
    read_stop: int
    overlap: int


def plan(n_samples: int, windowing: Windowing) -> tuple[Chunk, ...]:
    """Cut `n_samples` (at least 1) into chunks that cover every sample, at most two at a time."""
    assert n_samples >= 1
    length = windowing.chunk or n_samples
    hop = length - windowing.overlap
    last_start = n_samples if windowing.fixed else max(1, n_samples - windowing.overlap)
    return tuple(_chunk(index, start, n_samples, windowing) for index, start in enumerate(range(0, last_start, hop)))


def pairwise_starts(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, int | None]]:
    """Yield each chunk with the start of the next one, None for the last."""
    yield from ((chunk, following.start) for chunk, following in pairwise(chunks))
    yield chunks[-1], None


def _chunk(index: int, start: int, n_samples: int, windowing: Windowing) -> Chunk:
    stop = min(start + (windowing.chunk or n_samples), n_samples)
    length = stop - start
    missing = (windowing.chunk or length) - length if windowing.fixed and windowing.fill_last else 0
    # Half of what is missing goes before, as in demucs.apply.TensorChunk.padded.
    read_start = start - missing // 2 - windowing.context
    read_stop = read_start + length + missing + 2 * windowing.context
    if not windowing.padded:
        read_start, read_stop = max(0, read_start), min(n_samples, read_stop)
    return Chunk(
        index=index,
        start=start,
        stop=stop,
        read_start=read_start,
        read_stop=read_stop,
        overlap=windowing.overlap if index else 0,
    )
