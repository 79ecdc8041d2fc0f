"""The `Engine` protocol, which runs chunk work somewhere, and `Inline`, which runs it in this process.

Work is a generator function: it yields events while it runs and returns its result. An engine relays the events and
hands over the result, so code written as `result = yield from engine.run(work, ...)` does not know where it ran.
Closing that generator cancels the work at its next event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from separation.events import Event, EventStream

Result = TypeVar("Result")
Answer = TypeVar("Answer", covariant=True)
Work = Callable[..., Generator[Event, None, Result]]


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One call of a work function, to be run by an engine.

    Args:
        work: called with `arguments`; imported by its name where it runs, so it is a module's function.
        arguments: plain values and arrays.
        device: "cpu", "cuda" or "mps" if it has to run there; "auto" takes any free worker.
        priority: of calls that wait for one worker, the highest goes first.
    """

    work: Work[Result]
    arguments: tuple[Any, ...]
    device: str = "auto"
    priority: int = 0


class Task(Protocol[Answer]):
    """A call that was started."""

    def follow(self) -> Generator[Event, None, Answer]:
        """Yield events until the call is over; return what the work returns, raise what it raises."""
        ...

    def news(self) -> Iterator[Event]:
        """Yield the events that have arrived; never wait."""
        ...

    def close(self, patience_s: float = 0.0) -> None:
        """Cancel the call at its next event, unless it is over, and wait at most `patience_s` for its clean-up."""
        ...


class Engine(Protocol):
    """Runs calls, in this process or elsewhere."""

    def prepare(self, first: Call[object] | None = None) -> None:
        """Start in the background what calls need, so that they need not wait for it; return at once.

        Args:
            first: is run once the first worker is there, for what it leaves in that process; nobody learns of its end.
        """
        ...

    def width(self, device: str) -> int:
        """Return how many calls for `device` are worth starting at once; at least 1."""
        ...

    def start(self, call: Call[Result]) -> Task[Result]:
        """Start the call and return at once."""
        ...

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """Run `work(*arguments)`, relaying its events; return what it returns, raise what it raises."""
        ...


class Inline:
    """Runs work in this process, while it is followed; for the terminal and scripts."""

    def prepare(self, first: Call[object] | None = None) -> None:
        """See `Engine.prepare`: calls need nothing here, and this process is not to load what may not be asked for."""

    def width(self, device: str) -> int:
        """See `Engine.width`."""
        return 1

    def start(self, call: Call[Result]) -> Task[Result]:
        """See `Engine.start`."""
        return _InlineTask(call)

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """See `Engine.run`."""
        return (yield from work(*arguments))


class _InlineTask(Generic[Result]):
    def __init__(self, call: Call[Result]) -> None:
        self._steps = call.work(*call.arguments)

    def follow(self) -> Generator[Event, None, Result]:
        return (yield from self._steps)

    def news(self) -> Iterator[Event]:
        return iter(())

    def close(self, patience_s: float = 0.0) -> None:
        self._steps.close()


class Ahead(Generic[Result]):
    """Runs calls for one device, several at once where there is room, and returns their results in order."""

    def __init__(self, engine: Engine, device: str) -> None:
        self._engine, self._device = engine, device
        self._started: deque[Task[Result]] = deque()

    @property
    def width(self) -> int:
        """Return how many calls may run at once."""
        return self._engine.width(self._device)

    def fill(self, calls: Iterator[Call[Result]]) -> None:
        """Start calls while there is room; no further ones are read, so their arguments need not all fit in memory."""
        for call in islice(calls, max(0, self.width - len(self._started))):
            self._started.append(self._engine.start(call))

    def next(self) -> Generator[Event, None, Result]:
        """Return the result of the earliest call, yielding the events of all started calls meanwhile."""
        with closing(EventStream(self._started[0].follow())) as events:
            for event in events:
                yield event
                for later in islice(self._started, 1, None):
                    yield from later.news()
            self._started.popleft().close()
            return events.result

    def close(self) -> None:
        """Cancel the started calls that are not over."""
        while self._started:
            self._started.popleft().close()
