"""A benchmark as CSV: a line for each setting, recording and track, with the computer in each, for any spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.benchmark.measures import COSTS, QUALITY
from separation.benchmark.reporting.facts import Outcomes, passage_text
from separation.benchmark.table import rows, stems
from separation.comparing.answers_file import FORMULAS

WHAT = ("separator", "settings", "recording", "passage", "track")
TIMES = ("times_s", "times_apart", "busy")
WHERE = ("error", "setting", "result", "made")


def text(benchmark: Benchmark, outcomes: Outcomes) -> str:
    """Return the table as CSV: empty cells for what is unknown, times of the single runs separated by spaces."""
    machine = tuple(benchmark.machine)
    out = io.StringIO()
    writer = csv.DictWriter(out, (*WHAT, *COSTS, *TIMES, *QUALITY, *WHERE, *machine), lineterminator="\r\n")
    writer.writeheader()
    for line in _lines(benchmark, outcomes):
        writer.writerow({name: cell(value) for name, value in {**line, **benchmark.machine}.items()})
    return out.getvalue()


def cell(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet takes for a formula: names are from strangers, numbers are ours."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _lines(benchmark: Benchmark, outcomes: Outcomes) -> Iterator[dict[str, Any]]:
    names = {song.key: song.name for song in benchmark.songs}
    kept = {(one.setting, one.song.key): outcomes[one.id] for one in benchmark.cells() if one.id in outcomes}
    tracks = stems(outcomes.values()) or ("",)
    tables = {track: rows(benchmark, outcomes, track) for track in tracks}
    for index, row in enumerate(tables[tracks[0]]):
        for number, figures in enumerate(row.figures):
            outcome = kept[row.setting, figures.song]
            for track in tracks:
                values = tables[track][index].figures[number].values
                yield {
                    "separator": row.separator,
                    "settings": row.words,
                    "recording": names[figures.song],
                    "passage": passage_text(benchmark.grid.passage),
                    "track": track,
                    **{id: values.get(id) for id in (*COSTS, *QUALITY)},
                    **_times(outcome),
                    "error": " ".join(figures.error or ()).strip(),
                    "setting": row.setting,
                    "result": figures.result,
                    "made": benchmark.created,
                }


def _times(outcome: CellOutcome) -> dict[str, Any]:
    seconds = [one.seconds for one in outcome.timings]
    return {
        "times_s": " ".join(f"{one:.4g}" for one in seconds),
        "times_apart": round(max(seconds) - min(seconds), 4) if len(seconds) > 1 else None,
        "busy": "yes" if outcome.is_busy else "no",
    }
