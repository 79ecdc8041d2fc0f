"""Estimates the stems of chunks with a model's `separate`: in groups, ahead of need, and from kept chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from separation.chunking.model_inputs import ModelInputs
from separation.chunking.plan import Chunk
from separation.engine.engine import Ahead, Call, Engine
from separation.events import Event, Warned
from separation.model import Samples, Window
from separation.pipeline import tasks
from separation.pipeline.chunk_keys import Chunks, NotKept, chunk_key, features_key

FEATURES = "features"
Candidates = Sequence[Mapping[str, Samples]]  # of one chunk: the stems of each, by name


class ChunkCache:
    """Reads and writes the kept chunks of one model and request."""

    def __init__(self, chunks: Chunks, order: tasks.Order) -> None:
        self._chunks, self._order = chunks, order
        self._refused = False

    def find(self, window: Window) -> Mapping[str, Samples] | None:
        """Return the kept stems of a window, or None."""
        return self._chunks.get(self._key(chunk_key, window))

    def with_features(self, window: Window) -> Window:
        """Return the window with its kept features, if there are some."""
        kept = self._chunks.get(self._key(features_key, window))
        return replace(window, features=None if kept is None else kept.get(FEATURES))

    def keep(self, window: Window, answer: tasks.Answer) -> Iterator[Event]:
        """Keep the computed stems and features; on failure warn once, and stop keeping."""
        yield from self._put(self._key(chunk_key, window), answer.stems)
        if window.features is None and window.candidate == 0 and answer.features is not None:
            yield from self._put(self._key(features_key, window), {FEATURES: answer.features})

    def _put(self, key: str, arrays: Mapping[str, Samples]) -> Iterator[Event]:
        if self._refused:
            return
        try:
            self._chunks.put(key, arrays)
        except NotKept as refusal:
            self._refused = True
            yield Warned(message=str(refusal))

    def _key(self, kind: Callable[..., str], window: Window) -> str:
        request = self._order.request
        return kind(window, request, revision=self._order.revision, device=request.device)


class Groups:
    """Estimates chunks in groups of as many windows as the model processes together.

    The first chunk goes alone, so that it can be played early. Kept chunks do not change the groups, so a run that is
    resumed rounds like one that was not interrupted. Each candidate of a chunk has a window of its own, and is kept
    as a run with its seed would keep it.
    """

    def __init__(self, windows: ModelInputs, order: tasks.Order, engine: Engine, store: ChunkCache | None) -> None:
        self._windows, self._order, self._store = windows, order, store
        self._found: dict[int, list[Mapping[str, Samples] | None]] = {}  # for each candidate
        self._ready: dict[tuple[int, int], Mapping[str, Samples]] = {}
        self._n_together = max(1, windows.facts.batch // order.request.sam.candidates)
        self._waiting = deque(_groups(windows.chunks, self._n_together))
        self._started: deque[list[Window]] = deque()  # the windows of each running call
        self._ahead: Ahead[Sequence[tasks.Answer]] = Ahead(engine, order.request.device)

    def is_kept(self, chunk: Chunk) -> bool:
        """Whether all candidates of `chunk` come from an earlier run."""
        return not self._missing(chunk)

    def candidates(self, chunk: Chunk) -> Generator[Event, None, Candidates]:
        """Return the candidates of `chunk`: stems of shape (channels, chunk.stop - chunk.start)."""
        missing = self._missing(chunk)
        if missing and (chunk.index, missing[0]) not in self._ready:
            self._ahead.fill(self._calls(chunk))
            answers = yield from self._ahead.next()
            # All of them are kept before any is returned, so that stopping there never splits a group.
            for window, made in zip(self._started.popleft(), answers, strict=True):
                answer = made._replace(stems={name: made.stems[name] for name in sorted(window.stems)})
                self._ready[window.index, window.candidate] = answer.stems
                if self._store is not None:
                    yield from self._store.keep(window, answer)
        found = self._found.pop(chunk.index)
        stems = [
            self._ready.pop((chunk.index, candidate)) if kept is None else kept for candidate, kept in enumerate(found)
        ]
        return [self._windows.answered(one, chunk) for one in stems]

    def close(self) -> None:
        """Cancel the calls that still run."""
        self._ahead.close()

    def _calls(self, chunk: Chunk) -> Iterator[Call[Sequence[tasks.Answer]]]:
        """Yield calls for the groups from that of `chunk` on that are not kept.

        They end after as many as can run at once: kept chunks beyond would be held in memory until their turn.
        """
        last = chunk.index + self._n_together * self._ahead.width
        while self._waiting and self._waiting[0][0].index <= last:
            group = self._waiting.popleft()
            members = (member for member in group if member.index >= chunk.index)
            if windows := [window for member in members for window in self._to_compute(member)]:
                self._started.append(windows)
                # An early chunk of one run goes before a late one of another, so that every run can be played soon.
                device, priority = self._order.request.device, -group[0].index
                yield Call(tasks.separate_windows, (windows, self._order), device=device, priority=priority)

    def _to_compute(self, chunk: Chunk) -> list[Window]:
        """Return the windows of a chunk's candidates that are not kept, with their features if those are kept."""
        missing = self._missing(chunk)
        if not missing:
            return []
        window = self._windows.of(chunk)
        if self._store is not None and self._windows.facts.latents is not None:
            window = self._store.with_features(window)
        return [replace(window, candidate=candidate) for candidate in missing]

    def _missing(self, chunk: Chunk) -> list[int]:
        """Return the candidates of `chunk` that are not kept; looked up once."""
        if chunk.index not in self._found:
            request, window = self._order.request, self._windows.of(chunk)
            is_silent = all(window.leaves_out(prompt, request) for prompt in request.prompts)
            numbers = range(1 if is_silent else request.n_candidates_of(chunk.index))
            self._found[chunk.index] = [
                None if self._store is None else self._store.find(replace(window, candidate=number))
                for number in numbers
            ]
        return [candidate for candidate, kept in enumerate(self._found[chunk.index]) if kept is None]


def _groups(chunks: Sequence[Chunk], n_together: int) -> Iterator[list[Chunk]]:
    """Yield chunk 0 alone, then groups of up to `n_together` chunks of one length."""
    for first in (0, *range(1, len(chunks), n_together)):
        together = chunks[first : first + n_together if first else 1]
        for _, group in groupby(together, key=lambda chunk: chunk.read_stop - chunk.read_start):
            yield list(group)
