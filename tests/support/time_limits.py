"""Every test ends: it fails at its time limit, and where even that is not heeded the whole run ends and says where.

`timeout` in pyproject.toml is the limit. It interrupts the main thread, whatever that waits for: a lock, a process, an
event loop. The test fails and the next one runs. What cannot be interrupted so is a tear-down that waits for the same
deaf worker, native code, and a thread that keeps Python from ending; for these there is a second limit, some seconds
later, which prints the stacks of all threads and ends the process.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

LONG = ("browser", "cluster")  # real browsers and clusters start slowly on a busy machine
LONG_LIMIT_S = 900
_STDERR = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "timeout_grace", "seconds after its limit at which a test that has not ended ends the run", default="60"
    )


def pytest_configure(config: pytest.Config) -> None:
    # Nothing is captured yet; later, what goes to the usual one is lost with the process.
    config.stash[_STDERR] = os.dup(2)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(config.rootpath) if item.path.is_relative_to(config.rootpath) else Path()
        if place.parts[1:2] and place.parts[1] in LONG and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONG_LIMIT_S))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if (limit_s := _limit_s(item.config, item.get_closest_marker("timeout"))) > 0:
        _end_after(item.config, limit_s)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_unconfigure(config: pytest.Config) -> None:
    """All is reported; what is left is Python waiting for threads."""
    if _limit_s(config) > 0:
        _end_after(config, 0)


def pytest_enter_pdb() -> None:
    """A person takes as long as they like."""
    faulthandler.cancel_dump_traceback_later()


def _limit_s(config: pytest.Config, marker: pytest.Mark | None = None) -> float:
    """What pytest-timeout goes by: the test's own limit, else the command line's, else the project's; 0 is none."""
    typed = config.getoption("timeout", None)
    return float(marker.args[0] if marker else config.getini("timeout") if typed is None else typed)


def _end_after(config: pytest.Config, limit_s: float) -> None:
    """End this process the grace later than the limit."""
    grace_s = float(config.getini("timeout_grace"))
    faulthandler.dump_traceback_later(limit_s + grace_s, exit=True, file=config.stash[_STDERR])
