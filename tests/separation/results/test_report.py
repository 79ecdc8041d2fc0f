"""What a report says of a run, from its events and from real runs."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import yaml

from separation.engine.engine import Inline
from separation.events import (
    ChunkFinished,
    ChunkStarted,
    Finished,
    Planned,
    SolverStep,
    Warned,
    WorkerRestarted,
    WorkMeasured,
)
from separation.request import ChunkSettings, DemucsSettings, Request, SamSettings, SolverSettings
from separation.results import report
from separation.results.report import Recorder
from separation.results.runs import separate_recording
from tests.support.fakes import result_of

MB = 1_000_000
SPANS = ((0.0, 10.0), (9.0, 19.0), (18.0, 28.0), (27.0, 30.0))
SAM = Request.of("dog", backend="sam_torch", model="small", chunks=ChunkSettings(chunk_s=10.0, overlap_s=1.0))


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def recorded(*story, request=SAM):
    """A report of events; a number between them is seconds that pass."""
    clock = Clock()
    recorder = Recorder(request, n_samples=30 * 48_000, sample_rate=48_000, n_channels=2, clock=clock)
    for event in story:
        if isinstance(event, (int, float)):
            clock.now_s += event
        else:
            recorder.take(event)
    return recorder.report()


def worked(seconds, step="separate", peak=None, device=None):
    return WorkMeasured(step=step, seconds=seconds, peak_bytes=peak, device_bytes=device)


def chunk(index, *between, kept=False):
    done = ChunkFinished(index=index, n_chunks=4, start=0, audio={})
    return (ChunkStarted(index=index, n_chunks=4, kept=kept), *between, done)


PLANNED = Planned(model="SAM-Audio small", device="cpu", stems=("dog",), spans_s=SPANS)
STEPS = tuple(SolverStep(done=done, total=16) for done in range(1, 17))
STORY = (
    3.0, worked(3.0, "load", 900 * MB), PLANNED,
    *chunk(0, 2.0, *STEPS, worked(2.0, peak=1500 * MB), 0.5), 0.25,
    *chunk(1, kept=True), 0.25,
    *chunk(2, 4.0, *STEPS, worked(4.0, peak=1600 * MB)), 0.25,
    *chunk(3, 1.0, *STEPS, worked(1.0, peak=1400 * MB)), 0.25,
    Finished(seconds=8.5, rtf=0.2833), 0.5,
)  # fmt: skip


def test_every_second_of_a_run_belongs_to_one_step():
    found = recorded(*STORY)
    assert {name: step["total_s"] for name, step in found["steps"].items()} == {
        "load": 3.0,
        "separate": 7.0,
        "join": 1.0,
        "write": 1.0,
    }
    assert found["total_s"] == 12.0 == sum(step["total_s"] for step in found["steps"].values())


def test_pieces_of_work_are_summarised_and_listed():
    separated = recorded(*STORY)["steps"]["separate"]
    assert separated["pieces"] == 3
    assert (separated["min_s"], separated["median_s"], separated["max_s"]) == (1.0, 2.0, 4.0)
    assert separated["each_s"] == [2.0, 4.0, 1.0]
    assert separated["peak_memory_mb"] == 1600


def test_the_peak_of_a_run_is_the_highest_of_its_steps():
    found = recorded(*STORY)
    assert found["peak_memory_mb"] == 1600
    assert found["steps"]["load"]["peak_memory_mb"] == 900
    assert "device_memory_mb" not in found


def test_where_memory_was_not_measured_nothing_is_said_of_it():
    assert "peak_memory_mb" not in recorded(worked(1.0, "load"), worked(1.0))


def test_a_graphics_cards_memory_is_told_apart():
    found = recorded(worked(1.0, peak=5 * MB, device=7 * MB), worked(1.0, peak=5 * MB, device=8 * MB))
    assert (found["peak_memory_mb"], found["device_memory_mb"]) == (5, 8)


def test_chunks_that_were_finished_before_are_counted_apart():
    assert recorded(*STORY)["chunks"] == {"total": 4, "computed": 3, "from_store": 1}


def test_a_solvers_steps_count_by_the_evaluations_they_make():
    # Three chunks of 16 midpoint steps, two evaluations each.
    assert recorded(*STORY)["evaluations"] == 3 * 32
    ab2 = Request.of("dog", backend="sam_torch", solver=SolverSettings(method="ab2", n_steps=16))
    assert recorded(*STORY, request=ab2)["evaluations"] == 3 * 17
    demucs = Request.of("drums", backend="demucs")
    assert recorded(*STORY, request=demucs)["evaluations"] == 3 * 16
    together = Request.of("dog", backend="sam_torch", chunks=ChunkSettings(stitch="multidiffusion"))
    assert recorded(*STEPS, request=together)["evaluations"] == 16


def test_warnings_and_deaths_of_workers_are_told():
    found = recorded(Warned(message="It may rain."), WorkerRestarted(message="A worker died."))
    assert found["warnings"] == ["It may rain.", "A worker died."]
    assert found["worker_restarts"] == 1


def test_several_workers_at_once_leave_no_negative_time():
    found = recorded(worked(1.0, "load"), 1.0, worked(5.0), worked(5.0), 6.0)
    assert "join" not in found["steps"]


def test_of_very_many_pieces_only_the_summary_is_written():
    found = recorded(*[worked(1.0)] * 501, *[worked(1.0, "velocity")] * 3)
    assert "each_s" not in found["steps"]["separate"] and found["steps"]["separate"]["pieces"] == 501
    assert "each_s" not in found["steps"]["velocity"]


def test_settings_are_those_the_backend_has_and_make_the_same_request_again():
    demucs = Request.of("drums", backend="demucs", model="htdemucs", demucs=DemucsSettings(shifts=2))
    builtin = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=5.0))
    sam = Request.of("dog", backend="sam_mlx", sam=SamSettings(stereo="sides"))
    for request, has in ((demucs, {"demucs"}), (builtin, {"chunks"}), (sam, {"chunks", "solver", "sam"})):
        kept = report.settings(request)
        assert set(kept) & {"demucs", "chunks", "solver", "sam"} == has
        assert Request.from_dict(kept) == request


def test_versions_are_those_of_what_the_backend_computes_with():
    assert set(report.versions("builtin-dsp")) == {"audio-playground", "python", "numpy", "scipy"}
    assert set(report.versions("builtin")) == {"audio-playground", "python", "numpy", "torch"}
    assert {"torch", "demucs"} <= set(report.versions("demucs"))
    assert "sam-audio" not in report.versions("sam_official")  # which is not installed


# Real runs


def run(recording, request, store):
    return result_of(separate_recording(recording, request, store, Inline()))


def test_a_kept_result_has_its_report(store, backend, recording):
    found = run(recording, Request.of("drums"), store).report
    assert found["recording"] == {"duration_s": 2.0, "sample_rate_hz": 8000, "n_channels": 2}
    assert (found["backend"], found["model"], found["device"]) == ("fake", "only", "cpu")
    assert found["chunks"]["computed"] == found["chunks"]["total"] == found["evaluations"] == 5
    assert list(found["steps"]) == ["load", "separate", "join", "write"]
    assert sum(step["total_s"] for step in found["steps"].values()) == pytest.approx(found["total_s"], abs=0.01)
    assert found["settings"]["prompts"][0]["text"] == "drums"
    assert found["quality"] == found["quality"] | {"tracks": {"drums": 0.0, "everything else": 0.0}}
    assert json.loads(json.dumps(found)) == found


def test_a_fake_that_answers_with_quieter_mixtures_is_seen_through(store, backend, recording):
    result = run(recording, Request.of("drums"), store)
    assert result.quality.value < 0.1
    assert "shares much of its sound" in result.warnings[0]


def test_a_run_that_goes_on_says_how_much_was_there_already(store, backend, recording):
    store.remove(run(recording, Request.of("drums"), store).key)
    store.remove(store.list("chunk")[0].key)
    found = run(recording, Request.of("drums"), store).report
    assert found["chunks"] == {"total": 5, "computed": 1, "from_store": 4}
    assert found["evaluations"] == found["steps"]["separate"]["pieces"] == 1


def test_a_cached_result_says_when_it_was_made_and_how_long_that_took(store, backend, recording):
    kept = run(recording, Request.of("drums"), store).report
    fresh = report.of_result(kept, cached=False, seconds=2.5, source="song.wav")
    assert list(fresh)[:3] == ["file", "cached", "command_s"] and "note" not in fresh
    cached = report.of_result(kept, cached=True, seconds=0.01)
    assert cached["cached"] is True
    assert kept["finished"] in cached["note"] and f"{kept['total_s']:g} s" in cached["note"]
    assert cached["steps"] == kept["steps"]


def test_a_result_of_an_earlier_version_has_no_report_and_says_so():
    assert "before reports were kept" in report.of_result({}, cached=True)["note"]


def test_a_written_report_reads_back_and_names_its_units(store, backend, recording, tmp_path):
    found = report.of_result(run(recording, Request.of("drums"), store).report, cached=False)
    path = tmp_path / "r.yaml"
    path.write_text("something older")
    report.write(found, path)
    text = path.read_text("utf-8")
    assert yaml.safe_load(text) == found
    assert "seconds" in text.splitlines()[0] and "MB" in text.splitlines()[0]
    named = {"_s", "_mb", "_hz", "rtf"}
    measured = [name for _, step in found["steps"].items() for name in step if name != "pieces"]
    assert all(any(name.endswith(unit) for unit in named) for name in measured)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_order_is_the_one_a_person_reads_in(store, backend, recording):
    names = list(run(recording, Request.of("drums"), store).report)
    expected = ["finished", "backend", "recording", "total_s", "steps", "chunks", "quality", "warnings", "settings"]
    assert all(names.index(a) < names.index(b) for a, b in pairwise(expected))
