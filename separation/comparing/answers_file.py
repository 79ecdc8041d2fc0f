"""A blind test with all answers as plain values and as a table, for files that people keep or compute with."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from separation.comparing.blind_test import TRAINING, BlindTest, Listener, is_right
from separation.comparing.finding import finding_of

COLUMNS = ("listener", "name", "trial", "training", "a", "b", "x", "answer", "right")
# A cell that begins like this is a formula to a spreadsheet; a listener's name is from a stranger.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def exported(test: BlindTest, listeners: Sequence[Listener]) -> dict[str, Any]:
    """Return a test with its sides, its listeners' answers and its finding as plain values, without the link's key."""
    finding = finding_of(test, listeners)
    about = {name: value for name, value in test.to_dict().items() if name not in ("key", "sounds")}
    return {
        **about,
        "listeners": [
            {
                "name": one.name,
                "created": one.created,
                "ended": one.ended,
                "checks": dict(one.checks),
                "note": row.note,
                "answers": _rows(test, number, one),
            }
            for number, (one, row) in enumerate(zip(listeners, finding.rows, strict=True), start=1)
        ],
        "finding": list(finding.words),
        "n_complete": finding.n_complete,
        "scores": list(finding.scores),
    }


def table(test: BlindTest, listeners: Sequence[Listener]) -> str:
    """Return all answers as CSV, a line for each, with the names of the sides."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for number, listener in enumerate(listeners, start=1):
        for row in _rows(test, number, listener):
            writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _rows(test: BlindTest, number: int, listener: Listener) -> list[dict[str, Any]]:
    def named(side: int | None) -> str:
        return "" if side is None else "training" if side == TRAINING else test.sides[side].label

    return [
        {
            "listener": number,
            "name": listener.name,
            "trial": index,
            "training": trial.is_training,
            "a": named(trial.a),
            "b": named(trial.b),
            "x": named(trial.x),
            "answer": said.value,
            "right": is_right(trial, said),
        }
        for index, (trial, said) in enumerate(zip(listener.plan, listener.answers, strict=False))
    ]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
