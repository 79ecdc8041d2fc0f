"""A benchmark as JSON, with all that is known of it: grid, computer, passages, cells, each time and each score."""

from __future__ import annotations

import json
from typing import Any

from separation import __version__
from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.benchmark.measures import MEASURES
from separation.benchmark.reporting.facts import Outcomes, facts

FORMAT = "Audio Playground, benchmark 1"


def text(benchmark: Benchmark, outcomes: Outcomes) -> str:
    """Return all that is known as JSON."""
    return json.dumps(values(benchmark, outcomes), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def values(benchmark: Benchmark, outcomes: Outcomes) -> dict[str, Any]:
    """Return all that is known as plain values; `read` takes them back."""
    return {
        "format": FORMAT,
        "program": __version__,
        "about": {one.name: one.text for one in facts(benchmark, outcomes)},
        "measures": {
            id: {"unit": one.unit, "better": one.better, "meaning": one.meaning} for id, one in MEASURES.items()
        },
        "benchmark": benchmark.to_dict(),
        "cells": [
            {"cell": cell.id, "setting": cell.setting, "song": cell.song.key, **outcomes[cell.id].to_dict()}
            for cell in benchmark.cells()
            if cell.id in outcomes
        ],
    }


def read(values: dict[str, Any]) -> tuple[Benchmark, dict[str, CellOutcome]]:
    """Return the benchmark and the outcomes that `values` described.

    Raises:
        SettingsError: it is none, or of another version of this program.
    """
    cells = {}
    for one in values["cells"]:
        own = {name: value for name, value in one.items() if name not in ("cell", "setting", "song")}
        cells[one["cell"]] = CellOutcome.from_dict(own)
    return Benchmark.from_dict(values["benchmark"]), cells
