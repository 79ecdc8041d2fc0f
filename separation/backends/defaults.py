"""Default answers of a backend, so that a new backend defines only what differs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from separation.events import Event
from separation.model import Backend, BackendProfile, ChunkLayout, Judge, PublishedModel, RunCost
from separation.request import ChunkSettings, Request, RequestField, SamSettings

CHUNKS_S = (60.0, 30.0, 20.0, 10.0, 5.0)  # chunk lengths to try, in seconds, where memory does not suffice


# What a backend that is not SAM-Audio settles to: a precision is named, as it is in the keys of kept results.
UNUSED_SAM = SamSettings(precision="float32")


class BackendDefaults(Backend):
    """A backend of fixed stems, cut by the common chunk settings, on any device, with nothing to download."""

    takes_anchors = False
    profile = BackendProfile()

    def settle(self, request: Request) -> Request:
        """Return the request with the default model unless one is named, and unused settings at their defaults."""
        used, plain = self.uses(request), Request(prompts=request.prompts, sam=UNUSED_SAM)
        ignored = {one.value: getattr(plain, one.value) for one in RequestField if one not in used}
        if RequestField.CHUNKS in used:
            chunks = request.chunks or ChunkSettings()
            stitch = chunks.stitch if chunks.stitch in self.profile.stitches else self.profile.stitches[0]
            ignored["chunks"] = replace(chunks, stitch=stitch)
        return replace(request, backend=self.name, model=request.model or self.models()[0], **ignored)

    def uses(self, request: Request) -> frozenset[RequestField]:
        """Return the chunk settings and the device."""
        return frozenset({RequestField.CHUNKS, RequestField.DEVICE})

    def without_effect(self, request: Request) -> frozenset[str]:
        """Return settings of the seam where no chunks overlap, and of chunks where there is only one."""
        chunks = request.chunks or ChunkSettings()
        if chunks.chunk_s is None:
            # A stitch that other settings cannot be combined with is shown, so that it can be changed.
            stitch = {"chunks.stitch"} if chunks.stitch == self.profile.stitches[0] else set()
            return frozenset({"chunks.overlap_s", "chunks.fade", "chunks.max_chunks", *stitch})
        return frozenset() if chunks.overlap_s else frozenset({"chunks.fade"})

    def layout(self, request: Request) -> ChunkLayout | None:
        """Return None: the layout is unknown before the model is loaded."""
        return None

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return work and memory in proportion to the audio; their scale is unknown before the first run."""
        return RunCost(work=overlapping(request), held_s=chunk_of(request, duration_s))

    def smaller(self, request: Request, duration_s: float) -> Iterator[Request]:
        """Yield the request with shorter chunks, if the backend uses chunks."""
        chunks = request.chunks or ChunkSettings()
        # Re-rolls count chunks, as a number of chunks does: with others they would mean something else.
        if RequestField.CHUNKS not in self.uses(request) or request.sam.rerolls or chunks.max_chunks is not None:
            return
        now_s = min(chunk_of(request, duration_s), self.cost(request, duration_s).held_s)
        shorter = next((chunk_s for chunk_s in CHUNKS_S if chunk_s < now_s), None)
        if shorter is not None:
            overlap_s = min(chunks.overlap_s, shorter / 4)
            yield replace(request, chunks=replace(chunks, chunk_s=shorter, overlap_s=overlap_s))

    def is_unmeasured(self, request: Request) -> bool:
        """Return False: settling depends on no measurement."""
        return False

    def measure(self, request: Request) -> None:
        """Measure nothing."""

    def judge(self, request: Request) -> Judge | None:
        """Return None: candidates are scored without a model."""
        return None

    def summary(self, request: Request) -> tuple[str, ...]:
        """Return the model's name alone."""
        return (request.model or self.name,)

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        """Return no models: there is nothing to download."""
        return ()

    def fetch(self, entry: PublishedModel) -> Generator[Event, None, None]:
        """Download nothing, as nothing is published."""
        yield from ()

    def remove(self, entry: PublishedModel) -> int:
        """Delete nothing, as nothing is published."""
        return 0


def overlapping(request: Request) -> float:
    """Return how many times a second of audio is processed because chunks overlap; at least 1."""
    chunks = request.chunks or ChunkSettings()
    return 1.0 if chunks.chunk_s is None else chunks.chunk_s / (chunks.chunk_s - chunks.overlap_s)


def chunk_of(request: Request, duration_s: float) -> float:
    """Return the length of the longest chunk, in seconds."""
    return min(duration_s, (request.chunks or ChunkSettings()).chunk_s or duration_s)
