"""What a run keeps of a chunk that is over: nothing that the next chunk's memory would have to grow around."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from separation.engine.engine import Inline
from separation.events import ChunkFinished
from separation.request import ChunkSettings, Request
from separation.results.track_files import write_tracks
from tests.support import toy_backend
from tests.support.fakes import MadeOnTheFly

EARLY, LATE = 30, 120  # chunks of a second each
MOST_BYTES = 3_000  # of Python's own objects, for each chunk: its times for the report, its place in the plan


class Forgetful:
    """Keeps no chunk, so that it is the run's own memory that is measured."""

    def get(self, key):
        return None

    def put(self, key, arrays):
        pass


@pytest.fixture
def held(monkeypatch, tmp_path):
    """The arrays and the bytes that are alive early in a run of the simplest separator, and late."""
    toy_backend.register(monkeypatch)
    request = Request.of("middle", backend="toy", model="plain", chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0))
    mixture = MadeOnTheFly(n_samples=(LATE + 1) * toy_backend.RATE, n_channels=2)
    found = {}
    tracemalloc.start()
    try:
        for event in write_tracks(mixture, request, Inline(), tmp_path, "key", Forgetful(), ()):
            if isinstance(event, ChunkFinished) and event.index in (EARLY, LATE):
                traces = tracemalloc.take_snapshot()
                arrays = traces.filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)]).traces
                objects = traces.filter_traces([tracemalloc.DomainFilter(True, 0)]).traces
                found[event.index] = len(arrays), sum(trace.size for trace in objects)
    finally:
        tracemalloc.stop()
    return found


def test_late_in_a_run_no_more_arrays_are_in_memory_than_early(held):
    # Quality is measured in blocks of 5 s, for which up to five pieces wait.
    assert held[LATE][0] - held[EARLY][0] <= 5, "small arrays that stay split the memory that large ones need"


def test_a_chunk_that_is_over_leaves_little_more_than_its_times(held):
    assert held[LATE][1] - held[EARLY][1] < MOST_BYTES * (LATE - EARLY)
