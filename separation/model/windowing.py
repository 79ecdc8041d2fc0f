"""`Windowing`: how a long mixture is cut for a model."""

from __future__ import annotations

from dataclasses import dataclass

from separation.request import ChunkSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Windowing:
    """How a long mixture is cut for a model, in samples at the model's rate.

    Args:
        chunk: samples of a chunk; None gives the model the whole mixture at once.
        overlap: samples neighbouring chunks share, at most half a chunk.
        context: samples the model reads on each side of a chunk, beyond those it estimates.
        fade: name of the crossfade between neighbours.
        fixed: cut as Demucs does: chunks start at every hop inside the mixture.
        fill_last: with `fixed`, a short last chunk is centred in a window of full length; otherwise its own is short.
        padded: windows go on in silence beyond the ends of the mixture; otherwise they end with it, and cost less.
        first: samples of the first chunk, where there are several: a short one is heard early. None for a whole chunk.
        last: the most samples of the last chunk, at least a chunk; a short rest belongs to it. None for a chunk.
    """

    chunk: int | None
    overlap: int = 0
    context: int = 0
    fade: str = "cosine"
    fixed: bool = False
    fill_last: bool = True
    padded: bool = True
    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, chunks: ChunkSettings, sample_rate: int, frame: int = 1) -> Windowing:
        """Convert the settings to samples, on whole latent frames, so that anchors fall on the same ones in any cut."""
        if chunks.chunk_s is None:
            return cls(chunk=None, fade=chunks.fade)
        chunk = max(1, round(chunks.chunk_s * sample_rate / frame))
        overlap = min(round(chunks.overlap_s * sample_rate / frame), chunk // 2)  # half of an odd chunk rounds up
        return cls(chunk=chunk * frame, overlap=overlap * frame, fade=chunks.fade)

    def __post_init__(self) -> None:
        assert self.context >= 0 and (self.chunk is None or 0 <= self.overlap <= self.chunk // 2)
        assert self.first is None or (self.chunk is not None and self.overlap < self.first <= self.chunk)
        assert self.last is None or (self.chunk is not None and self.chunk <= self.last and not self.fixed)
