"""What a report says besides figures: on what, where and when a benchmark ran, and what is missing and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from separation import __version__
from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.benchmark.grid import Passage
from separation.benchmark.measures import MEASURES
from separation.benchmark.table import SettingRow, words_of
from separation.formatted import clock, counted

Outcomes = Mapping[str, CellOutcome]
MACHINE = {
    "processor": "Processor",
    "cores": "Cores",
    "system": "System",
    "python": "Python",
    "torch": "PyTorch",
    "mlx": "MLX",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One line about a benchmark: what it is about, and what there is to say."""

    name: str
    text: str


def facts(benchmark: Benchmark, outcomes: Outcomes) -> list[Fact]:
    """Return all there is to say of a benchmark, in the order in which people ask."""
    machine = [Fact(name=MACHINE.get(key, key), text=value) for key, value in benchmark.machine.items()]
    songs = ", ".join(f"“{song.name}” ({clock(song.duration_s, 1)})" for song in benchmark.songs)
    lines = [
        Fact(name="Made", text=f"{benchmark.created}, by Audio Playground {__version__}"),
        *machine,
        Fact(name="Recordings", text=songs),
        Fact(name="Passage", text=passage_text(benchmark.grid.passage)),
        Fact(name="Times", text=_times(benchmark)),
    ]
    if benchmark.reference:
        lines.append(Fact(name="Reference", text=_reference(benchmark)))
    return lines + lacks(benchmark, outcomes)


def lacks(benchmark: Benchmark, outcomes: Outcomes) -> list[Fact]:
    """Return what is missing or not to be trusted, and why: left out, failed, unfinished, busy, dropped."""
    lines = [
        Fact(name="Left out", text=f"{counted(one.n_combinations, 'combination')}: {one.why}")
        for one in benchmark.left_out
    ]
    if benchmark.n_same:
        words = f"{counted(benchmark.n_same, 'combination')}: the same as another one for their separator"
        lines.append(Fact(name="Counted once", text=words))
    cells = list(benchmark.cells())
    if n_missing := sum(cell.id not in outcomes for cell in cells):
        lines.append(Fact(name="Not finished", text=f"{n_missing} of {counted(len(cells), 'measurement')}"))
    reasons: dict[str, int] = {}
    for outcome in outcomes.values():
        if outcome.error is not None:
            why = " ".join(part for part in outcome.error[:2] if part)
            reasons[why] = reasons.get(why, 0) + 1
    lines += [Fact(name="Failed", text=f"{counted(n, 'measurement')}: {why}") for why, n in reasons.items()]
    if n_busy := sum(outcome.is_busy for outcome in outcomes.values()):
        n_again = max(outcome.n_retimed for outcome in outcomes.values() if outcome.is_busy)
        again = f", also when timed again, up to {counted(n_again, 'time')}" if n_again else ""
        text = f"{counted(n_busy, 'measurement')}: other programs kept the computer busy{again}"
        lines.append(Fact(name="Times not to be trusted", text=text))
    return lines + _dropped(outcomes)


def passage_text(passage: Passage) -> str:
    """Return which part of each recording was separated."""
    if passage.length_s is None:
        return "all of each" if passage.start_s == 0 else f"from {clock(passage.start_s, None)} to the end"
    return f"{clock(passage.start_s, None)} to {clock(passage.start_s + passage.length_s, None)}"


def measures_of(rows: Sequence[SettingRow], ids: Sequence[str]) -> list[str]:
    """Return those of these measures which some row has."""
    return [id for id in ids if id in MEASURES and any(id in row.values for row in rows)]


def _times(benchmark: Benchmark) -> str:
    n_times = benchmark.grid.n_times
    runs = "of one run" if n_times == 1 else f"the median of {n_times} runs"
    return f"{runs}, after one that warms up; without reading the model"


def _reference(benchmark: Benchmark) -> str:
    cell = benchmark.reference_cell(benchmark.songs[0])
    assert cell is not None
    return words_of(benchmark.requests)[benchmark.requests.index(cell.request)] or "the only setting"


def _dropped(outcomes: Outcomes) -> list[Fact]:
    """Return how many seconds museval's ratio leaves out."""
    dropped = [int((outcome.scores or {}).get("n_dropped_frames", 0)) for outcome in outcomes.values()]
    concerned = [n for n in dropped if n]
    if not concerned:
        return []
    span = f"{min(concerned)} to {max(concerned)}" if min(concerned) < max(concerned) else f"{concerned[0]}"
    seconds = "second" if span == "1" else "seconds"
    where = f"in {counted(len(concerned), 'measurement')}, because a track or a true sound is silent there"
    return [Fact(name=f"Frames left out of {MEASURES['sdr_db'].label}", text=f"{span} {seconds} {where}")]
