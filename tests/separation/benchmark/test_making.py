"""A benchmark is made of a grid and recordings; what it takes is estimated before it starts; and it is written down."""

from __future__ import annotations

import json

import pytest

from separation.benchmark import making
from separation.benchmark.benchmark import Benchmark, CellOutcome, setting_id
from separation.benchmark.grid import expanded
from separation.benchmark.making import cost, cost_left, machine, make
from separation.doctor import installed
from separation.errors import SettingsError
from separation.estimates import estimates
from separation.hardware.processor import processor
from separation.model import RunCost
from separation.results.runs import import_recording
from tests.support import run_fakes
from tests.support.benchmarks import grid, settled, timed
from tests.support.run_fakes import RATE

CHUNKS = {"chunk_s": [1, 900], "overlap_s": 0.0}  # the latter is too long


@pytest.fixture
def backend(monkeypatch):
    backend = run_fakes.install(monkeypatch)
    backend.known_models = ("large", "small")
    works = {"large": 9.0, "small": 1.0}
    backend.cost = lambda request, duration_s: RunCost(work=works[request.model], held_s=1.0)
    return backend


@pytest.fixture
def songs(store, tmp_path, backend):
    return [
        import_recording(run_fakes.song(tmp_path / f"{name}.wav", seconds, seed=n), store)
        for n, (name, seconds) in enumerate({"a": 3.0, "b": 5.0}.items())
    ]


def known(seconds, bytes=None):
    """Stands for `expected`: so many seconds for each second of audio."""

    def expected(request, duration_s, past=()):
        span = None if seconds is None else (seconds * duration_s, 2 * seconds * duration_s)
        return estimates.Estimate(seconds=span, memory_bytes=bytes, n_runs=0)

    return expected


def test_it_has_the_passage_of_each_recording(songs, store):
    bench = make(grid({"start_s": 1.0, "length_s": 1.5}, name="Mine"), songs, store, id="mine")
    assert (bench.id, bench.name) == ("mine", "Mine")
    assert [(song.name, song.recording, song.duration_s) for song in bench.songs] == [
        ("a.wav", songs[0].key, 1.5),
        ("b.wav", songs[1].key, 1.5),
    ]
    assert all(store.get(song.key) is not None and song.key != song.recording for song in bench.songs)
    whole = make(grid(), songs, store)
    assert [song.key for song in whole.songs] == [song.key for song in songs]
    assert whole.name == "Benchmark" and whole.id and whole.id != make(grid(), songs, store).id
    assert bench.created.endswith("+00:00")


def test_the_same_recording_twice_is_one_song(songs, store):
    assert len(make(grid(), [songs[0], songs[0]], store).songs) == 1


def test_settings_are_ordered_by_what_they_take(songs, store, monkeypatch):
    def models(past=()):
        return [one.model for one in make(grid(model=["large", "small"]), songs, store, past=past).requests]

    assert models() == ["small", "large"], "by their work, where no time is known"

    def expected(request, duration_s, past):
        assert duration_s == 5.0, "of the longest passage"
        seconds = {"large": (1.0, 2.0), "small": (0.5, 4.0)}[request.model]
        return estimates.Estimate(seconds=seconds, memory_bytes=None, n_runs=1)

    monkeypatch.setattr(making, "expected", expected)
    assert models() == ["large", "small"]


def test_the_reference_is_named(songs, store):
    bench = make(grid(model=["small"], reference={"model": "large"}), songs, store)
    assert [one.model for one in bench.requests] == ["small", "large"]
    assert bench.reference == setting_id(bench.requests[1])
    for song in bench.songs:
        cell = bench.reference_cell(song)
        assert (cell.song, cell.request.model) == (song, "large") and cell in bench.cells()
    without = make(grid(), songs, store)
    assert without.reference == "" and without.reference_cell(without.songs[0]) is None


def test_what_is_left_out_and_what_is_the_same_is_told(songs, store):
    bench = make(grid(model=["small"], chunks={"chunk_s": [1, 1.0, 900], "overlap_s": 0.0}), songs, store)
    assert bench.n_same == 1 and [one.n_combinations for one in bench.left_out] == [1]


def test_nothing_to_separate_and_too_much_are_sentences(songs, store, monkeypatch):
    with pytest.raises(SettingsError, match="No recording was chosen"):
        make(grid(), [], store)
    with pytest.raises(SettingsError, match="has no passage at 0:04"):
        make(grid({"start_s": 4.0}), songs, store)
    monkeypatch.setattr(making, "MOST_CELLS", 4)
    assert len(list(make(grid(model=["large", "small"]), songs, store).cells())) == 4
    n_kept = len(store.list())
    with pytest.raises(SettingsError, match=r"has 8 measurements.*At most 4"):
        make(grid({"length_s": 1.0}, model=["large", "small"], device=["cpu", "auto"]), songs[:1] * 2, store)
    assert len(store.list()) == n_kept, "nothing is cut before that is known"


def test_cells_have_names_of_their_own_that_no_other_benchmark_changes(songs, store):
    cells = list(make(grid(model=["large", "small"]), songs, store).cells())
    assert len({cell.id for cell in cells}) == 4
    others = list(make(grid(model=["small", "large"], seed=0), songs[:1], store).cells())
    assert {cell.id for cell in others} < {cell.id for cell in cells}
    assert all("/" not in cell.id for cell in cells)


# the estimate


def test_what_it_takes_is_the_sum_over_all_runs(songs, store, monkeypatch):
    monkeypatch.setattr(making, "expected", known(2.0, (10.0, 30.0)))
    asked = grid({"start_s": 1.0, "length_s": 3.0}, n_times=3, model=["large", "small"])
    takes = cost(expanded(asked), asked, songs, ())
    audio_s = 2 * (2.0 + 3.0)  # two settings, on 2 s of the first and 3 s of the second
    assert takes.seconds == (2 * audio_s * 3, 4 * audio_s * 4), "the warm-up is in the upper end"
    assert (takes.n_cells, takes.memory_bytes, takes.n_unknown) == (4, (10.0, 30.0), 0)
    assert takes.disk_bytes == 2 * audio_s * RATE * 2 * 4, "two tracks in stereo of four bytes"


def test_what_is_not_known_is_counted(songs, store, monkeypatch):
    def expected(request, duration_s, past):
        return known(None if request.model == "large" else 1.0, None)(request, duration_s)

    monkeypatch.setattr(making, "expected", expected)
    asked = grid(model=["large", "small"])
    takes = cost(expanded(asked), asked, songs, ())
    assert (takes.seconds, takes.memory_bytes, takes.n_unknown) == ((8.0, 2 * 16.0), None, 2)
    monkeypatch.setattr(making, "expected", known(None))
    assert cost(expanded(asked), asked, songs, ()).seconds is None


def test_memory_is_that_of_the_largest(songs, store, monkeypatch):
    def expected(request, duration_s, past):
        return known(1.0, (9.0, 10.0) if request.model == "small" else (1.0, 50.0))(request, duration_s)

    monkeypatch.setattr(making, "expected", expected)
    asked = grid(model=["large", "small"])
    assert cost(expanded(asked), asked, songs, ()).memory_bytes == (1.0, 50.0)


def test_a_passage_beyond_the_end_is_refused_before_anything_is_made(songs, store):
    asked = grid({"start_s": 4.0})
    with pytest.raises(SettingsError, match=r"“a.wav” has no passage at 0:04"):
        cost(expanded(asked), asked, songs, ())
    assert cost(expanded(asked), asked, songs[1:], ()).n_cells == 1


def test_what_is_left_is_that_of_the_cells_without_an_outcome(songs, store, monkeypatch):
    monkeypatch.setattr(making, "expected", known(1.0))
    bench = make(grid(n_times=2, model=["large", "small"]), songs, store)
    assert cost_left(bench, {}, ()) == (2 * 8 * 2, 2 * 16 * 3)
    cells = list(bench.cells())
    assert cost_left(bench, {cells[0].id: CellOutcome()}, ()) == (2 * 13, 3 * 26)
    assert cost_left(bench, {cell.id: CellOutcome() for cell in cells}, ()) == (0, 0)
    monkeypatch.setattr(making, "expected", known(None))
    assert cost_left(bench, {}, ()) is None


# the computer


def test_the_computer_is_described_in_words():
    found = machine()
    assert {"processor", "cores", "system", "python"} <= set(found)
    assert all(isinstance(value, str) and value for value in found.values())
    assert found["cores"].isdigit()
    assert "not installed" not in found.values()


def test_packages_that_are_not_installed_are_not_named(monkeypatch):
    versions = {"torch": "2.9.1", "mlx": "not installed", "numpy": "2.0"}
    monkeypatch.setattr(installed, "version", versions.__getitem__)
    found = machine()
    assert found["torch"] == "2.9.1" and not {"mlx", "numpy"} & set(found)


def test_the_processor_has_the_name_its_maker_gave_it(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: A Fast: One @ 3 GHz\nmodel name\t: Another\n")
    assert processor(info) == "A Fast: One @ 3 GHz"
    info.write_text("Hardware: none of the kind\n")
    assert processor(info) and processor(tmp_path / "nothing")


# written down


def test_plain_values_and_back_are_the_same_benchmark(songs, store):
    asked = grid({"start_s": 0.5, "length_s": 1.0}, 2, {"model": "large"}, model=["small"], chunks=CHUNKS, name="Ü")
    bench = make(asked, songs, store)
    written = json.loads(json.dumps(bench.to_dict(), allow_nan=False))
    assert Benchmark.from_dict(written) == bench
    assert [cell.id for cell in Benchmark.from_dict(written).cells()] == [cell.id for cell in bench.cells()]


@pytest.mark.parametrize(
    "change",
    [
        {"grid": None},
        {"grid": []},
        {"grid": {"prompts": ["drums"], "of_a_later_version": 1}},
        {"songs": None},
        {"songs": [1]},
        {"songs": [{"key": "k"}]},
        {"requests": [{"prompts": []}]},
        {"requests": [5]},
        {"requests": 5},
        {"left_out": [{"why": "x"}]},
        {"left_out": None},
        {"of_a_later_version": 1},
    ],
    ids=str,
)
def test_a_benchmark_that_cannot_be_read_is_a_sentence(songs, store, change):
    written = make(grid(), songs, store).to_dict()
    with pytest.raises(SettingsError, match=r"A benchmark cannot be read. It is damaged, or of another version"):
        Benchmark.from_dict({**written, **change})
    with pytest.raises(SettingsError, match="A benchmark cannot be read"):
        Benchmark.from_dict({name: value for name, value in written.items() if name not in change and name != "id"})


def test_plain_values_and_back_are_the_same_outcome():
    full = CellOutcome(
        result="r",
        timings=(timed(1.0, others=2.0), timed(0.5)),
        n_retimed=1,
        nfe=7,
        scores={"tracks": {}},
        distances={"drums": {"identical": True}},
        error=("What.", "Why.", "Do."),
    )
    written = json.loads(json.dumps(full.to_dict(), allow_nan=False))
    assert CellOutcome.from_dict(written) == full and CellOutcome.from_dict(CellOutcome().to_dict()) == CellOutcome()
    assert full.is_busy and not CellOutcome(timings=(timed(1.0),)).is_busy


@pytest.mark.parametrize(
    "values",
    [{"more": 1}, {"timings": [{}]}, {"timings": [5]}, {"timings": None}, {"timings": 5}, [], 5, None],
    ids=str,
)
def test_what_is_no_outcome_is_a_type_error(values):
    with pytest.raises(TypeError):
        CellOutcome.from_dict(values)


def test_the_id_of_a_setting_depends_on_all_of_it():
    assert setting_id(settled()) == setting_id(settled()) and len(setting_id(settled())) == 12
    assert len({setting_id(settled(seed=seed, model=model)) for seed in range(9) for model in ("a", "b")}) == 18
