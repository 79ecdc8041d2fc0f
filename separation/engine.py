"""Where chunk work runs: here, or in a worker process of `dask.distributed`.

Work is a generator function: it yields events while it runs and returns its result. An engine relays the events and
hands over the result, so code written as `result = yield from engine.run(work, ...)` does not know where it ran.
Closing that generator cancels the work at its next event.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import uuid
from collections.abc import Callable, Generator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from separation import allocator, events
from separation.errors import PlaygroundError, SeparationError
from separation.events import Event, StillRunning

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

Result = TypeVar("Result")
Work = Callable[..., Generator[Event, None, Result]]

log = logging.getLogger(__name__)


class Engine(Protocol):
    """Runs work somewhere."""

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """Run `work(*arguments)`, relaying its events; returns what it returns, raises what it raises."""
        ...


class Inline:
    """Runs work in this process: the terminal's and the scripts' way."""

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """See `Engine.run`."""
        return (yield from work(*arguments))


class Cluster:
    """Runs work on Dask: an embedded cluster of one worker process, or a scheduler by address.

    The worker starts with the first piece of work and stays, its model warm. Native code that crashes or is killed for
    memory takes the worker down, never the caller; Dask starts another and the work is tried again (`RETRIES` times in
    the embedded cluster).

    Args:
        address: a Dask scheduler such as "tcp://10.0.0.5:8786"; None embeds a cluster bound to loopback.
    """

    RETRIES = 2
    HEARTBEAT_S = 0.25

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """See `Engine.run`."""
        client = self._connect()
        topic = f"run-{uuid.uuid4()}"
        inbox: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        client.subscribe_topic(topic, lambda stamped: inbox.put(_unpacked(stamped[1])))
        future = client.submit(_drain, topic, work, arguments, pure=False)
        future.add_done_callback(lambda _: inbox.put(None))
        try:
            while True:
                try:
                    event = inbox.get(timeout=self.HEARTBEAT_S)
                except queue.Empty:
                    event = StillRunning()
                if event is None:
                    break
                yield event
            result: Result = _result_of(future)
            return result
        finally:
            if client.status not in ("closing", "closed"):  # `close` has taken everything along
                if not future.done():
                    _cancel_event(topic, client).set()
                future.release()
                client.unsubscribe_topic(topic)

    def close(self) -> None:
        """Stop the embedded cluster (if there is one) and disconnect."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            if self._cluster is not None:
                self._cluster.close()
            self._client = self._cluster = None

    def _connect(self) -> Client:
        with self._lock:
            if self._client is None:
                self._cluster = None if self._address else _embedded_cluster()
                self._client = _client_of(self._address or self._cluster)
            return self._client


def _client_of(scheduler: str | LocalCluster | None) -> Client:
    from distributed import Client

    try:
        return Client(scheduler, set_as_default=False)
    except (OSError, ValueError) as failure:  # nobody answers there, or it is not an address
        raise SeparationError(
            f"There is no Dask scheduler at {scheduler}.",
            f"({failure})",
            "Start one with “dask scheduler” and give the address it prints, such as tcp://10.0.0.5:8786.",
        ) from failure


def _embedded_cluster() -> LocalCluster:
    import dask

    n_cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    dask.config.set(
        {
            "logging": {"distributed": "warning"},  # read when distributed is imported
            # Dask gives each worker one core's worth of threads, because it expects many; ours is alone.
            "distributed.nanny.pre-spawn-environ": {
                "OMP_NUM_THREADS": n_cores,
                "MKL_NUM_THREADS": n_cores,
                "OPENBLAS_NUM_THREADS": n_cores,
                **allocator.environment(),
            },
            "distributed.admin.large-graph-warning-threshold": "1GB",  # a chunk of audio is some 10 MB
            "distributed.scheduler.allowed-failures": Cluster.RETRIES,
            "distributed.worker.memory.terminate": False,  # the operating system decides; spilling audio helps nobody
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.target": False,
        }
    )
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # None would listen on every interface, on port 8787
        worker_dashboard_address="127.0.0.1:0",
        silence_logs=40,
    )


def _drain(topic: str, work: Work[Result], arguments: tuple[Any, ...]) -> Result:
    """On the worker: run the generator to its end, publishing each event, stopping early if told to."""
    from distributed import get_worker

    worker = get_worker()
    cancelled = _cancel_event(topic)
    steps = work(*arguments)
    while True:
        try:
            event = next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        worker.log_event(topic, _packed(event))
        if cancelled.is_set():
            steps.close()
            raise SeparationError("The work was cancelled.")


def _packed(event: Event) -> dict[str, Any]:
    """An event as Dask's messages can carry it: plain values."""
    return {"event": type(event).__name__, "values": asdict(event)}


def _unpacked(message: dict[str, Any]) -> Event:
    kind: type[Event] = getattr(events, message["event"])
    return kind(**message["values"])


def _cancel_event(topic: str, client: Client | None = None) -> Any:
    from distributed import Event as SharedFlag

    return SharedFlag(f"cancel-{topic}", client=client)


def _result_of(future: Any) -> Any:
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        if future.client.status in ("closing", "closed"):
            raise CancelledError
        return future.result()
    except PlaygroundError:
        raise
    except KilledWorker as killed:
        log.error("worker lost: %s", killed)
        raise SeparationError(
            "The process doing the separation died, also when tried again.",
            "Most often memory ran out.",
            "Choose shorter chunks or a smaller model; finished work was kept.",
        ) from killed
    except CancelledError as cancelled:
        raise SeparationError(
            "The work was stopped before it was done.",
            "The processes doing it were shut down or can no longer be reached.",
            "Start it again; finished work was kept.",
        ) from cancelled
