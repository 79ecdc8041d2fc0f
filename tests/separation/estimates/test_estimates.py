"""Time and memory before a run: learned from runs that finished here, and honest before the first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.backends import registry
from separation.estimates import estimates, fallbacks
from separation.estimates.estimates import Estimate, Preflight, expected, preflight
from separation.request import ChunkSettings, DemucsSettings, Request, SamSettings, SolverSettings
from tests.support.past_runs import BUILTIN, GB, SAM, past


def work(request):
    return registry.get(request.backend).cost(request, 60.0).work


def middle(span, of_one=estimates.ONE_RUN):
    """What the only run so far leads to, which lies inside the range around it."""
    low, high = span
    assert low / of_one[0] == pytest.approx(high / of_one[1])
    assert low < low / of_one[0] < high
    return low / of_one[0]


def memory(found):
    return middle(found.memory_bytes, estimates.ONE_RUN_MEMORY)


# Learned


def test_the_same_run_again_is_expected_to_take_what_it_took():
    found = expected(SAM, 100.0, [past(SAM)])
    assert middle(found.seconds) == pytest.approx(65)
    assert memory(found) == pytest.approx(3.5 * GB)
    assert found.n_runs == 1
    assert found.source == "from 1 run on this computer"


def test_time_goes_with_duration_but_for_loading_and_memory_does_not():
    found = expected(SAM, 1000.0, [past(SAM)])
    assert middle(found.seconds) == pytest.approx(10 + 10 * 55)
    assert memory(found) == pytest.approx(3.5 * GB)


def test_time_goes_with_work():
    cheaper = replace(SAM, solver=SolverSettings(method="ab2", n_steps=6))
    found = expected(cheaper, 100.0, [past(SAM)])
    assert middle(found.seconds) == pytest.approx(15 + 50 * work(cheaper) / work(SAM))


def test_memory_goes_with_the_length_of_a_chunk():
    # 2 GB when loaded and 1.5 GB more for 10 s.
    longer, shorter = (replace(SAM, chunks=ChunkSettings(chunk_s=s, overlap_s=0.0)) for s in (20.0, 5.0))
    assert memory(expected(longer, 100.0, [past(SAM)])) == pytest.approx(5 * GB)
    assert memory(expected(shorter, 100.0, [past(SAM)])) == pytest.approx(2.75 * GB)
    assert memory(expected(longer, 8.0, [past(SAM)])) == pytest.approx(3.2 * GB)


def test_chunks_that_came_from_the_store_make_no_run_look_quick():
    whole = expected(SAM, 100.0, [past(SAM)])
    resumed = expected(SAM, 100.0, [past(SAM, computed=2, separate_s=10.0)])
    assert resumed.seconds == pytest.approx(whole.seconds)
    assert expected(SAM, 100.0, [past(SAM, computed=0)]).n_runs == 0


def test_several_runs_give_a_range_that_holds_them():
    runs = [past(SAM, separate_s=seconds) for seconds in (40.0, 50.0, 60.0)]
    found = expected(SAM, 100.0, runs)
    assert found.n_runs == 3
    assert found.seconds[0] < 55 and found.seconds[1] > 75
    assert found.source == "from 3 runs on this computer"


def test_only_the_newest_runs_count():
    runs = [past(SAM)] * 10 + [past(SAM, separate_s=5000.0)] * 10
    found = expected(SAM, 100.0, runs)
    assert (found.n_runs, found.seconds[1] < 100) == (10, True)


@pytest.mark.parametrize(
    "other",
    [
        BUILTIN,
        replace(SAM, model="base"),
        replace(SAM, device="cuda"),
        replace(SAM, sam=SamSettings(precision="int8")),
        replace(SAM, backend="sam_mlx"),
    ],
)
def test_runs_of_something_else_teach_nothing(other):
    assert expected(other, 100.0, [past(SAM)]).n_runs == 0


def test_a_run_on_the_device_that_was_chosen_counts_for_that_device():
    assert expected(replace(SAM, device="cpu"), 100.0, [past(SAM)]).n_runs == 1


@pytest.mark.parametrize(
    "broken", [{}, {"backend": "sam_torch"}, past(SAM, settings={"prompts": []}), past(SAM, steps={})]
)
def test_reports_that_are_not_understood_are_passed_over(broken):
    assert expected(SAM, 100.0, [broken, past(SAM)]).n_runs == 1


def test_multidiffusion_and_workers_side_by_side_are_understood():
    together = replace(SAM, chunks=ChunkSettings(chunk_s=10.0, overlap_s=0.0, stitch="multidiffusion"))
    report = past(together)
    report["steps"]["velocity"] = report["steps"].pop("separate")
    assert middle(expected(together, 100.0, [report]).seconds) == pytest.approx(65)
    side_by_side = past(SAM)
    side_by_side["steps"]["separate"]["total_s"] = 110.0  # two workers, 55 s
    assert middle(expected(SAM, 100.0, [side_by_side]).seconds) == pytest.approx(65)


def test_a_report_without_memory_still_tells_the_time():
    report = past(SAM)
    for step in report["steps"].values():
        step.pop("peak_memory_mb", None)
    found = expected(SAM, 100.0, [report])
    assert found.memory_bytes is None
    assert "GB" not in str(found) and "from 1 run on this computer" in str(found)


def test_a_real_run_teaches_the_next(tmp_path, monkeypatch):
    from separation.engine.engine import Inline
    from separation.results.runs import find_result, import_recording, separate_recording
    from storage import ArtifactStore
    from tests.support import run_fakes

    run_fakes.install(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    recording = import_recording(run_fakes.song(tmp_path / "song.wav"), store)
    list(separate_recording(recording, Request.of("drums"), store, Inline()))
    reports = [result.info["report"] for result in store.list("result")]
    _, settled, _, _ = find_result(recording, Request.of("bass"), store)
    found = expected(settled, 2.0, reports)
    assert found.n_runs == 1
    assert found.seconds[0] < reports[0]["total_s"] < found.seconds[1]
    assert found.memory_bytes[0] < 1e6 * reports[0]["peak_memory_mb"] < found.memory_bytes[1]


# Work


def test_work_counts_prompts_channels_residuals_chains_and_overlap():
    base = work(SAM)
    assert base == pytest.approx(48.7 + 110 + 32 * 9.6)
    assert work(replace(SAM, sam=SamSettings(stereo="sides"))) == pytest.approx(2 * base)
    assert work(replace(SAM, sam=SamSettings(residual="model"))) == pytest.approx(base + 110)
    two = replace(SAM, prompts=(*SAM.prompts, *Request.of("cat").prompts))
    assert work(two) == pytest.approx(2 * base - 48.7)
    assert work(replace(two, sam=SamSettings(chain=True))) == pytest.approx(2 * base)
    assert work(replace(SAM, chunks=ChunkSettings(chunk_s=10.0, overlap_s=5.0))) == pytest.approx(2 * base)
    assert work(replace(SAM, model="large")) > 5 * base


def demucs(*prompts, model="htdemucs", **more):
    return Request.of(*prompts, backend="demucs", model=model, demucs=DemucsSettings(**{"overlap_ratio": 0.0} | more))


def test_demucs_costs_by_shifts_overlap_and_the_networks_that_have_a_say():
    one = work(demucs("drums"))
    assert work(demucs("drums", shifts=5)) == pytest.approx(5 * one)
    assert work(demucs("drums", overlap_ratio=0.5)) == pytest.approx(2 * one)
    assert work(demucs("drums", model="htdemucs_ft")) == pytest.approx(one)
    assert work(demucs("drums", "bass", "no vocals", model="htdemucs_ft")) == pytest.approx(3 * one)
    assert work(demucs("drums", model="mdx_extra")) == pytest.approx(4 * one)


def test_short_segments_of_transformers_cost_as_long_ones_do():
    assert work(demucs("drums", segment_s=3.9)) == pytest.approx(2 * work(demucs("drums")))
    assert work(demucs("drums", model="mdx", segment_s=3.9)) == pytest.approx(work(demucs("drums", model="mdx")))


# Before the first run


def test_before_the_first_run_it_is_said_that_nothing_was_measured_here():
    found = expected(BUILTIN, 60.0)
    assert found.n_runs == 0
    assert str(found).endswith("; not measured here yet")
    assert found.seconds[1] >= 4 * found.seconds[0]


def test_larger_models_and_lower_precisions_differ_as_they_should():
    def need(**changes):
        return expected(replace(SAM, **changes), 60.0).needed_bytes

    assert need() < need(model="base") < need(model="large")
    assert need(sam=SamSettings(precision="int8")) < need(sam=SamSettings(precision="bfloat16")) < need()
    assert 12 * GB < need(model="large") < 18 * GB
    ft = expected(demucs("drums", "bass", "vocals", "other", model="htdemucs_ft"), 60.0)
    assert ft.needed_bytes > expected(demucs("drums"), 60.0).needed_bytes


def test_graphics_cards_are_expected_to_be_quicker():
    on = {device: expected(replace(SAM, device=device), 600.0).seconds[1] for device in ("cpu", "mps", "cuda")}
    assert on["cuda"] < on["mps"] < on["cpu"]


def test_of_somebodys_own_model_nothing_is_known_before_the_first_run():
    found = expected(replace(SAM, model="/models/mine"), 60.0)
    assert (found.seconds, found.memory_bytes, found.needed_bytes) == (None, None, None)
    assert str(found) == "unknown before the first run; not measured here yet"
    assert expected(Request.of("x", backend="fake"), 60.0).memory_bytes is None


@pytest.mark.parametrize("backend", registry.BACKENDS)
def test_of_no_audio_at_all_every_separator_can_tell_the_cost(backend):
    seconds = expected(Request.of("drums", backend=backend), 0.0).seconds
    assert seconds is None or seconds[0] >= 0


def test_stopping_after_a_few_chunks_takes_less():
    few = replace(BUILTIN, chunks=ChunkSettings(chunk_s=10.0, overlap_s=2.0, max_chunks=2))
    assert expected(few, 600.0, [past(BUILTIN)]).seconds[1] < expected(BUILTIN, 600.0, [past(BUILTIN)]).seconds[1] / 5


# Words


# Preflight


def test_a_run_that_fits_is_left_alone():
    flight = preflight(SAM, 100.0, [past(SAM)], 100 * GB)
    assert flight.fits and flight.fitting is None and flight.warning() is None


def test_where_the_memory_is_not_known_nothing_is_claimed():
    assert preflight(SAM, 100.0, [past(SAM)], None).fits
    unknown = Estimate(seconds=None, memory_bytes=None, n_runs=0)
    assert Preflight(request=SAM, estimate=unknown, available_bytes=1).fits


def test_the_nearest_setting_that_will_fit_is_offered_by_name(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: False)
    runs = iter([past(SAM)])  # any iterable will do
    # 10 s take 3.5 GB, and a fifth more may be needed; 5 s take 2.75 GB.
    flight = preflight(SAM, 100.0, runs, int(3.8 * GB))
    assert not flight.fits
    assert flight.fitting.chunks.chunk_s == 5
    assert flight.warning(options=True) == (
        "Memory may run out: this takes about 4.2 GB, and 3.8 GB are free; "
        "chunks of 5 s (--chunk-duration 5) would fit."
    )
    assert "--" not in flight.warning()


def test_several_steps_down_are_offered_together(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: True)
    large = replace(SAM, model="large", device="cpu")
    flight = preflight(large, 100.0, [], int(4.5 * GB))
    assert flight.fitting.sam.precision == "int8" and flight.fitting.chunks.chunk_s == 5
    said = flight.warning(options=True)
    assert (
        "the precision int8 (--precision int8)" in said and " and chunks of 5 s (--chunk-duration 5) would fit" in said
    )


def test_where_nothing_fits_that_is_said(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: False)
    flight = preflight(SAM, 100.0, [], GB // 2)
    assert flight.fitting is None
    assert flight.warning().endswith("no smaller setting would fit either.")
