"""How busy other programs keep this computer, so that a measured time can be trusted or taken again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

BUSY_CORES = 0.3  # more than an open page takes, less than half of what one working program takes
# The system counts in hundredths of a second, ours and all: of runs of 0.02 s the others' cores were off by up to 0.7.
COUNTED_S = 0.02


class OtherPrograms:
    """Watches from now on what processes other than this one and its descendants compute."""

    def __init__(self) -> None:
        self._started_s, self._busy_s, self._own_s = time.monotonic(), _busy_s(), _own_s()

    def cores(self) -> float:
        """Return how many cores they have kept busy on average since it was made; at least 0."""
        passed_s = max(time.monotonic() - self._started_s, 1e-3)
        return max(0.0, (_busy_s() - self._busy_s) - (_own_s() - self._own_s) - COUNTED_S) / passed_s


def _busy_s() -> float:
    """Return the seconds that all cores together have computed since this computer was started."""
    times = psutil.cpu_times()
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # are in “user” and “nice” too
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - guests)


def _own_s() -> float:
    """Return the seconds that this process, its descendants, and those of them that have ended have computed."""
    return sum(map(_process_s, _family()))


def _family() -> Iterator[psutil.Process]:
    own = psutil.Process()
    yield own
    yield from own.children(recursive=True)


def _process_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # it has ended meanwhile
        return 0.0
    ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + ended)
