"""How fast the last download was, so that the next one's time can be told before it begins."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator

from separation.errors import FileError
from separation.events import Event, ModelLoading
from separation.hub import remembered

MEMORY = "line.json"
ENOUGH_BYTES = 1_000_000  # fewer say more about the server's answer than about the line

log = logging.getLogger(__name__)


def bytes_per_s() -> float | None:
    """Return the speed of the last download of some size; None before the first."""
    speed = remembered.recall(MEMORY).get("bytes_per_s")
    return float(speed) if isinstance(speed, int | float) and speed > 0 else None


def measured(events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """Pass on the events of a download, and remember how fast its bytes arrived."""
    arrived, busy_s, before, before_s = 0, 0.0, None, time.monotonic()
    for event in events:
        if isinstance(event, ModelLoading) and event.total_bytes:
            now_s = time.monotonic()
            if before is not None and event.done_bytes > before:  # what was here before counts for nothing
                arrived += event.done_bytes - before
                busy_s += now_s - before_s
            before, before_s = event.done_bytes, now_s
        yield event
    if arrived >= ENOUGH_BYTES and busy_s > 0:
        try:
            remembered.remember(MEMORY, {"bytes_per_s": arrived / busy_s})
        except (OSError, FileError) as failure:  # then the next download's time is not told
            log.info("the speed of a download cannot be remembered: %s", failure)
