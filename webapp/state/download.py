"""One model on its way to this computer: what pages show of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import Enum

from separation.events import ModelLoading
from separation.model import PublishedModel

WINDOW_S = 5.0  # over which the rate is measured


class DownloadState(Enum):
    """How a download stands. One that has come to its end is none any more: its model is on the disk."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"


class Download:
    """A model and what it needs, as one amount of bytes. Its thread notes what happens; pages read.

    Args:
        entry: the model.
        needed: what it needs and is not on this computer either.

    Attributes:
        state: how it stands.
        wanted: False once a person has paused it; its thread may take a moment to notice.
        error: what happened, why, and what to do, if it failed.
    """

    def __init__(self, entry: PublishedModel, needed: tuple[PublishedModel, ...] = ()) -> None:
        self.name = entry.name
        self.state = DownloadState.WAITING
        self.wanted = True
        self.error: tuple[str, str, str] | None = None
        # About what comes, until its server says how much it is.
        self._totals = {one.name: one.size_bytes for one in (entry, *needed)}
        self._done = {one.name: one.partial_bytes for one in (entry, *needed)}
        self._part = ""
        self._arrived_bytes = 0
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, event: ModelLoading) -> None:
        """Take over what its thread was told."""
        if not event.total_bytes:
            return
        part = event.model if event.model in self._totals else self.name
        if part == self._part:  # what was there when a part began did not arrive now
            self._arrived_bytes += max(0, event.done_bytes - self._done[part])
        self._part = part
        self._totals[part], self._done[part] = event.total_bytes, event.done_bytes

    def sample(self, now_s: float) -> None:
        """Look at the clock, a few times a second while it runs: the rate is known from these looks."""
        self._samples.append((now_s, self._arrived_bytes))
        while now_s - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()

    def rest(self) -> None:
        """Forget the rate: it stopped, and may go on at another time."""
        self._samples.clear()

    @property
    def over(self) -> bool:
        """Whether nothing comes of it unless a person asks again."""
        return self.state in (DownloadState.PAUSED, DownloadState.FAILED)

    @property
    def done_bytes(self) -> int:
        """What is here."""
        return sum(self._done.values())

    @property
    def total_bytes(self) -> int:
        """What it comes to, about until everything has begun."""
        return sum(_at_least(self._totals, self._done).values())

    @property
    def checking(self) -> bool:
        """Whether what arrived is being compared with its checksum."""
        return bool(self._part) and self._done[self._part] >= self._totals[self._part]

    @property
    def bytes_per_s(self) -> float | None:
        """Over the last seconds; None while that is not known, 0 where nothing arrives."""
        if len(self._samples) < 2:
            return None
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= WINDOW_S / 5 else None

    @property
    def remaining_s(self) -> float | None:
        """Until it is here, if nothing changes; None where that is not known."""
        rate = self.bytes_per_s
        return (self.total_bytes - self.done_bytes) / rate if rate else None


def _at_least(totals: Mapping[str, int], done: Mapping[str, int]) -> dict[str, int]:
    return {part: max(total, done[part]) for part, total in totals.items()}
