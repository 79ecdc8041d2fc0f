"""Which code is measured for the coverage: tests of what is asked for, since it makes Python two thirds slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import coverage
import pytest

# Of the packages whose coverage is asked for. Their own tests have to reach all lines, and those of pages do not count.
MEASURED = ("tests/separation/", "tests/storage/")
CASES = 6  # of a test with more, which reach the same lines again and again
_MEASUREMENT = pytest.StashKey[coverage.Coverage | None]()
_IS_MEASURED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases = Counter[str]()
    for item in items:
        test = item.nodeid.partition("[")[0]
        cases[test] += 1
        item.stash[_IS_MEASURED] = cases[test] <= CASES and test.startswith(MEASURED)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What modules do when they are imported is measured; from here on tests are, and not the runner between them."""
    measurement = session.config.stash[_MEASUREMENT] = coverage.Coverage.current()
    if measurement:
        measurement.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _measured(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _measured(item):
        return (yield)


@contextmanager
def _measured(item: pytest.Item) -> Iterator[None]:
    measurement = item.config.stash.get(_MEASUREMENT, None) if item.stash[_IS_MEASURED] else None
    if measurement is None:
        yield
        return
    measurement.start()
    try:
        yield
    finally:
        measurement.stop()
