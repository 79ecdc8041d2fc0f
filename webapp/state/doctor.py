"""The self-test of every backend that can run, one after another, in the engine's worker; seen alike by every page."""

from __future__ import annotations

import logging
from contextlib import closing
from functools import partial

from nicegui import Event as PageEvent

from separation.backends import registry
from separation.doctor.self_test import Passed, model_here, self_test
from separation.engine.engine import Engine
from separation.errors import PlaygroundError, SeparationError, unforeseen
from separation.events import EventStream
from separation.model import Backend
from webapp.state.queue.jobs import Jobs
from webapp.state.runner import Runner

log = logging.getLogger(__name__)


class Doctor:
    """Runs the self-tests of the backends when a person starts them.

    Attributes:
        changed: is emitted when a test began or ended.
        verdicts: by backend, the time and memory of a passed test, or the error of a failed one.
        testing: the backend that is being tested, None between tests.
    """

    def __init__(self, engine: Engine, jobs: Jobs) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self.verdicts: dict[str, Passed | PlaygroundError] = {}
        self.testing: str | None = None
        self._engine, self._jobs = engine, jobs
        self._runner = Runner("doctor")
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether tests are running."""
        return self._busy

    def run(self) -> None:
        """Test every backend that can run now; do nothing if tests are running already.

        Raises:
            SeparationError: a separation is running, whose model a test would remove from memory.
        """
        if self.busy:
            return
        if self._jobs.running is not None:
            raise SeparationError(
                "The self-test has to wait.",
                "A separation is running, and the test would take its model out of memory.",
                "Run it again when the queue is empty or paused.",
            )
        self.verdicts = {}
        self._busy = self._runner.submit(self._work)
        self.changed.emit()

    def close(self) -> None:
        """Stop at the next event of the running test."""
        self._runner.close()

    # in the doctor's thread

    def _work(self) -> None:
        try:
            for backend in [one for one in registry.BACKENDS.values() if model_here(one) is not None]:
                if self._runner.closing:
                    return
                self._runner.tell(partial(self._begin, backend.name))
                self._runner.tell(partial(self._end, backend.name, self._tested(backend)))
        finally:
            self._runner.tell(self._over)

    def _tested(self, backend: Backend) -> Passed | PlaygroundError:
        try:
            with closing(EventStream(self_test(backend, self._engine))) as run:
                for _ in run:
                    if self._runner.closing:
                        return SeparationError("The server was stopped.")
                return run.result
        except PlaygroundError as failure:
            return failure
        except Exception as failure:
            log.exception("the self-test of %s met an error nobody foresaw", backend.name)
            return unforeseen("self-test", failure)

    # on the event loop

    def _begin(self, name: str) -> None:
        self.testing = name
        self.changed.emit()

    def _end(self, name: str, verdict: Passed | PlaygroundError) -> None:
        self.verdicts[name], self.testing = verdict, None
        self.changed.emit()

    def _over(self) -> None:
        self._busy = False
        self.changed.emit()
