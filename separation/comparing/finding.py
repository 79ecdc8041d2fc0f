"""What the answers of a blind test say: listener by listener, and all completed sets together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from separation.comparing.blind_test import BlindSide, BlindTest, Kind, Listener
from separation.comparing.ratings import rated
from separation.comparing.trials import Said, Trial, is_right
from separation.listening.abx import AbxResult
from separation.listening.pooling import pooled
from separation.listening.preference import PairAnswers, bradley_terry, holm
from separation.listening.rating import ConditionSummary
from separation.listening.rating_verdict import NOBODY, screening_note
from separation.listening.verdict import UNKNOWN, ComparedSettings, abx_verdict, p_text, preference_verdict

Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerRow:
    """One listener as the host sees them.

    Attributes:
        name: as given.
        n_answered: trials, training left out.
        n_right: how many rightly; None before the set is complete, and where nothing is right or wrong.
        note: what speaks against counting on this listener; "" if nothing does.
    """

    name: str
    n_answered: int
    n_right: int | None
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What the answers to a test say so far.

    Attributes:
        rows: all listeners, in the order in which they came.
        n_complete: how many sets are complete; only those are pooled.
        words: the finding, a sentence for each pair of sides; empty if no set is complete.
        scores: of each side by Bradley and Terry, in natural logarithms of odds, mean 0; for a preference only.
        ratings: what was rated by its label, and what the ratings say of it; for ratings only.
    """

    rows: tuple[ListenerRow, ...]
    n_complete: int
    words: tuple[str, ...]
    scores: tuple[float, ...] = ()
    ratings: tuple[tuple[str, ConditionSummary], ...] = ()


def finding_of(test: BlindTest, listeners: Sequence[Listener]) -> Finding:
    """Return what the answers say; sets that are not complete are shown and not counted."""
    complete = [one for one in listeners if one.complete]
    rows = tuple(_row(test, one) for one in listeners)
    if not complete:
        return Finding(rows=rows, n_complete=0, words=())
    if test.kind is Kind.ABX:
        result = pooled([abx_result(one) for one in complete])
        words = abx_verdict(result, _compared(test, (0, 1)), n_listeners=len(complete), reopened=test.reopened)
        return Finding(rows=rows, n_complete=len(complete), words=(words,))
    if test.kind is Kind.RATING:
        return _rated(test, rows, complete, listeners)
    answers = pair_answers(complete)
    scores = bradley_terry(answers)
    return Finding(
        rows=rows,
        n_complete=len(complete),
        words=_preferences(test, answers, len(complete)),
        scores=tuple(scores.get(side, 0.0) for side in range(len(test.sides))),
    )


def best_first(test: BlindTest, finding: Finding) -> tuple[BlindSide, ...]:
    """Return the sides, those that listeners like better first; else those that took less time, unknown times last."""
    indices = range(len(test.sides))
    if finding.scores:
        order = sorted(indices, key=lambda index: -finding.scores[index])
    elif finding.ratings:  # those of the sides come first
        order = sorted(indices, key=lambda index: -finding.ratings[index][1].mean)
    else:
        order = sorted(indices, key=lambda index: test.sides[index].run_s or float("inf"))
    return tuple(test.sides[index] for index in order)


def own_finding(test: BlindTest, listener: Listener) -> str:
    """Return what one listener's complete set says, for that listener."""
    return " ".join(finding_of(test, [listener]).words)


def abx_result(listener: Listener) -> AbxResult:
    """Return how many of a listener's trials were answered rightly, the training left out.

    Raises:
        SettingsError: none was answered.
    """
    right = [is_right(trial, said) for trial, said in listener.counted]
    return AbxResult(len(right), sum(map(bool, right)))


def pair_answers(listeners: Sequence[Listener]) -> dict[Pair, PairAnswers]:
    """Return the answers about each pair of sides, the lower index first."""
    counts: dict[Pair, Counter[int | None]] = {}
    for listener in listeners:
        for trial, said in listener.counted:
            if not isinstance(trial, Trial) or not isinstance(said, Said):
                continue  # a rating compares no pair
            won = {Said.A: trial.a, Said.B: trial.b, Said.NONE: None}[said]
            counts.setdefault((min(trial.a, trial.b), max(trial.a, trial.b)), Counter())[won] += 1
    return {pair: PairAnswers(won[pair[0]], won[pair[1]], won[None]) for pair, won in sorted(counts.items())}


def _preferences(test: BlindTest, answers: Mapping[Pair, PairAnswers], n_listeners: int) -> tuple[str, ...]:
    """Return a sentence for each pair; with several pairs, with the p-value that allows for their number."""
    words = [
        preference_verdict(one, _compared(test, pair), n_listeners=n_listeners, reopened=test.reopened)
        for pair, one in answers.items()
    ]
    if len(answers) < 2:
        return tuple(words)
    adjusted = holm([one.p_value for one in answers.values()])
    return tuple(
        f"{sentence} With all {len(answers)} pairs in view {p_text(p)} (Holm)."
        for sentence, p in zip(words, adjusted, strict=True)
    )


def _rated(
    test: BlindTest, rows: Sequence[ListenerRow], complete: Sequence[Listener], listeners: Sequence[Listener]
) -> Finding:
    found = rated(test, complete)
    notes = {id_: screening_note(one) for id_, one in found.screened.items()}
    noted = (
        replace(row, note=", ".join(filter(None, [notes.get(one.id, ""), row.note])))
        for row, one in zip(rows, listeners, strict=True)
    )
    words = (found.words,) if found.words else (NOBODY,)
    return Finding(rows=tuple(noted), n_complete=len(complete), words=words, ratings=found.sides)


def _row(test: BlindTest, listener: Listener) -> ListenerRow:
    notes = []
    if listener.failed_training:
        notes.append("failed the training")
    if listener.checks and not all(listener.checks.values()):
        notes.append("perhaps without headphones")
    counts = listener.complete and test.kind is Kind.ABX
    return ListenerRow(
        name=listener.name,
        n_answered=listener.n_answered,
        n_right=abx_result(listener).n_right if counts else None,
        note=", ".join(notes),
    )


def _compared(test: BlindTest, pair: Pair) -> ComparedSettings:
    a, b = (test.sides[side] for side in pair)
    if a.label == b.label:
        return UNKNOWN
    known = a.run_s > 0 and b.run_s > 0
    return ComparedSettings(labels=(a.label, b.label), run_times_s=(a.run_s, b.run_s) if known else None)
