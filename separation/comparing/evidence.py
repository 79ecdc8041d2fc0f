"""What blind tests have found of single settings, for the places where those are chosen.

A test speaks of a setting where its two sides differ in nothing else, and of presets where each side is one. Nothing
is known before somebody on this computer has listened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from separation.comparing.blind_test import BlindTest, Kind, Listener
from separation.comparing.differing import unlike
from separation.comparing.finding import abx_result, pair_answers
from separation.errors import SettingsError
from separation.formatted import counted
from separation.listening.abx import AbxResult, power
from separation.listening.pooling import pooled
from separation.listening.preference import PairAnswers
from separation.listening.verdict import ENOUGH, KEEN, p_text
from separation.request import Request

PRESET = "preset"  # instead of a setting: all that a preset sets
REOPENED = "the test was reopened after its results were seen"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a test has found of one value of a setting.

    Attributes:
        setting: its full name, as in `differing.unlike`: "sam.precision"; or `PRESET`.
        value: of the setting, as plain values have it; the name of a preset.
        backend: name of the backend that made both sides.
        model: of both sides; None where they differ in it.
        words: the finding in a line, without a stop.
        test: the test.
    """

    setting: str
    value: Any
    backend: str
    model: str | None
    words: str
    test: BlindTest

    def is_about(self, setting: str, value: Any, settled: Request) -> bool:
        """Return whether it speaks of this value of this setting where everything is settled as in `settled`."""
        of_model = self.model is None or self.model == settled.model
        return (self.setting, self.value, self.backend) == (setting, value, settled.backend) and of_model


def evidence_of(
    test: BlindTest, listeners: Sequence[Listener], preset_of: Callable[[Request], str]
) -> tuple[Evidence, ...]:
    """Return what a test says of the values in which its sides differ: nothing before a set is complete.

    Args:
        test: of two sides; others say nothing of single settings.
        listeners: all of the test; complete sets count.
        preset_of: returns the name of the preset that a request is; "" if it is none.
    """
    sides = _requests(test)
    complete = [one for one in listeners if one.complete]
    if sides is None or not complete:
        return ()
    a, b = sides
    compared: list[tuple[str, tuple[Any, Any]]] = []
    names = unlike([a.to_dict(), b.to_dict()])
    if len(names) == 1:
        compared.append((names[0], (_value(a, names[0]), _value(b, names[0]))))
    presets = preset_of(a), preset_of(b)
    if all(presets) and presets[0] != presets[1]:
        compared.append((PRESET, presets))
    found = []
    for name, values in compared:
        for side in (0, 1):
            if words := _words(test, complete, side, tuple(_text(name, value) for value in values)):
                model = a.model if a.model == b.model else None
                one = Evidence(setting=name, value=values[side], backend=a.backend, model=model, words=words, test=test)
                found.append(one)
    return tuple(found)


def _requests(test: BlindTest) -> tuple[Request, Request] | None:
    """Return what made the two sides, if it can be compared: one separator, asked for the same."""
    if len(test.sides) != 2 or test.kind not in (Kind.ABX, Kind.PREFERENCE):
        return None
    try:
        a, b = (Request.from_dict(side.made_with) for side in test.sides if side.made_with)
    except (SettingsError, ValueError):  # of another version, or unknown
        return None
    if (a.backend, a.prompts) != (b.backend, b.prompts):
        return None
    return replace(a, device="auto"), replace(b, device="auto")


def _words(test: BlindTest, complete: Sequence[Listener], side: int, values: tuple[str, ...]) -> str:
    this, other = values[side], values[1 - side]
    who = counted(len(complete), "listener")
    if test.kind is Kind.ABX:
        words = _abx_words(pooled([abx_result(one) for one in complete]), other, who)
    else:
        answers = pair_answers(complete)[0, 1]
        turned = answers if side == 0 else PairAnswers(answers.n_b, answers.n_a, answers.n_ties)
        words = _preference_words(turned, other, who)
    if not words:
        return ""
    n_failed = sum(one.failed_training for one in complete)
    failed = f"{n_failed} of them failed the training" if n_failed else ""
    doubts = [doubt for doubt in (failed, REOPENED if test.reopened else "") if doubt]
    return "; ".join([f"{this}: {words}", *doubts])


def _abx_words(result: AbxResult, other: str, who: str) -> str:
    n, right, p = counted(result.n_trials, "trial"), result.n_right, p_text(result.p_value)
    if result.heard:
        return f"told apart from {other} in {n} by {who} ({right} right, {p})"
    if AbxResult(result.n_trials, result.n_trials - right).heard:
        return ""  # fewer right than guessing gives: no finding
    few = "" if power(result.n_trials, KEEN) >= ENOUGH else "; too few to call them alike"
    return f"not told apart from {other} in {n} by {who} ({right} right, {p}){few}"


def _preference_words(answers: PairAnswers, other: str, who: str) -> str:
    """Return what the answers say of the first of two."""
    ties = f", {answers.n_ties} without a difference" if answers.n_ties else ""
    score = f"{answers.n_a} to {answers.n_b}{ties} by {who} ({p_text(answers.p_value)})"
    if not answers.preferred:
        return f"no preference over {other} found, {score}"
    return f"preferred to {other}, {score}" if answers.n_a > answers.n_b else f"{other} was preferred to it, {score}"


def _value(request: Request, name: str) -> Any:
    value: Any = request.to_dict()
    for part in name.split("."):
        value = None if value is None else value[part]
    return value


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else f"{value} s" if name.endswith("_s") else str(value)
