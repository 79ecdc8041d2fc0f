"""Cells are done one after another, the cheapest first; what is finished is never done again, what fails is said."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace

import pytest

from separation import decode
from separation.benchmark import steps
from separation.benchmark.benchmark import N_RETIMED, CellOutcome, setting_id
from separation.benchmark.making import make
from separation.benchmark.steps import StepKind, next_step, perform
from separation.engine.engine import Inline
from separation.errors import AudioError, FileError, PlaygroundError, SeparationError
from separation.events import ChunkFinished, StillRunning
from separation.model import RunCost
from separation.prompts.targets import RESIDUAL
from separation.results.known_stems import with_known_stems
from separation.results.runs import import_recording
from storage import ArtifactStore
from storage.errors import StorageError
from tests.support import benchmarks, run_fakes
from tests.support.benchmarks import distance, failing_for, grid, outcome_of, run, stub_scores, timed, told
from tests.support.fakes import ran, result_of

N_CHUNKS = 5  # of two seconds


@pytest.fixture(autouse=True)
def scores(monkeypatch):
    stub_scores(monkeypatch)
    return lambda **more: stub_scores(monkeypatch, **more)


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    return benchmarks.probe(monkeypatch, 0.0)


@pytest.fixture
def backend(monkeypatch):
    """Its first model is the dearest."""
    backend = run_fakes.install(monkeypatch)
    backend.known_models = ("large", "middle", "small")
    works = {"large": 9.0, "middle": 3.0, "small": 1.0}
    backend.cost = lambda request, duration_s: RunCost(work=works[request.model], held_s=1.0)
    return backend


@pytest.fixture
def songs(store, tmp_path, backend):
    return [import_recording(run_fakes.song(tmp_path / f"{name}.wav", seed=n), store) for n, name in enumerate("ab")]


@pytest.fixture
def bench(songs, store):
    """Three models on two songs."""
    return make(grid(model=["large", "middle", "small"]), songs, store)


# order


def test_the_cheapest_setting_comes_first_and_on_all_songs(bench, store):
    done = run(bench, store)
    assert told(done) == [
        ("compute", model, song) for model in ("small", "middle", "large") for song in ("a.wav", "b.wav")
    ]


def test_a_new_benchmark_begins_with_its_first_cell_and_a_finished_one_has_no_step(bench, store):
    first = next_step(bench, {})
    assert first.kind is StepKind.COMPUTE and first.cell == next(bench.cells())
    outcomes = {}
    run(bench, store, outcomes)
    assert next_step(bench, outcomes) is None
    assert set(outcomes) == {cell.id for cell in bench.cells()} and len(outcomes) == 6


def test_an_outcome_has_result_times_and_evaluations(bench, store):
    outcomes = {}
    run(bench, store, outcomes)
    for cell in bench.cells():
        outcome = outcomes[cell.id]
        assert store.get(outcome.result).manifest.config == cell.request.to_dict()
        assert len(outcome.timings) == 1 and outcome.timings[0].seconds > 0
        assert (outcome.nfe, outcome.n_retimed, outcome.error, outcome.scores) == (N_CHUNKS, 0, None, None)


@pytest.mark.parametrize("n_times", [1, 3])
def test_the_first_run_only_warms_up(songs, store, backend, n_times):
    bench = make(grid(n_times=n_times), songs[:1], store)
    outcomes = {}
    run(bench, store, outcomes)
    assert backend.n_evaluations == (n_times + 1) * N_CHUNKS
    assert len(outcomes[next(bench.cells()).id].timings) == n_times


def test_a_long_first_run_counts_if_its_model_was_in_memory(songs, store, backend, monkeypatch):
    monkeypatch.setattr("separation.benchmark.timing.LONG_S", 0.0)
    run(make(grid(n_times=2), songs[:1], store), store)
    assert backend.n_evaluations == 2 * N_CHUNKS
    monkeypatch.setattr("separation.benchmark.timing.READ_ANEW_S", -1.0)
    run(make(grid(n_times=2), songs[1:], store), store)
    assert backend.n_evaluations == (2 + 3) * N_CHUNKS


# nothing twice


def test_what_is_finished_is_not_computed_again(bench, store, backend):
    outcomes = {}
    while (step := next_step(bench, outcomes)) is not None and len(outcomes) < 3:
        outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    before, counted = dict(outcomes), backend.n_evaluations
    again = {key: CellOutcome.from_dict(one.to_dict()) for key, one in outcomes.items()}
    assert len(run(bench, store, again)) == 3
    assert backend.n_evaluations - counted == 3 * 2 * N_CHUNKS
    assert {key: again[key].result for key in before} == {key: one.result for key, one in before.items()}


@pytest.mark.parametrize("n_chunks", [0, 1, 7])
def test_a_step_that_is_closed_changes_nothing_and_is_done_anew(bench, store, backend, n_chunks):
    outcomes = {}
    step = next_step(bench, outcomes)
    work = perform(step, bench, outcomes, store, Inline())
    left = n_chunks
    for event in work:
        left -= isinstance(event, ChunkFinished)
        if left <= 0:
            break
    work.close()
    assert outcomes == {} and next_step(bench, outcomes) == step
    assert len(run(bench, store, outcomes)) == 6
    assert all(one.error is None for one in outcomes.values())


# busy computers


def test_a_cell_timed_while_others_compute_is_timed_again_once_they_have_ended(bench, store, backend, probe):
    outcomes = {}
    # The first cell's warm-up and run, and the third's, were disturbed.
    probe.answers = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    done = run(bench, store, outcomes)
    assert told(done)[6:] == [("time again", "small", "a.wav"), ("time again", "middle", "a.wav")]
    assert not any(one.is_busy for one in outcomes.values())
    assert sorted(one.n_retimed for one in outcomes.values()) == [0, 0, 0, 0, 1, 1]
    assert all(len(one.timings) == 1 for one in outcomes.values())
    assert backend.n_evaluations == (6 + 2) * 2 * N_CHUNKS


def test_a_disturbed_warm_up_does_not_matter(songs, store, probe):
    probe.answers = [5.0, 0.0]
    assert told(run(make(grid(), songs[:1], store), store)) == [("compute", "large", "a.wav")]


def test_while_the_computer_stays_busy_a_cell_is_timed_again_three_times_and_then_kept_and_marked(bench, store, probe):
    probe.answers = [1.0]
    outcomes = {}
    done = run(bench, store, outcomes)
    assert told(done)[6:] == [
        ("time again", model, song)
        for _ in range(3)
        for model in ("small", "middle", "large")
        for song in ("a.wav", "b.wav")
    ], "each once before any twice"
    assert N_RETIMED == 3
    assert all(one.is_busy and one.n_retimed == 3 and len(one.timings) == 1 for one in outcomes.values())
    assert all(one.error is None and one.result for one in outcomes.values())


def test_only_the_disturbed_runs_of_a_cell_are_done_again(songs, store, probe, backend):
    bench = make(grid(n_times=3), songs[:1], store)
    probe.answers = [0.0, 0.0, 1.0, 1.0, 0.0]
    outcomes = {}
    step = next_step(bench, outcomes)
    first = outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    assert [one.is_busy for one in first.timings] == [False, True, True]
    backend.n_evaluations = 0
    assert len(run(bench, store, outcomes)) == 1
    after = outcomes[step.cell.id]
    assert backend.n_evaluations == 3 * N_CHUNKS, "one to warm up, and two"
    assert after.timings[0] == first.timings[0] and len(after.timings) == 3
    assert after == replace(first, timings=after.timings, n_retimed=1)


@pytest.mark.parametrize("is_local", [True, False])
def test_others_are_waited_for_before_a_cell_is_timed_again_here(songs, store, probe, monkeypatch, is_local):
    waited = []
    monkeypatch.setattr(steps, "quiet", benchmarks.waited(True, lambda: waited.append(len(waited))))
    probe.answers = [1.0]
    bench = make(grid(), songs[:1], store)
    step = next_step(bench, {})
    outcomes = {step.cell.id: result_of(perform(step, bench, {}, store, Inline()))}
    assert waited == []
    again = next_step(bench, outcomes)
    events, _ = ran(perform(again, bench, outcomes, store, Inline(), is_local=is_local))
    assert waited == ([0] if is_local else []) and isinstance(events[0], StillRunning) is is_local


def test_where_it_stays_busy_nothing_is_computed_and_the_attempt_counts(songs, store, probe, backend, monkeypatch):
    probe.answers = [1.0]
    monkeypatch.setattr(steps, "quiet", benchmarks.waited(False))
    bench, outcomes = make(grid(), songs[:1], store), {}
    step = next_step(bench, outcomes)
    first = outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    n_before = backend.n_evaluations
    assert told(run(bench, store, outcomes)) == [("time again", "large", "a.wav")] * N_RETIMED
    assert (
        backend.n_evaluations == n_before
        and outcomes[step.cell.id] == replace(first, n_retimed=N_RETIMED)
        and first.is_busy
    )


def test_of_work_on_other_computers_nothing_is_timed_again(songs, store, probe):
    probe.answers = [5.0]
    bench = make(grid(), songs[:1], store)
    step = next_step(bench, {})
    outcome = result_of(perform(step, bench, {}, store, Inline(), is_local=False))
    assert not outcome.is_busy and next_step(bench, {step.cell.id: outcome}) is None


# failures


@pytest.mark.parametrize(
    "error, what",
    [
        (RuntimeError("a matrix is singular"), "stopped because of an error in this program"),
        (KeyError("weights"), "stopped because of an error in this program"),
        (MemoryError(), "memory ran out"),
        (RuntimeError("CUDA out of memory"), "graphics card could not be used"),
        (SeparationError("It broke.", "It was glass.", "Buy a cup."), "It broke."),
        (AudioError("It is no audio."), "It is no audio."),
        (FileNotFoundError(errno.ENOENT, "No such file", "weights"), "could not be read or written"),
    ],
    ids=str,
)
def test_a_cell_that_fails_has_its_reason_as_outcome_and_the_others_go_on(bench, store, backend, error, what):
    failing_for(backend, "middle", error=error)
    outcomes = {}
    done = run(bench, store, outcomes)
    assert len(done) == 6
    failed = outcome_of(outcomes, bench.cells(), "middle")
    assert what in failed.error[0] and failed.result == "" and failed.timings == ()
    assert all(outcome_of(outcomes, bench.cells(), model).error is None for model in ("small", "large"))
    assert all(CellOutcome.from_dict(one.to_dict()).error == one.error for one in outcomes.values())


def test_the_log_tells_more_of_a_defect(bench, store, backend, caplog):
    failing_for(backend, "small")
    outcomes = {}
    run(bench, store, outcomes)
    assert "a matrix is singular" in caplog.text and "Traceback" in caplog.text
    fault = outcome_of(outcomes, bench.cells(), "small").error[2].split("fault ")[1][:6]
    assert fault in caplog.text


def test_a_cell_for_which_memory_sufficed_only_with_smaller_settings_is_said(bench, store, backend):
    cut = next(bench.cells()).request.chunks
    backend.smaller = lambda request, duration_s: iter([replace(request, chunks=replace(cut, chunk_s=0.5))])
    state = {"failed": False}

    def before():
        if backend.model is not None and not state["failed"]:
            state["failed"] = True
            raise MemoryError("no room")

    backend.before_evaluation = before
    outcomes = {}
    run(bench, store, outcomes)
    (failed,) = (one for one in outcomes.values() if one.error)
    assert "could not be computed here" in failed.error[0] and "chunks of 0.5 s" in failed.error[1]


@pytest.mark.parametrize(
    "error",
    [FileError("Nothing can be written."), StorageError("The index is gone."), OSError(errno.ENOSPC, "No space")],
)
def test_what_no_cell_can_help_ends_the_benchmark_with_a_sentence(bench, store, backend, error):
    failing_for(backend, "small", error=error)
    with pytest.raises(PlaygroundError) as ended:
        run(bench, store)
    assert ended.value is error or ended.value.__cause__ is error


def test_an_interrupt_is_no_outcome(bench, store, backend):
    failing_for(backend, "small", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ran(perform(next_step(bench, {}), bench, {}, store, Inline()))


def test_a_passage_that_was_removed_meanwhile_is_said_and_the_others_go_on(bench, store, songs):
    outcomes = {}
    step = next_step(bench, outcomes)
    outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    store.remove(songs[0].key)
    run(bench, store, outcomes)
    told_of = {cell.song.name: outcomes[cell.id].error for cell in bench.cells()}
    assert "“a.wav” is not in the library any more" in told_of["a.wav"][0] and told_of["b.wav"] is None
    assert outcomes[step.cell.id].error is None


def test_a_passage_whose_samples_are_gone_is_said(bench, store, songs):
    songs[0].audio.unlink()
    outcomes = {}
    run(bench, store, outcomes)
    assert sorted(one.error is None for one in outcomes.values()) == [False] * 3 + [True] * 3


def test_a_busy_cell_that_cannot_be_timed_again_is_kept_as_it_is(bench, store, songs, probe):
    probe.answers = [1.0]
    outcomes = {}
    while (step := next_step(bench, outcomes)).kind is StepKind.COMPUTE:
        outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    before = outcomes[step.cell.id]
    store.remove(songs[0].key)
    done = run(bench, store, outcomes)
    assert len(done) == 3 + 3 * 3, "each cell of the song that is gone was tried once"
    after = outcomes[step.cell.id]
    assert (after.result, after.timings, after.is_busy) == (before.result, before.timings, True)
    assert "not in the library any more" in after.error[0]


# a full disk


@pytest.fixture
def disk_bench(disk, backend, tmp_path):
    store = ArtifactStore(disk.home)
    songs = [import_recording(run_fakes.song(tmp_path / "a.wav", 4.0), store)]
    return make(grid(model=["large", "middle", "small"]), songs, store), store


def test_a_full_disk_ends_the_benchmark_with_a_sentence_and_what_is_finished_is_kept(disk, disk_bench):
    bench, store = disk_bench
    outcomes = {}
    step = next_step(bench, outcomes)
    finished = outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    filler = disk.fill()
    with pytest.raises(PlaygroundError) as full:
        run(bench, store, outcomes)
    assert "No space left" in str(full.value) or "full" in str(full.value)
    assert list(outcomes) == [step.cell.id] and store.get(finished.result) is not None
    filler.unlink()
    assert len(run(bench, store, outcomes)) == 2
    assert all(one.error is None for one in outcomes.values())


def test_a_disk_that_fills_while_a_cell_is_computed_is_a_sentence(disk, disk_bench, backend):
    bench, store = disk_bench
    backend.before_evaluation = lambda: disk.fill() if backend.n_evaluations == 3 else None
    outcomes = {}
    with pytest.raises(PlaygroundError, match=r"No space left|full"):
        run(bench, store, outcomes)
    assert outcomes == {}
    (disk.folder / "filler").unlink()
    backend.before_evaluation = lambda: None
    assert len(run(bench, store, outcomes)) == 3


# scores and distances


def kept_stems(song, store):
    whole = decode(song.audio).waveform.samples
    return with_known_stems(store.get(song.key), {"drums": whole}, store, sample_rate=song.sample_rate)


def test_results_are_held_against_the_true_stems_where_they_are_known(songs, store, scores):
    seen = []

    def scored(result, passage, truth):
        seen.append((result.recording, passage.key, [stem.name for stem in truth.tracks]))
        return {"tracks": {"drums": {"si_sdr_db": 7.0}}}

    scores(scored=scored)
    songs[0] = kept_stems(songs[0], store)
    bench = make(grid(), songs, store)
    outcomes = {}
    run(bench, store, outcomes)
    assert seen == [(songs[0].key, songs[0].key, ["drums"])]
    assert [outcomes[cell.id].scores for cell in bench.cells()] == [{"tracks": {"drums": {"si_sdr_db": 7.0}}}, None]


def test_a_result_that_cannot_be_scored_keeps_its_times(songs, store, scores):
    def scored(*_):
        raise AudioError("A stem is gone.", "It was removed.", "Bring it again.")

    scores(scored=scored)
    bench = make(grid(), [kept_stems(songs[0], store)], store)
    outcomes = {}
    run(bench, store, outcomes)
    (outcome,) = outcomes.values()
    assert outcome.error == ("A stem is gone.", "It was removed.", "Bring it again.")
    assert outcome.result and len(outcome.timings) == 1 and outcome.scores is None


def test_distances_are_measured_as_soon_as_both_are_there(songs, store, scores):
    seen = []

    def measured(result, reference):
        models = result.settings["model"], reference.settings["model"]
        seen.append((*models, result.recording == reference.recording))
        return distance(result, reference)

    scores(measured=measured)
    bench = make(grid(model=["large", "small"], reference={"model": "middle"}), songs, store)
    outcomes = {}
    done = told(run(bench, store, outcomes))
    # Each on the songs a and b: what is measured comes before what is computed next.
    assert [(kind, model) for kind, model, song in done if song == "a.wav"] == [
        ("compute", "small"),
        ("compute", "middle"),
        ("measure", "small"),
        ("measure", "middle"),
        ("compute", "large"),
        ("measure", "large"),
    ]
    assert seen and all(reference == "middle" and same for _, reference, same in seen) and len(seen) == 6
    of = {(cell.request.model, cell.song.name): outcomes[cell.id].distances for cell in bench.cells()}
    assert of["middle", "a.wav"]["drums"]["identical"] and not of["small", "b.wav"]["drums"]["identical"]
    assert set(of["small", "a.wav"]) == {"drums", RESIDUAL}


def test_without_a_reference_nothing_is_measured(bench, store):
    outcomes = {}
    assert {step.kind for step in run(bench, store, outcomes)} == {StepKind.COMPUTE}
    assert all(one.distances is None for one in outcomes.values())


def test_of_a_reference_that_failed_nothing_is_measured(songs, store, backend):
    failing_for(backend, "middle")
    bench = make(grid(model=["large", "small"], reference={"model": "middle"}), songs, store)
    outcomes = {}
    assert {step.kind for step in run(bench, store, outcomes)} == {StepKind.COMPUTE}
    assert outcome_of(outcomes, bench.cells(), "small").error is None


@pytest.mark.parametrize("how", ["evicted", "file"])
@pytest.mark.parametrize("whose", ["own", "reference"])
def test_a_result_that_is_gone_before_it_is_measured_keeps_its_times(songs, store, scores, how, whose):
    def measured(result, reference):
        for track in (*result.tracks, *reference.tracks):
            if not track.audio.exists():
                raise AudioError("A file is gone.")
        return distance(result, reference)

    scores(measured=measured)
    bench = make(grid(model=["large"], reference={"model": "middle"}), songs[:1], store)
    outcomes = {}
    while (step := next_step(bench, outcomes)).cell.request.model != "large" or step.kind is not StepKind.MEASURE:
        outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    before = outcomes[step.cell.id]
    key = before.result if whose == "own" else outcome_of(outcomes, bench.cells(), "middle").result
    if how == "evicted":
        store.remove(key)
    else:
        shutil.rmtree(next(iter(store.get(key).files.values())).parent)
    run(bench, store, outcomes)
    after = outcomes[step.cell.id]
    assert (after.result, after.timings, after.distances) == (before.result, before.timings, {})
    assert after.error[0]


def test_the_next_step_of_a_large_benchmark_is_found_without_naming_settings_again_and_again(songs, store, monkeypatch):
    bench = make(grid(seed=list(range(60)), reference={"seed": 999}), songs, store)
    assert len(bench.requests) == 61
    named = []
    monkeypatch.setattr(
        "separation.benchmark.benchmark.json.dumps", lambda *_, **__: named.append(1) or str(len(named))
    )
    setting_id.cache_clear()
    done = {cell.id: CellOutcome(result="r", timings=(timed(1.0),)) for cell in bench.cells()}
    assert next_step(bench, {key: done[key] for key in list(done)[:-2]}) is not None
    assert len(named) <= 61
    setting_id.cache_clear()


def test_a_result_is_not_measured_without_the_reference(songs, store):
    bench = make(grid(model=["small"], reference={"model": "middle"}), songs[:1], store)
    small, middle = bench.cells()
    gone = CellOutcome(result="0" * 64, timings=(timed(1.0),))
    outcomes = {small.id: gone, middle.id: gone}
    step = next_step(bench, outcomes)
    outcome = result_of(perform(step, bench, outcomes, store, Inline()))
    assert outcome.error[0] == "A result is not in the library any more." and outcome.timings == gone.timings
