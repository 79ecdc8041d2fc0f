"""Runs too short to show a rate, and runs that something held up, ruin no estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.engine.engine import Inline
from separation.estimates.estimates import expected
from separation.request import ChunkSettings, Request
from separation.results.runs import import_recording, separate_recording
from tests.support.fakes import ran
from tests.support.past_runs import BUILTIN, GB, SAM, past

WHOLE = replace(BUILTIN, chunks=ChunkSettings(chunk_s=None))
HOUR = 3600.0


def short(request=BUILTIN, duration_s=64 / 44_100, **changes):
    """A report of 64 samples, as this program writes it: it begins once, and then is done."""
    report = past(request, duration_s=duration_s, load_s=1.5, separate_s=0.3, rest_s=0.05, computed=1, total=1)
    report["steps"]["load"]["peak_memory_mb"] = 300.0
    report["steps"]["separate"]["peak_memory_mb"] = 400.0
    return report | changes


def whole(seconds=100.0, separate_s=50.0, **more):
    return past(BUILTIN, duration_s=seconds, separate_s=separate_s, rest_s=seconds / 20, **more)


@pytest.mark.parametrize("duration_s", [64 / 44_100, 0.1, 1.0, 2.9])
@pytest.mark.parametrize("n_runs", [1, 3, 12])
def test_very_short_runs_leave_the_estimate_of_an_hour_as_it_was(duration_s, n_runs):
    before = expected(WHOLE, HOUR)
    after = expected(WHOLE, HOUR, [short(WHOLE, duration_s)] * n_runs)
    assert before.seconds[0] - 10 < after.seconds[0] and after.seconds[1] < before.seconds[1] + 10
    assert after.memory_bytes == pytest.approx(before.memory_bytes, rel=0.05)


def test_after_short_runs_what_goes_with_the_duration_is_as_usual_and_what_does_not_is_learned():
    runs = [short(), short()]
    runs[1]["steps"]["load"]["total_s"], runs[1]["total_s"] = 0.0, 0.35
    minute, two = (expected(BUILTIN, seconds, runs).seconds for seconds in (60.0, 120.0))
    for end in (0, 1):
        usual = [expected(BUILTIN, seconds).seconds[end] for seconds in (60.0, 120.0)]
        assert two[end] - minute[end] == pytest.approx(usual[1] - usual[0])
    low, high = expected(BUILTIN, 0.001, runs).seconds
    assert (low, high) == (pytest.approx(0.75 * 0.35, abs=0.01), pytest.approx(1.5 * 1.85, abs=0.01))


def test_loading_is_as_quick_or_slow_as_it_was():
    low, high = expected(BUILTIN, 100.0, [whole(load_s=10.0), whole(load_s=40.0)]).seconds
    assert (low, high) == (pytest.approx(0.9 * 65), pytest.approx(1.15 * 95))


def test_after_short_runs_alone_it_is_said_that_there_was_no_other():
    found = expected(BUILTIN, HOUR, [short()])
    assert (found.n_runs, found.n_short) == (0, 1)
    assert str(found).endswith("; measured here only on very short recordings")


def test_the_same_short_recording_again_is_expected_to_take_what_it_took():
    found = expected(BUILTIN, 0.1, [short(duration_s=0.1)])
    assert found.seconds[0] < 1.85 < found.seconds[1] < 3
    assert found.memory_bytes[0] < 0.4 * GB < found.memory_bytes[1] < 0.5 * GB


def test_a_short_run_among_longer_ones_changes_next_to_nothing():
    longer = [whole(), whole(200.0, 104.0)]
    for request in (BUILTIN, WHOLE):
        before, after = expected(request, HOUR, longer), expected(request, HOUR, [short(), *longer, short()])
        assert after.seconds == pytest.approx(before.seconds, rel=0.05)
        assert after.n_runs == 2


def test_many_short_runs_do_not_push_the_longer_ones_out():
    assert expected(BUILTIN, HOUR, [*[short()] * 40, whole()]).n_runs == 1


@pytest.mark.parametrize(
    "outlier", [whole(separate_s=9_000.0), whole(HOUR, 90_000.0), whole(10.0, 500.0), whole(10.0, 0.0)]
)
def test_one_run_that_something_held_up_moves_an_estimate_by_less_than_a_sixth(outlier):
    usual = [whole(seconds, 0.5 * seconds * more) for seconds in (60.0, 100.0, 300.0) for more in (0.95, 1.0, 1.1)]
    for duration_s in (30.0, HOUR):
        before, after = (expected(BUILTIN, duration_s, runs) for runs in (usual, [outlier, *usual]))
        for one, other in zip(before.seconds, after.seconds, strict=True):
            assert 5 / 6 < other / one < 6 / 5


@pytest.mark.parametrize("step", ["load", "separate"])
def test_one_run_with_extreme_memory_moves_no_estimate(step):
    usual = [past(SAM)] * 5
    extreme = past(SAM)
    extreme["steps"]["separate"]["peak_memory_mb"] = extreme["steps"][step]["peak_memory_mb"] = 90_000.0
    for chunk_s in (10.0, 20.0):
        asked = replace(SAM, chunks=ChunkSettings(chunk_s=chunk_s, overlap_s=0.0))
        assert expected(asked, 100.0, [extreme, *usual]).memory_bytes == expected(asked, 100.0, usual).memory_bytes


def test_a_run_that_found_nearly_all_of_its_chunks_kept_shows_no_rate():
    resumed = whole(separate_s=30.0, computed=1, total=100)  # the one second that it computed
    assert expected(BUILTIN, HOUR, [resumed]).n_runs == 0
    before, after = expected(BUILTIN, HOUR, [whole()]), expected(BUILTIN, HOUR, [resumed, whole()])
    assert after.seconds == pytest.approx(before.seconds, rel=0.05)


def test_what_all_else_takes_is_told_from_resumed_runs_too():
    resumed = whole(computed=1, total=100, separate_s=0.4)  # 5 s of joining and writing for 100 s of audio
    assert expected(BUILTIN, 100.0, [resumed]).seconds[0] > expected(BUILTIN, 100.0, [short()]).seconds[0] + 3


def test_chunks_of_a_second_tell_nothing_of_the_memory_that_longer_ones_take():
    cut = replace(SAM, chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0))
    usual, tiny = [past(SAM)] * 2, [past(cut)] * 2
    assert expected(SAM, 100.0, [*tiny, *usual]).memory_bytes == expected(SAM, 100.0, usual).memory_bytes


def test_memory_that_was_given_back_while_it_ran_does_not_count_against_longer_chunks():
    reports = []
    for peak in (1900.0, 2000.0, 2000.0):  # loaded with 2000
        reports.append(past(SAM))
        reports[-1]["steps"]["separate"]["peak_memory_mb"] = peak
    longer = replace(SAM, chunks=ChunkSettings(chunk_s=20.0, overlap_s=0.0))
    assert expected(longer, 100.0, reports).memory_bytes[0] > 1.7 * GB


@pytest.mark.parametrize("empty", [{"duration_s": 0.0}, {"computed": 0}])
def test_a_report_of_nothing_is_passed_over(empty):
    assert expected(BUILTIN, HOUR, [whole(), past(BUILTIN, **empty)]).n_runs == 1
    assert expected(BUILTIN, HOUR, [past(BUILTIN, **empty)]) == expected(BUILTIN, HOUR)


def test_what_is_fixed_is_told_from_what_goes_with_the_duration():
    runs = [past(BUILTIN, duration_s=s, load_s=1.0, separate_s=2 + 0.1 * s, rest_s=0.0) for s in (5.0, 20.0, 100.0)]
    low, high = expected(BUILTIN, HOUR, runs).seconds
    assert low < 1 + 2 + 360 < high < 1.2 * 363
    low, high = expected(BUILTIN, 5.0, runs).seconds
    assert low < 1 + 2.5 < high < 5


def test_of_a_model_of_which_nothing_is_usual_short_runs_tell_only_of_short_recordings():
    own = replace(SAM, model="/models/mine")
    again = expected(own, 0.5, [short(own, 0.5)])
    assert again.seconds[0] < 1.85 < again.seconds[1] and again.n_runs == 1
    hour = expected(own, HOUR, [short(own, 0.5)])
    assert hour.seconds is None
    assert "before a longer run" in str(hour) or "GB" in str(hour)


def test_longer_recordings_are_never_expected_to_be_quicker():
    runs = [short(), whole(), whole(10.0, 9.0), whole(400.0, 100.0)]
    lengths_s = [0.01, 0.1, 1.0, 2.9, 3.0, 10.0, 100.0, HOUR, 10 * HOUR]
    for learned in ([], [short()], runs):
        found = [expected(BUILTIN, duration_s, learned).seconds for duration_s in lengths_s]
        assert found == sorted(found) and [high for _, high in found] == sorted(high for _, high in found)


def test_64_samples_separated_leave_the_estimate_of_a_song_sane(tmp_path, store):
    tone = np.sin(np.arange(64, dtype=np.float32))[None] / 4
    encode(Waveform(tone, 44_100), tmp_path / "n64.wav")
    recording = import_recording(tmp_path / "n64.wav", store)
    asked = Request.of("drums", backend="builtin", device="cpu", chunks=ChunkSettings(chunk_s=None))
    _, made = ran(separate_recording(recording, asked, store, Inline()))
    before, after = expected(made.request, 240.0), expected(made.request, 240.0, [made.report])
    assert after.n_short == 1
    assert after.seconds[1] < 2 * before.seconds[1]
    assert after.memory_bytes[1] < 2 * before.memory_bytes[1]
