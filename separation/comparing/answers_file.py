"""A blind test with all answers as plain values and as a table, for files that people keep or compute with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from separation.comparing.blind_test import BlindTest, Kind, Listener
from separation.comparing.finding import finding_of
from separation.comparing.ratings import label_of
from separation.comparing.trials import TRAINING, Answer, AnyTrial, RatingTrial, Said, Trial, is_right

WHO = ("listener", "name", "trial", "training")
COLUMNS = (*WHO, "a", "b", "x", "answer", "right")
RATING_COLUMNS = (*WHO, "start_s", "end_s", "sound", "score")
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
        "ratings": [{"sound": label, **asdict(summary)} for label, summary in finding.ratings],
    }


def table(test: BlindTest, listeners: Sequence[Listener]) -> str:
    """Return all answers as CSV, a line for each, or for each sound that was rated, with the names of the sides."""
    out = io.StringIO()
    writer = csv.DictWriter(out, RATING_COLUMNS if test.kind is Kind.RATING else COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for number, listener in enumerate(listeners, start=1):
        for row in _rows(test, number, listener):
            writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _rows(test: BlindTest, number: int, listener: Listener) -> list[dict[str, Any]]:
    return [
        {"listener": number, "name": listener.name, "trial": index, "training": trial.is_training, **about}
        for index, (trial, said) in enumerate(zip(listener.plan, listener.answers, strict=False))
        for about in _said(test, trial, said)
    ]


def _said(test: BlindTest, trial: AnyTrial, said: Answer) -> Iterator[dict[str, Any]]:
    if isinstance(trial, RatingTrial) and not isinstance(said, Said):
        start_s, end_s = test.passages[trial.passage]
        for side, score in zip(trial.rated, said, strict=True):
            yield {"start_s": start_s, "end_s": end_s, "sound": label_of(test, side), "score": score}
    elif isinstance(trial, Trial) and isinstance(said, Said):
        sides = {sound: _named(test, trial.side_of(letter)) for sound, letter in (("a", "A"), ("b", "B"), ("x", "X"))}
        yield {**sides, "answer": said.value, "right": is_right(trial, said)}


def _named(test: BlindTest, side: int | None) -> str:
    return "" if side is None else "training" if side == TRAINING else test.sides[side].label


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
