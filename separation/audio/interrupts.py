"""Delays Ctrl-C while C code calls back into Python, until the C code has returned.

cffi cannot pass on an exception that is raised in a callback: it prints the traceback and drops it, so the program goes
on although it was interrupted. libsndfile reads its files through such callbacks.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delay signals that ask to stop to the end of the context; only the main thread is ever interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    usual = {number: handler for number in STOPPING if callable(handler := signal.getsignal(number))}
    try:
        for number in usual:
            signal.signal(number, lambda number, frame: caught.append((number, frame)))
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for received, frame in caught[:1]:
            usual[signal.Signals(received)](received, frame)
