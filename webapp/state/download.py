"""The state of one model's download: bytes, rate, time left and error, which pages show."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import Enum

from separation.errors import PlaygroundError
from separation.events import ModelLoading
from separation.model import PublishedModel

WINDOW_S = 5.0  # seconds over which the rate is measured


class DownloadState(Enum):
    """The state of a download. A finished one has none: it is forgotten, since its model is on the disk."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"


class Download:
    """The download of a model and of the models it needs, as one amount of bytes. Its thread writes, pages read.

    Args:
        entry: the model.
        needed: the models it needs that are not on this computer either.

    Attributes:
        state: whether it waits, runs, is paused, or has failed.
        wanted: False once a person has paused it; its thread may take a moment to notice.
        error: what happened, why, and what to do, if it failed.
        changed: the repository that has changed since it was first fetched, if that is why; a person may accept it.
    """

    def __init__(self, entry: PublishedModel, needed: tuple[PublishedModel, ...] = ()) -> None:
        self.name = entry.name
        self.state = DownloadState.WAITING
        self.wanted = True
        self.error: PlaygroundError | None = None
        self.changed = ""
        # The catalogue's sizes are approximate; the server's replace them.
        self._totals = {one.name: one.size_bytes for one in (entry, *needed)}
        self._done = {one.name: 0 if one.damaged else one.partial_bytes for one in (entry, *needed)}
        self._part = ""
        self._arrived_bytes = 0
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, event: ModelLoading) -> None:
        """Update the bytes from an event of the download; called by its thread."""
        if not event.total_bytes:
            return
        part = event.model if event.model in self._totals else self.name
        if part == self._part:  # bytes that were there when a part began do not count for the rate
            self._arrived_bytes += max(0, event.done_bytes - self._done[part])
        self._part = part
        self._totals[part], self._done[part] = event.total_bytes, event.done_bytes

    def sample(self, now_s: float) -> None:
        """Record the bytes at time `now_s` for the rate; called a few times a second while the download runs."""
        self._samples.append((now_s, self._arrived_bytes))
        while now_s - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()

    def rest(self) -> None:
        """Forget the rate, because the download has stopped."""
        self._samples.clear()

    @property
    def over(self) -> bool:
        """Whether it has stopped until a person starts it again."""
        return self.state in (DownloadState.PAUSED, DownloadState.FAILED)

    @property
    def done_bytes(self) -> int:
        """The bytes that are on the disk."""
        return sum(self._done.values())

    @property
    def total_bytes(self) -> int:
        """The bytes of the whole download; approximate until every part of it has begun."""
        return sum(_at_least(self._totals, self._done).values())

    @property
    def checking(self) -> bool:
        """Whether a part is complete and is being compared with its checksum."""
        return bool(self._part) and self._done[self._part] >= self._totals[self._part]

    @property
    def bytes_per_s(self) -> float | None:
        """The rate over the last `WINDOW_S` seconds; None while it is unknown, 0 if nothing arrives."""
        if len(self._samples) < 2:
            return None
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= WINDOW_S / 5 else None

    @property
    def remaining_s(self) -> float | None:
        """The seconds until it is complete at the present rate; None while that is unknown."""
        rate = self.bytes_per_s
        return (self.total_bytes - self.done_bytes) / rate if rate else None


def _at_least(totals: Mapping[str, int], done: Mapping[str, int]) -> dict[str, int]:
    return {part: max(total, done[part]) for part, total in totals.items()}
