"""Functions that wait for a server's jobs, or block them."""

from __future__ import annotations

import asyncio
import threading
import time

LONG_S = 240.0  # until a test gives up; nothing here takes a second on a free computer


def wait_until(condition):
    """As `until`, on another thread than that of the event loop."""
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


async def until(condition):
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


class Gate:
    """Stops the model before an evaluation until it is opened."""

    def __init__(self, backend):
        self.reached, self.opened = threading.Event(), threading.Event()
        backend.before_evaluation = self.wait

    def wait(self):
        self.reached.set()
        assert self.opened.wait(LONG_S)
