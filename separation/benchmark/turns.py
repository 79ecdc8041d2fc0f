"""Timed work takes turns: of all programs with one data folder only one times at any moment."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

from separation.events import Event, StillRunning

Result = TypeVar("Result")
LOOK_S = 0.25


def in_turn(lock: Path, work: Generator[Event, None, Result]) -> Generator[Event, None, Result]:
    """Do work once no other program holds the lock, yielding events also while it waits; return what the work returns.

    The system releases the lock of a program that has ended, however it ended.

    Args:
        lock: the file to lock; made if it is not there.
        work: has not been started.
    """
    from filelock import FileLock, Timeout  # comes with huggingface_hub

    held = FileLock(lock)
    while True:
        try:
            held.acquire(timeout=0)
            break
        except Timeout:
            time.sleep(LOOK_S)
            yield StillRunning()
    try:
        return (yield from work)
    finally:
        held.release()
