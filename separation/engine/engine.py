"""Where chunk work runs: in this process, or wherever `separation.engine.dask` sends it.

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
    """A piece of work to be done.

    Args:
        work: called with `arguments`; imported by its name where it runs, so a function of a module.
        arguments: plain values and arrays.
        device: "cpu", "cuda" or "mps" if it has to run there; "auto" leaves it to whoever has room.
        priority: where several wait for one worker, the highest goes first.
    """

    work: Work[Result]
    arguments: tuple[Any, ...]
    device: str = "auto"
    priority: int = 0


class Task(Protocol[Answer]):
    """A call that was started."""

    def follow(self) -> Generator[Event, None, Answer]:
        """Events until it is over; returns what the work returns, raises what it raises."""
        ...

    def news(self) -> Iterator[Event]:
        """Events that are there by now; never waits."""
        ...

    def close(self, patience_s: float = 0.0) -> None:
        """Cancel it at its next event, if it is not over, and wait until it has cleaned up, at most so long."""
        ...


class Engine(Protocol):
    """Runs work somewhere."""

    def width(self, device: str) -> int:
        """How many calls for `device` are worth having started at once; at least 1."""
        ...

    def start(self, call: Call[Result]) -> Task[Result]:
        """Have it done; returns at once."""
        ...

    def run(self, work: Work[Result], *arguments: Any) -> Generator[Event, None, Result]:
        """Run `work(*arguments)`, relaying its events; returns what it returns, raises what it raises."""
        ...


class Inline:
    """Runs work in this process, when it is followed: the terminal's and the scripts' way."""

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
    """Calls for one device whose results are wanted in their order, several at work at once where there is room."""

    def __init__(self, engine: Engine, device: str) -> None:
        self._engine, self._device = engine, device
        self._started: deque[Task[Result]] = deque()

    @property
    def width(self) -> int:
        """How many calls may be at work at once."""
        return self._engine.width(self._device)

    def fill(self, calls: Iterator[Call[Result]]) -> None:
        """Start calls as long as there is room; no more of them are read, so what they hold need not fit in memory."""
        for call in islice(calls, max(0, self.width - len(self._started))):
            self._started.append(self._engine.start(call))

    def next(self) -> Generator[Event, None, Result]:
        """The result of the earliest call, reporting what happens in all that were started."""
        with closing(EventStream(self._started[0].follow())) as events:
            for event in events:
                yield event
                for later in islice(self._started, 1, None):
                    yield from later.news()
            self._started.popleft().close()
            return events.result

    def close(self) -> None:
        """Cancel what was started and is not over."""
        while self._started:
            self._started.popleft().close()
