"""One job: its stored record, and the progress of its run, which is not stored."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

from separation.errors import PlaygroundError
from separation.events import (
    BackendChosen,
    ChunkFinished,
    ChunkStarted,
    Event,
    Kept,
    ModelLoading,
    Planned,
    SolverStep,
    TracksOpened,
    Warned,
)
from separation.results.kept import Result
from separation.results.partial import PartialAudio
from storage.records import JobRecord
from storage.records import JobState as State
from webapp.state.download import Download

KEPT = "The same had been done before; nothing had to be computed."
MAX_CHUNK_LINES = 100  # in the log of one run; with more chunks, not every one gets a line


@dataclass(eq=False)
class Job:
    """One separation. The jobs' thread changes it while it runs, and `Jobs` before and after that; pages read it.

    Attributes:
        record: the part of it that is stored.
        people: the names of those who have asked for it, by their ids.
        earlier: whether it ended before this server started.
        together: whether all chunks are solved at once (multi-diffusion).
        chunks: the fraction done of each chunk, 0 to 1; several may be in work.
        kept: the indices of the chunks that an earlier run had finished.
        spans_s: (start, stop) of each chunk in seconds.
        step: (evaluations done, evaluations in all), where chunks are solved together.
        tracks: the names of its tracks, once they are known.
        opened: the files to which its tracks are written while it runs.
        n_ready: the number of samples of its tracks that can be played.
        stopped: whether `opened` is what it had made when it was cancelled, which stays to be heard.
        result: the kept result, once it is done.
        cached: whether the result was kept already.
        download: the download that its run begins with, while that goes on.
        cancel: is set when the job is to stop.
        ended: is set when its tracks are kept, or will never be.
    """

    record: JobRecord
    earlier: bool = False
    together: bool = False
    backend: str = ""
    why: str = ""
    loading: ModelLoading | None = None
    chunks: list[float] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    spans_s: tuple[tuple[float, float], ...] = ()
    step: tuple[int, int] | None = None
    opened: TracksOpened | None = None
    n_ready: int = 0
    stopped: bool = False
    tracks: tuple[str, ...] = ()
    result: Result | None = None
    cached: bool = False
    download: Download | None = None
    started_s: float | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._reopened: TracksOpened | None = None  # the files of a later run, until they hold as much as `opened`
        self.people = dict(self.record.people)

    @property
    def id(self) -> str:
        """The job's identifier, unique on this server."""
        return self.record.id

    @property
    def state(self) -> State:
        """The state of the job, from its record."""
        return self.record.state

    @property
    def error(self) -> PlaygroundError | None:
        """What happened, why, and what to do, if it failed; else None."""
        record = self.record
        return None if record.error is None else PlaygroundError(*record.error, action=record.action)

    @property
    def over(self) -> bool:
        """Whether the job has ended; only a person can resume it."""
        return not self.record.unfinished

    @property
    def counted(self) -> JobRecord:
        """The record with the count of finished chunks."""
        return replace(self.record, n_done=sum(done == 1 for done in self.chunks), n_chunks=len(self.chunks))

    @property
    def partial(self) -> dict[str, PartialAudio]:
        """The playable part of each track by its name in addresses; empty before the first chunk."""
        if (opened := self.opened) is None or not self.n_ready:
            return {}
        return {
            track: PartialAudio(
                audio=path,
                peaks=opened.files[f"{track}.peaks"],
                n_ready=self.n_ready,
                n_expected=opened.n_expected,
                sample_rate=opened.sample_rate,
                n_channels=opened.n_channels,
            )
            for track, path in opened.files.items()
            if not track.endswith(".peaks")
        }

    @property
    def progress(self) -> float:
        """The fraction of the work that is done, 0 to 1."""
        return sum(self.chunks) / len(self.chunks) if self.chunks else 0.0

    @property
    def elapsed_s(self) -> float | None:
        """The seconds since its chunks were planned; None before."""
        return None if self.started_s is None or not self.chunks else time.monotonic() - self.started_s

    @property
    def remaining_s(self) -> float | None:
        """The expected seconds to the end, from the chunks computed so far; None before there are any."""
        if self.started_s is None or not self.chunks:
            return None
        computed = sum(done for index, done in enumerate(self.chunks) if index not in self.kept)
        if computed < 0.5:
            return None
        return (time.monotonic() - self.started_s) * (len(self.chunks) - sum(self.chunks)) / computed

    def begin(self, *, together: bool) -> None:
        """Reset the progress at the beginning of a run."""
        self.earlier, self.together, self.cached = False, together, False
        self.backend, self.why, self.loading, self.result = "", "", None, None
        self.chunks, self.kept, self.spans_s, self.step = [], set(), (), None
        if not self.stopped:
            self._open(None)
        self.ended.clear()
        self.started_s = time.monotonic()

    def note(self, event: Event) -> bool:
        """Update the job from an event; returns False if pages need not be redrawn."""
        match event:
            case BackendChosen():
                self.backend, self.why = event.backend, event.why
            case ModelLoading():
                self.loading = event
            case Planned():
                self.loading, self.spans_s, self.tracks = None, event.spans_s, event.stems
                if not self.stopped:
                    self._open(None)
                # There may be a second plan, with smaller settings, where memory was not enough for the first.
                self.chunks, self.kept, self.step = [0.0] * len(event.spans_s), set(), None
                self.started_s = time.monotonic()
            case SolverStep() if self.chunks:
                self._step(event)
            case ChunkStarted():
                self.chunks[event.index] = max(self.chunks[event.index], 0.01)
                if event.kept:
                    self.kept.add(event.index)
            case TracksOpened() if self.stopped and self.opened is not None and event.key == self.opened.key:
                self._reopened = event
            case TracksOpened():
                self._open(event)
            case ChunkFinished():
                self.chunks[event.index] = 1.0
                self._grow(event.start + next(iter(event.audio.values())).shape[-1])
            case Kept():
                self.cached, self.stopped = event.cached, False
                self.ended.set()
            case Warned():
                pass
            case _:
                return False
        return True

    def log_text(self, event: Event) -> str:
        """Return the log's text for an event that `note` has not seen yet; "" for none."""
        match event:
            case BackendChosen():
                return " ".join((event.why, *event.answers))
            case ModelLoading() if self.loading is None or self.loading.model != event.model:
                return f"Loading the model {event.model}."
            case Planned():
                n_chunks = len(event.spans_s)
                return f"{n_chunks} chunk{'s' * (n_chunks != 1)} to do, with {event.model} on {event.device}."
            case ChunkFinished() if event.index % (1 + (event.n_chunks - 1) // MAX_CHUNK_LINES) == 0:
                how = "was kept from an earlier run" if event.index in self.kept else "is done"
                return f"Chunk {event.index + 1} of {event.n_chunks} {how}."
            case Warned():
                return event.message if event.action is None else f"{event.message} {event.action.label}."
            case Kept(cached=True):
                return KEPT
            case _:
                return ""

    def put_away(self) -> None:
        """Forget what it had made when it was cancelled."""
        self._open(None)

    def _open(self, opened: TracksOpened | None) -> None:
        self.opened, self.n_ready, self.stopped, self._reopened = opened, 0, False, None

    def _grow(self, n_ready: int) -> None:
        """Note how many samples of this run can be played; what was heard of an earlier one never gets shorter."""
        if self._reopened is None:
            self.n_ready = n_ready
        elif n_ready >= self.n_ready:
            self._open(self._reopened)
            self.n_ready = n_ready

    def _step(self, event: SolverStep) -> None:
        # What follows the last evaluation (decoding, stitching) is part of the chunk.
        done = min(0.99, event.done / event.total)
        if self.together:
            self.step = (event.done, event.total)
            self.chunks = [max(before, 0.9 * done) for before in self.chunks]
            return
        index = self._in_work() if event.index is None else event.index
        if index is not None:
            self.chunks[index] = max(self.chunks[index], done)

    def _in_work(self) -> int | None:
        """Return the index of the first chunk that has begun and is not done."""
        return next((index for index, done in enumerate(self.chunks) if 0 < done < 1), None)
