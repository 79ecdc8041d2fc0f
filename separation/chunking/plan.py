"""Plans the chunks of a mixture: where each starts and stops, and which samples a model reads for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from separation.audio.times import resampled_length
from separation.model.windowing import Windowing


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


class Cut(NamedTuple):
    """The chunks to compute, and how many samples of the recording, at its own rate, they are cut from."""

    chunks: tuple[Chunk, ...]
    n_samples: int


def cut(n_samples: int, sample_rate: int, model_rate: int, windowing: Windowing, max_chunks: int | None) -> Cut:
    """Cut a recording into chunks at the model's rate, of which only the first `max_chunks` are computed.

    Args:
        n_samples: of the recording, at least 1.
        sample_rate: Hz of the recording.
        model_rate: Hz.
        windowing: of the model.
        max_chunks: None for all.
    """
    chunks = plan(conformed_length(n_samples, sample_rate, model_rate), windowing)
    if max_chunks is not None and max_chunks < len(chunks):
        chunks = chunks[:max_chunks]
        n_samples = max(1, chunks[-1].stop * sample_rate // model_rate)
    return Cut(cut_off(chunks, conformed_length(n_samples, sample_rate, model_rate), windowing), n_samples)


def conformed_length(n_samples: int, sample_rate: int, model_rate: int) -> int:
    """Return the length in samples of a recording at the model's rate, at least one."""
    return max(1, resampled_length(n_samples, sample_rate, model_rate))


def plan(n_samples: int, windowing: Windowing) -> tuple[Chunk, ...]:
    """Cut `n_samples` (at least 1) into chunks that cover every sample, at most two at a time."""
    assert n_samples >= 1
    length = windowing.chunk or n_samples
    longest_last = length - windowing.overlap if windowing.fixed else windowing.last or length
    spans, start, chunk = [], 0, windowing.first or length
    while n_samples - start > longest_last:
        spans.append((start, min(start + chunk, n_samples)))
        start, chunk = start + chunk - windowing.overlap, length
    spans.append((start, n_samples))
    return tuple(_chunk(index, span, n_samples, windowing) for index, span in enumerate(spans))


def cut_off(chunks: Sequence[Chunk], n_samples: int, windowing: Windowing) -> tuple[Chunk, ...]:
    """Return the first chunks of a plan for a mixture that is cut off at their end, or a sample beside it."""
    return tuple(
        replace(
            chunk,
            stop=min(chunk.stop, n_samples),
            read_stop=chunk.read_stop if windowing.padded else min(chunk.read_stop, n_samples),
        )
        for chunk in chunks
    )


def pairwise_starts(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, int | None]]:
    """Yield each chunk with the start of the next one, None for the last."""
    yield from ((chunk, following.start) for chunk, following in pairwise(chunks))
    yield chunks[-1], None


def _chunk(index: int, span: tuple[int, int], n_samples: int, windowing: Windowing) -> Chunk:
    start, stop = span
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
