"""A background thread that does pieces of work in order and can call functions on the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable

from separation.hardware import allocator

log = logging.getLogger(__name__)
Work = Callable[[], object]


class Runner:
    """Runs work that must not hold up pages, one piece after another, in a thread that exists only while there is work.

    The thread is a daemon, so that work that ignores `closing` does not keep the process from ending.

    Args:
        name: the name of the thread, for logs.
        returns_memory: whether what the work has freed is returned to the system once there is no more work.
    """

    def __init__(self, name: str, *, returns_memory: bool = False) -> None:
        self._name, self._returns_memory = name, returns_memory
        self._waiting: deque[Work] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._to_tell: dict[str, Callable[[], object] | None] = {}  # of each name told a moment ago: what is due next
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def closing(self) -> bool:
        """Whether the runner is closing; long work has to check this now and then, and stop."""
        return self._closing.is_set()

    def submit(self, work: Work) -> bool:
        """Queue `work` behind all work submitted before; from any thread. After `close`, do nothing and return False.

        An error that it raises is logged, and the work behind it is done all the same.
        """
        self._remember_loop()
        with self._lock:
            if self.closing:
                return False
            self._waiting.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return True

    def tell(self, call: Callable[[], object]) -> None:
        """Call `call` soon on the event loop that last submitted work; work reports its progress this way."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def tell_once(self, name: str, call: Callable[[], object], every_s: float) -> None:
        """Call the last `call` of this name soon, and at most once in `every_s` seconds; from the event loop.

        What is told first is called at once, so that nobody waits for news; what follows too soon is put off.
        """
        was_told = name in self._to_tell
        self._to_tell[name] = call
        if not was_told:
            asyncio.get_running_loop().call_soon(self._call_due, name, every_s)

    def _call_due(self, name: str, every_s: float) -> None:
        if (call := self._to_tell.pop(name)) is None:
            return
        self._to_tell[name] = None
        asyncio.get_running_loop().call_later(every_s, self._call_due, name, every_s)
        call()

    def close(self, wait_s: float = 0.0) -> bool:
        """Start no further work, and wait at most `wait_s` seconds for the current one; return whether it has ended."""
        with self._lock:
            self._closing.set()
            self._waiting.clear()
            thread = self._thread
        if thread is None:
            return True
        thread.join(wait_s)
        return not thread.is_alive()

    def _remember_loop(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # submitted by another thread, or before the server runs
            return

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:
                log.exception("the thread “%s” met an error nobody foresaw", self._name)
        if self._returns_memory:
            allocator.return_freed_memory()

    def _next(self) -> Work | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._thread = None
            return None
