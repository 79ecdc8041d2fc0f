"""How good each model was here, by the newest benchmark that measured it."""

from __future__ import annotations

from separation.benchmark.benchmark import Benchmark, CellOutcome, Excerpt
from separation.benchmark.grid import Grid
from separation.benchmark.standings import standings
from separation.prompts.targets import RESIDUAL
from separation.request import ChunkSettings, Request

SONG = Excerpt(key="a" * 64, name="A", recording="a" * 64, duration_s=10.0)
LONG = Request.of("drums", "bass", backend="builtin-dsp", model="classical", chunks=ChunkSettings(chunk_s=10.0))
SHORT = Request.of("drums", "bass", backend="builtin-dsp", model="classical", chunks=ChunkSettings(chunk_s=5.0))
OTHER = Request.of("drums", "bass", backend="builtin", model="network")


def benchmark(created, *requests, id="one"):
    return Benchmark(
        id=id,
        name=f"Benchmark {id}",
        created=created,
        grid=Grid(settings=requests[0].to_dict()),
        songs=(SONG,),
        requests=requests,
    )


def outcomes(of, *qualities):
    """Outcomes with the SI-SDR of drums and bass of each setting; None where there is no truth."""
    found = {}
    for cell, (drums, bass) in zip(of.cells(), qualities, strict=True):
        tracks = {"drums": {"si_sdr_db": drums}, "bass": {"si_sdr_db": bass}, RESIDUAL: {"si_sdr_db": 99.0}}
        found[cell.id] = CellOutcome(result="r", scores={"tracks": tracks, "n_dropped_frames": 0, "untold": []})
    return found


def test_the_best_setting_of_a_model_counts_by_the_mean_of_what_was_asked_for():
    one = benchmark("2026-01-01", LONG, SHORT, OTHER)
    found = standings([(one, outcomes(one, (6.0, 2.0), (5.0, 5.0), (9.0, 8.0)))])
    assert {model: place.si_sdr_db for model, place in found.items()} == {
        ("builtin-dsp", "classical"): 5.0,
        ("builtin", "network"): 8.5,
    }
    assert found["builtin", "network"].stems == ("drums", "bass"), "what is left over was not asked for"
    assert (found["builtin", "network"].benchmark, found["builtin", "network"].name) == ("one", "Benchmark one")


def test_the_newest_benchmark_counts_whatever_their_order():
    old, new = benchmark("2026-01-01", LONG, OTHER, id="old"), benchmark("2026-02-01", LONG, id="new")
    known = [(new, outcomes(new, (1.0, 1.0))), (old, outcomes(old, (6.0, 6.0), (3.0, 3.0)))]
    for these in (known, known[::-1]):
        found = standings(these)
        assert (
            found["builtin-dsp", "classical"].si_sdr_db == 1.0 and found["builtin-dsp", "classical"].benchmark == "new"
        )
        assert found["builtin", "network"].si_sdr_db == 3.0, "only the old one measured it"


def test_what_was_not_measured_in_all_stems_has_no_standing():
    one = benchmark("2026-01-01", LONG, OTHER)
    assert set(standings([(one, outcomes(one, (6.0, None), (5.0, 5.0)))])) == {("builtin", "network")}


def test_without_known_stems_there_is_none():
    one = benchmark("2026-01-01", LONG)
    assert standings([(one, {cell.id: CellOutcome(result="r") for cell in one.cells()})]) == {}
    assert standings([(one, {})]) == {}
