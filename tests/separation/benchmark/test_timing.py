"""A timed run is computed anew, keeps its result and nothing else, and says what it took."""

from __future__ import annotations

import dataclasses
import types

import pytest

from separation.benchmark import timing
from separation.benchmark.timing import LONG_S, READ_ANEW_S, OnlyResults, Timing, middle_s, quiet, timed_run
from separation.engine.engine import Inline
from separation.errors import SeparationError
from separation.events import ChunkFinished, EventStream, Kept, ModelLoading, Warned, WorkMeasured
from separation.hardware.others import BUSY_CORES
from separation.results.kept import result_of
from separation.results.runs import find_result, separate_recording
from separation.results.store import NewItem
from tests.support import benchmarks
from tests.support.benchmarks import settled, timed
from tests.support.fakes import ran

N_CHUNKS = 5  # of two seconds, by the separator's own cut


@pytest.fixture
def one_run(recording, store, backend, monkeypatch):
    benchmarks.probe(monkeypatch, 0.0)

    def run(request=None, **more):
        events, (result, took) = ran(timed_run(recording, request or settled(), store, Inline(), **more))
        return events, result, took

    return run


def test_every_run_is_computed_and_only_its_result_is_kept(one_run, backend, store, recording):
    keys = set()
    for n in (1, 2, 3):
        _, result, _ = one_run()
        keys.add(result.key)
        assert backend.n_evaluations == N_CHUNKS * n
    assert len(keys) == 1 == len(list(store.list("result")))
    assert list(store.list("chunk")) == []
    assert result_of(store.get(result.key)) == result
    assert all(track.audio.exists() for track in result.tracks)


def test_what_was_kept_before_makes_no_run_faster(one_run, backend, recording, store):
    ran(separate_recording(recording, settled(), store, Inline()))
    assert len(list(store.list("chunk"))) == N_CHUNKS
    one_run()
    assert backend.n_evaluations == 2 * N_CHUNKS


def test_its_result_is_the_one_that_the_studio_would_look_up(one_run, recording, store):
    _, result, _ = one_run()
    assert find_result(recording, settled(), store)[3] == result


def test_events_arrive_as_they_happen(one_run):
    events, result, _ = one_run()
    kinds = [type(event) for event in events]
    assert kinds.index(ModelLoading) < kinds.index(ChunkFinished) < kinds.index(Kept)
    assert events[-1] == Kept(key=result.key, cached=False)


class Clock:
    """A clock that only the test moves."""

    def __init__(self, patch):
        self.now_s = 50.0
        patch.setattr(timing.time, "monotonic", lambda: self.now_s)


def test_reading_the_model_is_no_part_of_the_times(recording, store, backend, monkeypatch):
    benchmarks.probe(monkeypatch, 0.25)
    clock = Clock(monkeypatch)
    run = timed_run(recording, settled(), store, Inline())
    taken = []
    try:
        while True:
            event = next(run)
            if isinstance(event, WorkMeasured):
                taken.append((event.step, event.seconds))
            if isinstance(event, ModelLoading):
                clock.now_s += 7
            if isinstance(event, ChunkFinished):
                clock.now_s += 2
    except StopIteration as stop:
        _, took = stop.value
    load_s = sum(seconds for step, seconds in taken if step == "load")
    assert took.load_s == pytest.approx(load_s) and load_s >= 7
    assert took.first_sound_s == pytest.approx(7.0 - load_s, abs=1e-6)
    assert took.seconds == pytest.approx(7.0 + N_CHUNKS * 2.0 - load_s, abs=1e-6)
    assert took.others == 0.25


def test_memory_is_the_most_of_all_steps(one_run, monkeypatch):
    def run(*_):
        for peak, card in ((5, None), (9, 3), (7, 2), (None, None)):
            yield WorkMeasured(step="separate", seconds=1.0, peak_bytes=peak, device_bytes=card)
        return dataclasses.replace(kept, settings=settled().to_dict())

    _, kept, _ = one_run()
    monkeypatch.setattr(timing, "separate_recording", run)
    _, _, took = one_run()
    assert (took.peak_bytes, took.device_bytes) == (9, 3)
    assert took.first_sound_s == took.seconds, "no chunk was heard of"
    assert took.load_s == 0


def test_energy_is_what_the_meter_tells(one_run, monkeypatch):
    class Meter:
        def joules(self):
            return 12.5

    monkeypatch.setattr(timing, "EnergyMeter", Meter)
    assert one_run()[2].energy_j == 12.5


def test_of_work_on_other_computers_neither_energy_nor_load_is_known(one_run, monkeypatch):
    monkeypatch.setattr(timing, "EnergyMeter", lambda: types.SimpleNamespace(joules=lambda: 12.5))
    _, _, took = one_run(is_local=False)
    assert (took.energy_j, took.others, took.is_busy) == (None, None, False)


def test_a_run_that_only_smaller_settings_could_do_is_no_measurement(one_run, backend, store):
    def run_out():
        if backend.n_evaluations == 1:
            raise MemoryError("no room")

    cut = settled().chunks
    backend.before_evaluation = run_out
    backend.smaller = lambda request, duration_s: iter([dataclasses.replace(request, chunks=cut)])
    with pytest.raises(SeparationError, match=r"could not be computed here.*chunks of 1 s") as failure:
        one_run(settled(chunks=dataclasses.replace(cut, chunk_s=2.0)))
    assert failure.value.todo


def test_only_results_are_put_into_the_store(store, tmp_path):
    only = OnlyResults(store)
    chunk = only.put("0" * 64, NewItem(kind="chunk", name="a chunk", files={}))
    assert (chunk.key, chunk.files, chunk.manifest.kind) == ("0" * 64, {}, "chunk")
    assert only.get("0" * 64) is None and store.get("0" * 64) is None


# what timings say


def test_a_timing_is_busy_beyond_the_limit_only():
    assert not timed(1, others=BUSY_CORES).is_busy and timed(1, others=BUSY_CORES + 0.01).is_busy
    assert not timed(1, others=None).is_busy and not timed(1, others=0.0).is_busy


@pytest.mark.parametrize(
    "seconds, load_s, counts",
    [(LONG_S, 0.0, True), (LONG_S - 0.1, 0.0, False), (LONG_S, READ_ANEW_S, True), (60, READ_ANEW_S + 0.01, False)],
)
def test_the_first_run_counts_if_it_was_long_and_its_model_was_there(seconds, load_s, counts):
    assert timed(seconds, load_s=load_s).counts_first is counts


def test_the_middle_is_of_those_that_can_be_trusted():
    busy = [timed(9, others=2.0), timed(11, others=2.0)]
    assert middle_s([timed(1), timed(5), timed(3)]) == 3
    assert middle_s([timed(1), timed(2)]) == 1.5
    assert middle_s([timed(1), *busy]) == 1
    assert middle_s(busy) == 10
    assert middle_s([]) is None


def test_plain_values_and_back_are_the_same_timing():
    full = timed(1.5, others=0.25, peak_bytes=10**9, device_bytes=5, energy_j=2.5)
    assert Timing(**full.to_dict()) == full
    rounded = Timing(**timed(1.23456789).to_dict())
    assert rounded.seconds == 1.2346
    assert Timing(**timed(1, others=None).to_dict()).others is None


def test_closing_a_run_stops_the_model(recording, store, backend):
    run = timed_run(recording, settled(), store, Inline())
    for event in run:
        if isinstance(event, ChunkFinished):
            break
    run.close()
    assert backend.n_evaluations == 1
    assert list(store.list("result")) == []
    assert not [event for event in run if isinstance(event, Warned)]


# waiting for others


@pytest.fixture
def asleep(monkeypatch):
    """A clock that goes on only while something sleeps; how long that was."""
    clock, slept = Clock(monkeypatch), []

    def sleep(seconds):
        slept.append(seconds)
        clock.now_s += seconds

    monkeypatch.setattr(timing.time, "sleep", sleep)
    return slept


def test_a_quiet_computer_is_waited_for_at_most_as_long_as_that(asleep, monkeypatch):
    benchmarks.probe(monkeypatch, 1.0)
    waiting = EventStream(quiet(10.0))
    events = list(waiting)
    assert waiting.result is False
    assert sum(asleep) == pytest.approx(10.0) and len(events) == 10 * timing.N_LOOKS


def test_work_goes_on_once_the_computer_is_quiet(asleep, monkeypatch):
    benchmarks.probe(monkeypatch, 1.0, 0.5, BUSY_CORES)
    waiting = EventStream(quiet(100.0))
    list(waiting)
    assert waiting.result is True
    assert sum(asleep) == pytest.approx(3 * timing.LOOK_S)


def test_who_waits_can_be_told_to_stop(asleep, monkeypatch):
    benchmarks.probe(monkeypatch, 1.0)
    waiting = quiet(100.0)
    next(waiting)
    waiting.close()
    assert len(asleep) == 1
