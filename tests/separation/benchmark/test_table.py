"""The table: a row for each setting, its figures over all songs, and in which settings rows differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.benchmark.benchmark import Benchmark, CellOutcome, Excerpt
from separation.benchmark.grid import Grid
from separation.benchmark.scores import ResultScores, StemDistance, StemScores
from separation.benchmark.table import rows, separator_of, stems, words_of
from separation.prompts.targets import RESIDUAL
from separation.request import (
    Anchor,
    ChunkSettings,
    DemucsSettings,
    Prompt,
    Request,
    Reroll,
    SamSettings,
    SolverSettings,
)
from tests.support import fakes
from tests.support.benchmarks import settled, timed

SONGS = tuple(Excerpt(key=f"{name * 64}", name=name, recording=name, duration_s=10.0) for name in "abc")


@pytest.fixture(autouse=True)
def separator(monkeypatch):
    return fakes.use_only(monkeypatch)


def bench(*requests, songs=SONGS):
    return Benchmark(id="b", name="B", created="", grid=Grid(settings={}), songs=songs, requests=requests)


def done(benchmark, *outcomes):
    return {cell.id: outcome for cell, outcome in zip(benchmark.cells(), outcomes, strict=False) if outcome is not None}


def scored(**values):
    return ResultScores(tracks={"drums": StemScores(**values)}, n_dropped_frames=0).to_dict()


def outcome(*seconds, **more):
    return CellOutcome(result="r", timings=tuple(timed(one) for one in seconds), **more)


def row(*outcomes, songs=SONGS, stem="drums"):
    benchmark = bench(settled(), songs=songs)
    (found,) = rows(benchmark, done(benchmark, *outcomes), stem)
    return found


def test_figures_are_medians_over_the_songs():
    found = row(outcome(1.0, 2.0, 6.0, nfe=4), outcome(3.0, nfe=8), outcome(10.0, nfe=6))
    assert [one.values["seconds"] for one in found.figures] == [2.0, 3.0, 10.0]
    assert (found.values["seconds"], found.values["rtf"], found.values["nfe"]) == (3.0, 0.3, 6)
    assert found.values["first_sound_s"] == 1.5
    assert [one.song for one in found.figures] == [song.key for song in SONGS]
    assert found.is_done and found.n_songs == 3


def test_times_are_of_the_runs_that_can_be_trusted_and_memory_is_the_most_of_all():
    busy = timed(9.0, others=3.0, peak_bytes=50, device_bytes=7, energy_j=1.0, first_sound_s=8.0)
    calm = [timed(s, peak_bytes=40 + int(s), energy_j=10 * s, first_sound_s=s / 4) for s in (1.0, 3.0, 2.0)]
    found = row(CellOutcome(result="r", timings=(busy, *calm)), songs=SONGS[:1])
    assert found.values == {
        "seconds": 2.0,
        "rtf": 0.2,
        "first_sound_s": 0.5,
        "peak_bytes": 50,
        "device_bytes": 7,
        "energy_j": 10.0,
    }
    assert found.is_busy
    only = row(CellOutcome(result="r", timings=(busy,)), songs=SONGS[:1])
    assert (only.values["seconds"], only.values["energy_j"], only.is_busy) == (9.0, 1.0, True)
    assert not row(outcome(1.0)).is_busy
    assert row(outcome(1.0), CellOutcome(result="r", timings=(busy,))).is_busy, "one song is enough"


def test_a_measure_that_is_not_known_in_all_songs_that_are_done_has_no_median():
    with_memory = CellOutcome(result="r", timings=(timed(1.0, peak_bytes=5),))
    found = row(with_memory, outcome(2.0))
    assert "peak_bytes" not in found.values and found.values["seconds"] == 1.5
    assert found.figures[0].values["peak_bytes"] == 5
    assert not found.is_done


def test_the_spread_is_that_of_the_song_whose_times_lie_apart_most():
    assert row(outcome(10.0, 11.0, 12.0), outcome(1.0, 1.0), outcome(5.0)).spread == pytest.approx(2 / 11)
    assert row(outcome(1.0), outcome(50.0), outcome(100.0)).spread == 0
    assert row(outcome(0.0, 0.0)).spread == 0


def test_quality_is_that_of_the_chosen_track_and_of_numbers_only():
    scores = ResultScores(
        tracks={
            "drums": StemScores(si_sdr_db=7.5, sdr_db=6.0, undefined={"pesq": "the true sound is no voice"}),
            RESIDUAL: StemScores(si_sdr_db=1.0),
        },
        n_dropped_frames=0,
    ).to_dict()
    quality = {"si_sdr_db", "sdr_db", "pesq", "undefined"}
    found = row(outcome(1.0, scores=scores), songs=SONGS[:1])
    assert {name: found.values[name] for name in quality & set(found.values)} == {"si_sdr_db": 7.5, "sdr_db": 6.0}
    assert row(outcome(1.0, scores=scores), songs=SONGS[:1], stem=RESIDUAL).values["si_sdr_db"] == 1.0
    assert not quality & set(row(outcome(1.0, scores=scores), stem="bass").values)


def test_quality_is_the_median_over_songs():
    found = row(*(outcome(1.0, scores=scored(si_sdr_db=value)) for value in (1.0, 9.0, 4.0)))
    assert found.values["si_sdr_db"] == 4.0
    some = row(outcome(1.0, scores=scored(si_sdr_db=1.0)), outcome(1.0, scores=None))
    assert "si_sdr_db" not in some.values and some.figures[0].values["si_sdr_db"] == 1.0


def test_the_distance_from_the_reference_is_that_of_the_chosen_track():
    far = {"drums": StemDistance(error_db=-30.0, si_sdr_db=29.0, identical=False).to_dict()}
    same = {"drums": StemDistance(error_db=None, si_sdr_db=None, identical=True).to_dict()}
    found = row(outcome(1.0, distances=far, scores=scored(si_sdr_db=3.0)), songs=SONGS[:1])
    assert (found.values["error_db"], found.values["si_sdr_db"]) == (-30.0, 3.0), "the latter of the true sound"
    assert "error_db" not in row(outcome(1.0, distances=far), stem="bass").values
    for distances in (same, {}, None):
        assert "error_db" not in row(outcome(1.0, distances=distances)).values


FAILED = ("It broke.", "It was glass.", "Buy a cup.")


def test_a_song_that_failed_is_in_no_median_and_says_why():
    found = row(outcome(1.0), CellOutcome(error=FAILED), outcome(3.0))
    assert found.values["seconds"] == 2.0 and found.is_done
    assert [one.error for one in found.figures] == [None, FAILED, None]
    assert (found.figures[1].result, found.figures[1].values) == ("", {})
    nothing = row(CellOutcome(error=FAILED))
    assert nothing.values == {} and nothing.spread == 0 and not nothing.is_busy


def test_a_song_of_which_only_a_measure_failed_keeps_its_other_figures():
    found = row(outcome(1.0, error=FAILED), outcome(3.0), outcome(5.0))
    assert found.values["seconds"] == 3.0 and found.figures[0].error == FAILED
    assert found.figures[0].result == "r"


def test_rows_come_in_the_order_of_the_benchmark_once_one_song_is_done():
    requests = [settled(seed=seed) for seed in range(3)]
    benchmark = bench(*requests)
    outcomes = done(benchmark, outcome(1.0), None, None, None, None, None, outcome(2.0))
    assert [one.request.seed for one in rows(benchmark, outcomes, "drums")] == [0, 2]
    assert rows(benchmark, {}, "drums") == []


def test_tracks_are_listed_with_everything_else_last():
    scores = ResultScores(
        tracks={RESIDUAL: StemScores(), "drums": StemScores(), "bass": StemScores()}, n_dropped_frames=0
    ).to_dict()
    assert stems([outcome(1.0), outcome(1.0, scores=scores)]) == ("drums", "bass", RESIDUAL)
    assert stems([outcome(1.0, distances={"voice": {}}), outcome(1.0, scores=scores)]) == (
        "voice",
        "drums",
        "bass",
        RESIDUAL,
    )
    assert stems([]) == ()


# words


def test_words_are_the_settings_that_differ_and_no_others():
    assert words_of([settled()]) == [""]
    solvers = [settled(solver=SolverSettings(method="euler", n_steps=n)) for n in (4, 8)]
    assert words_of(solvers) == ["steps 4", "steps 8"]
    assert words_of([settled(model="only"), settled(model="another")]) == ["", ""], "the separator says so"
    assert words_of([settled(device="cpu"), settled(device="cuda")]) == ["cpu", "cuda"]


def test_prompts_are_named_where_they_differ():
    one, other = Prompt(text="drums"), Prompt(text="bass")
    assert words_of([settled(prompts=(one,)), settled(prompts=(one, other))]) == ["drums", "drums, bass"]


def test_spans_are_named_where_they_differ():
    spans = (Anchor(sign="+", start_s=1.5, stop_s=3), Anchor(sign="-", start_s=70, stop_s=80))
    plain, spanned = Prompt(text="drums"), Prompt(text="drums", anchors=spans)
    assert words_of([settled(prompts=(plain,)), settled(prompts=(spanned,))]) == [
        "drums",
        "drums (+1.5 to 3 s, -70 to 80 s)",
    ]

    bass = Prompt(text="bass", anchors=spans)
    assert words_of([settled(prompts=(bass,)), settled(prompts=(spanned,))]) == ["bass", "drums"]


DIFFERENT = [
    settled(),
    settled(prompts=(Prompt(text="bass"),)),
    settled(prompts=(Prompt(text="drums"), Prompt(text="bass"))),
    settled(prompts=(Prompt(text="drums", anchors=(Anchor(sign="+", start_s=0, stop_s=1),)),)),
    settled(prompts=(Prompt(text="drums", anchors=(Anchor(sign="-", start_s=0, stop_s=1),)),)),
    settled(prompts=(Prompt(text="drums", anchors=(Anchor(sign="+", start_s=0, stop_s=1.25),)),)),
    settled(model="another"),
    settled(device="cpu"),
    settled(chunks=None),
    settled(chunks=ChunkSettings(chunk_s=None)),
    settled(chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.5)),
    settled(chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0, fade="linear")),
    settled(chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0, max_chunks=2)),
    settled(chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0, stitch="multidiffusion")),
    settled(solver=SolverSettings(method="euler")),
    settled(solver=SolverSettings(n_steps=3)),
    settled(demucs=DemucsSettings(shifts=2)),
    settled(demucs=DemucsSettings(segment_s=5.0)),
    settled(demucs=DemucsSettings(split=False)),
    settled(sam=SamSettings(precision="int8")),
    settled(sam=SamSettings(chain=True)),
    settled(sam=SamSettings(rerolls=(Reroll(chunk=0, seed=1),))),
    settled(sam=SamSettings(rerolls=(Reroll(chunk=0, seed=2),))),
    settled(seed=5),
]


def test_no_two_settings_have_the_same_label(separator):
    separator.known_models = ("only", "another")
    benchmark = bench(*DIFFERENT, songs=SONGS[:1])
    labels = [one.label for one in rows(benchmark, done(benchmark, *[outcome(1.0)] * len(DIFFERENT)), "drums")]
    assert len(labels) == len(DIFFERENT)
    twice = {label for label in labels if labels.count(label) > 1}
    assert not twice


def test_the_separator_is_named_with_its_model_if_it_has_several(separator):
    assert separator_of(settled()) == "Fake"
    separator.known_models = ("only", "someone/sam-large")
    assert separator_of(settled()) == "Fake only"
    assert separator_of(settled(model="someone/sam-large")) == "Fake sam-large"
    assert separator_of(settled(model=None)) == "Fake"
    assert separator_of(Request.of("drums", backend="of another version")) == "of another version"
    benchmark = bench(settled(), settled(seed=1))
    labels = [one.label for one in rows(benchmark, done(benchmark, *[outcome(1.0)] * 6), "drums")]
    assert labels == ["Fake only · seed 0", "Fake only · seed 1"]
    assert row(outcome(1.0)).label == "Fake only"


def test_an_outcome_is_read_from_what_was_written_of_it():
    full = outcome(1.0, 2.0, scores=scored(si_sdr_db=1.0), distances={"drums": {}}, error=FAILED, n_retimed=2, nfe=3)
    assert CellOutcome.from_dict(full.to_dict()) == full
    assert row(CellOutcome.from_dict(full.to_dict())) == row(full)
    assert replace(full, error=None) != full
