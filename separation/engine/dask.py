"""The engine on `dask.distributed`: it runs work in worker processes of this computer, or of any Dask scheduler.

Dask decides order, priority and devices: a call waits for a worker that has its device as a resource, and the resource
"model", of which every worker has one, so that a device never runs two models at once.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
import queue
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from separation import events
from separation.engine import embedded
from separation.engine.engine import Call, Task, Work
from separation.engine.scheduler import FAMILIES, answering, client_of, fitting, resources, resources_for
from separation.engine.tls import Tls
from separation.errors import Action, PlaygroundError, SeparationError, WorkerDied
from separation.events import Event, EventStream, StillRunning, Warned, WorkerRestarted
from separation.request import DEVICES

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

Result = TypeVar("Result")

HEARTBEAT_S = 0.25
PREPARE_AFTER_S = 0.1
WAIT_FOR_WORKER_S = 10.0  # before a warning that no worker can take the call

log = logging.getLogger(__name__)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="audio-playground-dask-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Cluster:
    """An engine that runs work on Dask: an embedded cluster of worker processes, or a scheduler by address.

    The workers start with the first piece of work and stay, their models warm. Native code that crashes or is killed
    for memory takes a worker down, never the caller; Dask starts another and the call is tried again, which is
    reported.

    Args:
        address: a Dask scheduler such as "tcp://10.0.0.5:8786" or "tls://…"; None embeds a cluster bound to loopback.
        tls: for a scheduler that asks for it.
        n_workers: of an embedded cluster, sharing the cores of this computer.
        niceness: by how much an embedded cluster's workers give way to other processes.
        scratch: makes the folder for an embedded cluster's own files, such as `storage.ArtifactStore.scratch`, which
            a sweep deletes after a crash; by default it lies in the system's temporary folder.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        tls: Tls | None = None,
        n_workers: int = 1,
        niceness: int = embedded.NICENESS,
        scratch: Callable[[], AbstractContextManager[Path]] = _temporary_folder,
    ) -> None:
        self._address, self._tls = address, tls
        self._n_workers, self._niceness = n_workers, niceness
        self._lock = threading.Lock()
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None
        self._preparation: threading.Timer | None = None
        self._scratch, self._folder = scratch, ExitStack()
        self._topic = f"audio-playground-{uuid.uuid4()}"  # one for all calls: a scheduler keeps each topic for ever
        self._inboxes: dict[str, _Inbox] = {}

    @property
    def address(self) -> str:
        """Return the scheduler's address, such as "tls://127.0.0.1:41234"; starts an embedded cluster if needed."""
        with answering():
            return str(self._connect().scheduler_info()["address"])

    def prepare(self, first: Call[object] | None = None) -> None:
        """See `Engine.prepare`: the workers of an embedded cluster are started, which takes a second of computing.

        That begins a moment later, when the page that asked for it has been drawn.
        """
        if self._address is None and self._client is None and self._preparation is None:
            self._preparation = threading.Timer(PREPARE_AFTER_S, self._prepare, [first])
            self._preparation.daemon = True
            self._preparation.start()

    def _prepare(self, first: Call[object] | None) -> None:
        try:
            client = self._connect()
            if first is not None:
                from distributed import fire_and_forget

                fire_and_forget(self._submit(client, uuid.uuid4().hex, first))
        except Exception as error:  # the first call meets it too, and says so; the program may just be ending
            log.info("the workers could not be prepared: %s", error)

    def width(self, device: str) -> int:
        """Return one more than the number of workers, so that none idles while the caller handles a result."""
        with answering():
            return 1 + max(1, len(fitting(self._connect(), device)))

    def start(self, call: Call[Result]) -> Task[Result]:
        """See `Engine.start`."""
        client, name = self._connect(), uuid.uuid4().hex
        inbox: _Inbox = queue.SimpleQueue()
        self._inboxes[name] = inbox
        with answering():
            future = self._submit(client, name, call)
            # Brought here as soon as it is there: what only a worker has is lost with it.
            loop: Any = client.loop  # Tornado's, around asyncio's
            result = asyncio.run_coroutine_threadsafe(_brought(client, future), loop.asyncio_loop)
        result.add_done_callback(lambda _: inbox.put(None))
        return _ClusterTask(self, client, call.device, name, future, result, inbox)

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """See `Engine.run`."""
        task = self.start(Call(work, arguments))
        try:
            return (yield from task.follow())
        finally:
            task.close()

    def close(self) -> None:
        """Stop the embedded cluster (if there is one, or one is about to start) and disconnect."""
        if (preparation := self._preparation) is not None:
            preparation.cancel()
            preparation.join()
            self._preparation = None
        with self._lock:
            if self._client is not None:
                self._client.close()
            if self._cluster is not None:
                self._cluster.close()
            self._folder.close()
            self._client = self._cluster = None

    def forget(self, name: str) -> None:
        """Drop the inbox of a call that is over."""
        self._inboxes.pop(name, None)

    def _submit(self, client: Client, name: str, call: Call[Any]) -> Any:
        return client.submit(
            _drain,
            self._topic,
            name,
            call.work,
            call.arguments,
            key=f"{call.work.__name__}-{name}",
            pure=False,
            resources=resources_for(call.device),
            priority=call.priority,
        )

    def _connect(self) -> Client:
        with self._lock:
            if self._address and self._client is not None and self._client.status in ("closing", "closed"):
                self._client = None  # its scheduler was gone, and may be back
            if self._client is None:
                self._cluster = None if self._address else self._embedded()
                self._client = client_of(self._address or self._cluster, self._tls)
                self._client.subscribe_topic(self._topic, self._sort)
                # The objects that importing Dask created are never garbage; scanning them stops a server for 60 ms.
                gc.freeze()
            return self._client

    def _embedded(self) -> LocalCluster:
        has = resources(DEVICES[1:])  # every worker of this computer may use all of its devices
        folder = self._folder.enter_context(self._scratch())
        return embedded.cluster(str(folder), has, n_workers=self._n_workers, niceness=self._niceness)

    def _sort(self, stamped: tuple[float, Mapping[str, Any]]) -> None:
        """Put a worker's message into the inbox of its call."""
        message = stamped[1]
        if (inbox := self._inboxes.get(message["call"])) is not None:
            inbox.put(message)


_Inbox = queue.SimpleQueue[Mapping[str, Any] | None]  # a worker's events; None when the call is over


class _ClusterTask(Generic[Result]):
    """A call on the cluster."""

    def __init__(
        self,
        cluster: Cluster,
        client: Client,
        device: str,
        name: str,
        future: Any,
        result: concurrent.futures.Future[Result | _Cancelled],
        inbox: _Inbox,
    ) -> None:
        self._cluster, self._client, self._device, self._name = cluster, client, device, name
        self._future, self._result, self._inbox = future, result, inbox
        self._n_attempts = 0
        self._over = self._has_warned = False
        self._since_s = time.monotonic()

    def follow(self) -> Generator[Event, None, Result]:
        """See `Task.follow`."""
        while not self._over:
            try:
                message = self._inbox.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                yield from self._heartbeat()
            else:
                yield from self._events_in(message)
        return _result_of(self._result)

    def news(self) -> Iterator[Event]:
        """See `Task.news`."""
        while not self._inbox.empty():
            yield from self._events_in(self._inbox.get())

    def close(self, patience_s: float = 0.0) -> None:
        """See `Task.close`."""
        from distributed import Event as SharedFlag

        if self._client.status not in ("closing", "closed"):  # closing the cluster has ended the call too
            if not self._future.done():
                with suppress(*FAMILIES):  # without a scheduler there is nobody to be told
                    SharedFlag(_cancel_name(self._name), self._client).set()
                if patience_s and self._n_attempts:
                    concurrent.futures.wait([self._result], patience_s)
            self._future.release()
        self._cluster.forget(self._name)

    def _events_in(self, message: Mapping[str, Any] | None) -> Iterator[Event]:
        if message is None:
            self._over = True
        elif message["event"] is None:
            self._n_attempts += 1
            if self._n_attempts > 1:
                yield WorkerRestarted(
                    message="The process doing the separation died, most often because memory ran out. "
                    f"What it was doing is tried again (attempt {self._n_attempts})."
                )
        else:
            yield _unpacked(message)

    def _heartbeat(self) -> Iterator[Event]:
        if self._client.status in ("closing", "closed"):
            self._over = True
            self._result.cancel()
            return
        yield StillRunning()
        if self._n_attempts or self._has_warned or time.monotonic() - self._since_s < WAIT_FOR_WORKER_S:
            return
        with answering():
            address = "" if fitting(self._client, self._device) else self._client.scheduler_info()["address"]
        if address:
            self._has_warned = True
            where = "" if self._device == "auto" else f" with the device {self._device}"
            yield Warned(
                message=f"No worker{where} is there to do this; it is waited for.",
                action=Action.start_worker(address),
            )


class _Cancelled:
    """The result of a cancelled call; if the call raised an error instead, Dask would log a failure."""


def _drain(topic: str, name: str, work: Work[Result], arguments: tuple[Any, ...]) -> Result | _Cancelled:
    """Run the generator on the worker to its end, publishing each event; stop early if the call was cancelled."""
    from distributed import get_worker
    from distributed.utils import sync

    def cancelled() -> bool:
        # Asked as a worker: `distributed.Event` makes a client in every worker, and each complains when it ends.
        return bool(sync(worker.loop, worker.scheduler.event_is_set, name=_cancel_name(name)))

    worker = get_worker()
    worker.log_event(topic, {"call": name, "event": None})
    with closing(EventStream(work(*arguments))) as stream:
        for event in stream:
            worker.log_event(topic, {"call": name, "event": type(event).__name__, "values": asdict(event)})
            if cancelled():
                return _Cancelled()
        return stream.result


def _unpacked(message: Mapping[str, Any]) -> Event:
    kind: type[Event] = getattr(events, message["event"])
    return kind(**message["values"])


def _cancel_name(call: str) -> str:
    return f"cancel-{call}"


async def _brought(client: Client, future: Any) -> Any:
    return await client.gather(future, asynchronous=True)


def _result_of(done: concurrent.futures.Future[Result | _Cancelled]) -> Result:
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        result = done.result()
        if isinstance(result, _Cancelled):
            raise SeparationError("The work was cancelled.")
        return result
    except PlaygroundError:
        raise
    except KilledWorker as killed:
        log.error("worker lost: %s", killed)
        raise WorkerDied(
            "The process doing the separation died, also when tried again.",
            "Most often memory ran out.",
            "Choose shorter chunks or a smaller model; finished work was kept.",
        ) from killed
    except (CancelledError, concurrent.futures.CancelledError) as cancelled:
        raise SeparationError(
            "The work was stopped before it was done.",
            "The processes doing it were shut down or can no longer be reached.",
            "Start it again; finished work was kept.",
        ) from cancelled
