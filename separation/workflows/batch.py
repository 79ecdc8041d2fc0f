"""Many files, one after the other or several at once: each ends in an outcome, and no failure stops the rest."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NoReturn, TypeVar

from separation.errors import PlaygroundError, SeparationError

File = TypeVar("File")
Result = TypeVar("Result")

PATIENCE_S = 10.0  # for a worker told to stop; what it has in the making is cleaned up within milliseconds, as a rule
THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[File, Result]):
    """What became of one file: a result, or the error that says why there is none."""

    file: File
    result: Result | None = None
    error: PlaygroundError | None = None


def run(
    files: Sequence[File],
    work: Callable[[File], Result],
    jobs: int = 1,
    *,
    started: Callable[[File], None] = lambda file: None,
) -> Generator[Outcome[File, Result], None, None]:
    """Do `work` on every file; the outcomes come in the order of the files, each as soon as those before it are out.

    An exception of `work` is that file's outcome, and so is the death of the process that worked on it. Closing the
    iterator, or an interrupt, stops what is running with a `KeyboardInterrupt` and starts nothing more.

    Args:
        files: what `work` takes, one at a time.
        work: what is done; with several jobs it, the files and the results have to survive pickling.
        jobs: files worked on at once: 1 in this process, more in as many processes that last for the whole run.
        started: called with each file when work on it begins.
    """
    if jobs == 1:
        for file in files:
            started(file)
            yield _outcome(work, file)
    else:
        yield from _in_processes(files, work, jobs, started)


def _in_processes(
    files: Sequence[File], work: Callable[[File], Result], jobs: int, started: Callable[[File], None]
) -> Generator[Outcome[File, Result], None, None]:
    outcomes: dict[int, Outcome[File, Result]] = {}  # those whose turn has not come
    numbered = enumerate(files)
    workers: list[_Worker] = []
    turn = 0
    try:
        for _ in range(min(jobs, len(files))):
            workers.append(_Worker(work, max(1, _n_cores() // jobs)))
        idle = list(workers)
        while turn < len(files):
            while idle and (following := next(numbered, None)) is not None:
                started(following[1])
                idle.pop().give(*following)
            pipes = {worker.pipe: worker for worker in workers if worker.busy}
            for pipe in wait(list(pipes)):
                worker = pipes[pipe]  # type: ignore[index]  # `wait` is typed for whatever can be waited for
                outcomes[worker.number] = worker.outcome()
                if worker.died:
                    workers.remove(worker)
                    worker = _Worker(work, max(1, _n_cores() // jobs))
                    workers.append(worker)
                idle.append(worker)
            while turn in outcomes:
                yield outcomes.pop(turn)
                turn += 1
    finally:
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.end()


class _Worker:
    """A process that works on one file at a time, and stays, its model warm."""

    def __init__(self, work: Callable[[Any], Any], n_threads: int) -> None:
        self.busy = self.died = False
        self.number, self._file = -1, None
        # Not forked: a fork takes along the threads' locks and none of the threads.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, n_threads), daemon=True)
        with _deaf_to_interrupts():
            self._process.start()
        theirs.close()  # so that the pipe ends when the process does

    def give(self, number: int, file: Any) -> None:
        """Let it work on a file."""
        self.busy, self.number, self._file = True, number, file
        with suppress(ConnectionError):  # it is dead already, which `outcome` finds out
            self.pipe.send(file)

    def outcome(self) -> Outcome[Any, Any]:
        """What became of the file; waits for it."""
        self.busy = False
        try:
            outcome: Outcome[Any, Any] = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.died = True
            self.end()
            died = SeparationError(
                "The process working on this file died.",
                f"Its exit status is {self._process.exitcode}; most often memory ran out.",
                "Run fewer jobs at once, or choose a smaller model.",
            )
            return Outcome(self._file, error=died)
        return outcome

    def dismiss(self) -> None:
        """Tell it to go; work on a file is broken off."""
        if self.busy:
            self._process.terminate()
        self.pipe.close()

    def end(self) -> None:
        """Wait until it is gone, by force if need be."""
        self._process.join(PATIENCE_S)
        if self._process.is_alive():
            log.warning("a worker process did not stop within %g s and is killed", PATIENCE_S)
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, work: Callable[[Any], Any], n_threads: int) -> None:
    """In the worker: answer each file that arrives with its outcome, until the pipe closes."""
    for name in THREAD_COUNTS:  # read when NumPy and torch are imported, which is later
        os.environ.setdefault(name, str(n_threads))
    with suppress(EOFError, ConnectionError, KeyboardInterrupt):
        while True:
            file = pipe.recv()
            signal.signal(signal.SIGTERM, _interrupt)
            try:
                outcome = _outcome(work, file)
            finally:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            pipe.send(outcome)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # told twice, it would break off its own cleaning up
    raise KeyboardInterrupt


def _outcome(work: Callable[[File], Result], file: File) -> Outcome[File, Result]:
    try:
        return Outcome(file, work(file))
    except PlaygroundError as error:
        log.debug("traceback", exc_info=error)
        return Outcome(file, error=error)
    except Exception as error:
        log.exception("%s met an error nobody foresaw", file)
        unforeseen = SeparationError(
            "The separation stopped because of an error in this program.",
            f"{type(error).__name__}: {error}",
            "The log has the details. Try another backend or setting, and please report it.",
        )
        return Outcome(file, error=unforeseen)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started meanwhile ignore the terminal's Ctrl-C, which reaches all: who started them stops them once."""
    if threading.current_thread() is not threading.main_thread():  # only the main one may change it
        yield
        return
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
