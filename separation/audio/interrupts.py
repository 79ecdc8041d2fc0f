"""Ctrl-C while C code calls back into Python: held back until it has returned.

An exception in a callback of cffi has nowhere to go. It is printed, with a traceback, and lost, and a program told to
stop goes on. libsndfile reads its files through such callbacks.
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
    """Signals that ask to stop take effect at the end of the context; other threads are never interrupted."""
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
        for told, frame in caught[:1]:
            usual[signal.Signals(told)](told, frame)
