"""What listeners answered on a webMUSHRA server, as listeners of the test that its archive was made of."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from separation.comparing.blind_test import BlindTest, Kind, Listener
from separation.comparing.ratings import condition_of
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, Answer, AnyTrial, RatingTrial, Said, Trial
from separation.comparing.webmushra.bundle import item_name
from separation.errors import SettingsError
from separation.listening.webmushra import read_mushra, read_paired


def listeners_of(test: BlindTest, text: str, at: str) -> list[Listener]:
    """Return the listeners of a results file: paired_comparison.csv of an ABX test, mushra.csv of one of ratings.

    The same answers make the same listener, so that a file that is read twice counts once.

    Args:
        test: whose archive was unpacked there.
        text: of the file.
        at: the UTC time at which it is read.

    Raises:
        SettingsError: it is no such file, or one of another test, or ratings in it are missing or doubled.
    """
    sets = _paired(test, text) if test.kind is Kind.ABX else _ratings(test, text)
    if not any(sets.values()):
        raise SettingsError("There are no answers in this file.", "", "Choose the results file of this test.")
    return [_listener(test, name, answered, at) for name, answered in sets.items() if answered]


def _listener(test: BlindTest, name: str, answered: Sequence[tuple[AnyTrial, Answer]], at: str) -> Listener:
    plan, answers = zip(*answered, strict=True)
    told = hashlib.sha256(repr((test.id, name, plan, answers)).encode()).hexdigest()
    return Listener(
        id=f"webmushra-{told[:24]}", name=f"{name} (webMUSHRA)", plan=plan, answers=answers, created=at, ended=at
    )


def _paired(test: BlindTest, text: str) -> Mapping[str, list[tuple[AnyTrial, Answer]]]:
    sets = defaultdict[str, list[tuple[AnyTrial, Answer]]](list)
    for choice in read_paired(text):
        if choice.item != test.id:
            raise _other(choice.item)
        if choice.answer in ("correct", "incorrect"):
            # Side A is the reference there, so it is what X is here.
            sets[choice.listener].append((Trial(0, 1, 0), Said.A if choice.answer == "correct" else Said.B))
    return sets


def _ratings(test: BlindTest, text: str) -> Mapping[str, list[tuple[AnyTrial, Answer]]]:
    passages = {item_name(test, passage): passage for passage in range(len(test.passages))}
    sides = {condition_of(test, side): side for side in (*range(len(test.sides)), MID_ANCHOR, LOW_ANCHOR)}
    scores = defaultdict[tuple[str, int], dict[int, int]](dict)
    for rating in read_mushra(text):
        if rating.item not in passages or rating.condition not in sides:
            raise _other(f"{rating.item}, {rating.condition}")
        given, side = scores[rating.listener, passages[rating.item]], sides[rating.condition]
        if side in given:
            raise SettingsError(
                f"“{rating.listener}” rated “{rating.condition}” of “{rating.item}” twice.",
                "Two listeners may have given the same name.",
                "Give one of them another name in the file, or take one of the two out.",
            )
        given[side] = round(rating.score)
    sets = defaultdict[str, list[tuple[AnyTrial, Answer]]](list)
    for (listener, passage), given in scores.items():
        if missing := [condition for condition, side in sides.items() if side not in given]:
            raise SettingsError(
                f"“{listener}” did not rate every sound of “{item_name(test, passage)}”.",
                f"There is no score of “{missing[0]}”.",
                "Choose the file as webMUSHRA wrote it, or take that listener's lines of this passage out.",
            )
        trial = RatingTrial(rated=tuple(given), reference=test.reference, passage=passage)
        sets[listener].append((trial, tuple(given.values())))
    return sets


def _other(what: str) -> SettingsError:
    return SettingsError(
        "These are answers to another test.", f"They name “{what}”.", "Choose the results file of this test."
    )
