"""Runs the same work on many files, one or several at once; a failure of one does not stop the rest."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, TypeVar

from separation.engine.engine import Call, Engine
from separation.errors import PlaygroundError, SeparationError, WorkerDied, unforeseen
from separation.events import Event, EventStream

File = TypeVar("File")
Result = TypeVar("Result")

PATIENCE_S = 10.0  # for cancelled work to clean up, which usually takes milliseconds

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[File, Result]):
    """The outcome of one file: a result, or the error that says why there is none."""

    file: File
    result: Result | None = None
    error: PlaygroundError | None = None


def run(
    files: Sequence[File],
    work: Callable[[File], Generator[Event, None, Result]],
    engine: Engine,
    jobs: int = 1,
    *,
    started: Callable[[File], None] = lambda file: None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Generator[Outcome[File, Result], None, None]:
    """Do `work` on every file; yield the outcomes in the order of the files, each as soon as possible.

    An exception of `work` is that file's outcome, and so is the death of the process that worked on it. Closing the
    iterator, or an interrupt, starts nothing more and cancels what is at work at its next event; work that has not
    cleaned up after `PATIENCE_S` is left to the engine.

    Args:
        files: what `work` takes, one at a time.
        work: what is done; where the engine has processes, it, the files and the results have to survive pickling.
        engine: where it is done.
        jobs: files at work at once: with one, all is done by the caller's thread.
        started: called with each file when work on it begins; with several jobs by their threads.
        on_event: called with each event of the work, in the same threads.
    """
    stop = threading.Event()

    def outcome(file: File) -> Outcome[File, Result] | None:
        return None if stop.is_set() else _outcome(file, work, engine, stop, started, on_event)

    if jobs == 1:
        yield from filter(None, map(outcome, files))
        return
    threads = ThreadPoolExecutor(jobs, thread_name_prefix="batch")
    try:
        waiting = deque(threads.submit(outcome, file) for file in files)
        while waiting:
            if (over := waiting.popleft().result()) is not None:
                yield over
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)


def _outcome(
    file: File,
    work: Callable[[File], Generator[Event, None, Result]],
    engine: Engine,
    stop: threading.Event,
    started: Callable[[File], None],
    on_event: Callable[[Event], None],
) -> Outcome[File, Result] | None:
    """Run the work on one file; return None if it was cancelled."""
    started(file)
    task = engine.start(Call(_guarded, (work, file)))
    try:
        with closing(EventStream(task.follow())) as events:
            for event in events:
                on_event(event)
                if stop.is_set():
                    return None
            return events.result
    except WorkerDied:
        died = SeparationError(
            "The process working on this file died, also when tried again.",
            "Most often memory ran out.",
            "Run fewer jobs at once, or choose a smaller model.",
        )
        return Outcome(file, error=died)
    except Exception as error:  # of the engine: what `work` raises comes as an outcome
        return _failed(file, error)
    finally:
        task.close(PATIENCE_S)


def _guarded(
    work: Callable[[File], Generator[Event, None, Result]], file: File
) -> Generator[Event, None, Outcome[File, Result]]:
    """Run the work where the engine does; return its outcome, with errors logged there with their traceback."""
    try:
        return Outcome(file, (yield from work(file)))
    except Exception as error:
        return _failed(file, error)


def _failed(file: File, error: Exception) -> Outcome[File, Result]:
    if isinstance(error, PlaygroundError):
        log.debug("traceback", exc_info=error)
        return Outcome(file, error=error)
    log.error("%s met an error nobody foresaw", file, exc_info=error)
    return Outcome(file, error=unforeseen("separation", error, "Try another backend or setting"))
