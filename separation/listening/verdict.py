"""The finding of a listening test in words, for pages and terminal, which claim no more than the numbers do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal

from separation.errors import SettingsError
from separation.formatted import counted
from separation.listening.abx import ALPHA, AbxResult, critical, power
from separation.listening.preference import PairAnswers

KEEN = 0.8  # the listener by whom tests are measured is right, or prefers one side, 4 times in 5
ENOUGH = 0.795  # power, 80 % when it is written; what has less finds too little to call two settings alike
HARDLY = 0.5
ALIKE = 0.9  # a run that takes so much of the time of another takes as long
SHARES = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 8: "an eighth", 10: "a tenth"}
NEAR = 0.05  # how far a share may be from its name
REOPENED = " The test was reopened after its results were seen, so its p-value says less than it seems to."


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedSettings:
    """What is known of the two settings that were compared, A before B.

    Args:
        labels: what they are called; None where they have no names.
        run_times_s: how many seconds each took; None where that is not known.

    Raises:
        SettingsError: a run time is not above 0.
    """

    labels: tuple[str, str] | None = None
    run_times_s: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.run_times_s is not None and not all(0 < seconds < math.inf for seconds in self.run_times_s):
            raise SettingsError(
                f"{self.run_times_s} are no run times.",
                "A run takes more than 0 s.",
                "Leave run times out where they are not known.",
            )


UNKNOWN = ComparedSettings()


def abx_verdict(
    result: AbxResult, compared: ComparedSettings = UNKNOWN, *, n_listeners: int = 1, reopened: bool = False
) -> str:
    """Return the finding of an ABX test in one sentence or two.

    Args:
        result: of one listener, or pooled of several (`separation.listening.pooling.pooled`).
        compared: the two settings, where something is known of them.
        n_listeners: how many listeners the result is of.
        reopened: whether the test went on after its results were seen.
    """
    return _abx(result, compared, n_listeners) + (REOPENED if reopened else "")


def _abx(result: AbxResult, compared: ComparedSettings, n_listeners: int) -> str:
    n, right, p = result.n_trials, result.n_right, p_text(result.p_value)
    between = " between {} and {}".format(*_quoted(compared.labels)) if compared.labels else ""
    listeners = f" {{}} {counted(n_listeners, 'listener')}" if n_listeners > 1 else ""
    if result.heard:
        low, high = _digits(result.interval[0], 0.5, "f"), f"{result.interval[1]:.2f}"
        by = listeners.format("by")
        return f"A difference{between} was heard: {right} of {n} right{by} ({p}, 90 % interval {low} to {high})."
    swapped = AbxResult(n, n - right)
    if swapped.heard:
        return (
            f"No finding: only {right} of {n} right, fewer than guessing gives ({p_text(swapped.p_value)} for so few). "
            "Perhaps the two were mistaken for each other; a new test would tell."
        )
    found = f"No audible difference{between} found in {counted(n, 'trial')}{listeners.format('of')}"
    who = "listeners who answer" if n_listeners > 1 else "a listener who answers"
    return _nothing_found(
        f"{found} ({right} right, {p}",
        result,
        lambda n: f"{n:,} trials find {who} right 4 times in 5",
        "such listeners are" if n_listeners > 1 else "such a listener is",
        ALPHA,
        compared,
    )


def preference_verdict(
    answers: PairAnswers, compared: ComparedSettings = UNKNOWN, *, n_listeners: int = 1, reopened: bool = False
) -> str:
    """Return the finding of a paired comparison in one sentence or two.

    Args:
        answers: of all listeners.
        compared: the two settings, where something is known of them.
        n_listeners: how many listeners the answers are of.
        reopened: whether the test went on after its results were seen.
    """
    return _preference(answers, compared, n_listeners) + (REOPENED if reopened else "")


def _preference(answers: PairAnswers, compared: ComparedSettings, n_listeners: int) -> str:
    a, b = _quoted(compared.labels) if compared.labels else ("A", "B")
    ties = f", {answers.n_ties} without a difference" if answers.n_ties else ""
    listeners = f" {{}} {counted(n_listeners, 'listener')}" if n_listeners > 1 else ""
    by, among = listeners.format("by"), listeners.format("among")
    p = p_text(answers.p_value)
    if answers.preferred:
        won = 0 if answers.n_a > answers.n_b else 1
        score = f"{max(answers.n_a, answers.n_b)} to {min(answers.n_a, answers.n_b)}"
        return f"{(a, b)[won]} was preferred{by}: {score}{ties} ({p}){_at_what_price(won, compared)}."
    if not answers.n_decided:
        return f"No preference found{among}: {counted(answers.n_ties, 'answer')}, none with a difference."
    return _nothing_found(
        f"No preference found{among}: {a} {answers.n_a}, {b} {answers.n_b}{ties} ({p}",
        AbxResult(answers.n_decided, max(answers.n_a, answers.n_b)),
        lambda n: f"{n:,} decided answers find a preference of 4 in 5",
        "such a preference is",
        ALPHA / 2,
        compared,
    )


def _nothing_found(
    found: str,
    result: AbxResult,
    finder: Callable[[int], str],
    keen: str,
    alpha: float,
    compared: ComparedSettings,
) -> str:
    """Say that nothing was found, and what that is worth: a test finds only what it is large enough to find.

    Args:
        found: the sentence up to what stands in the bracket.
        result: how often somebody was right, or preferred the side that was preferred more often.
        finder: says what so many trials find.
        keen: what they find, with its verb.
        alpha: of a test on one side.
        compared: as the verdict was given it.
    """
    n = result.n_trials
    chance = power(n, KEEN, alpha)
    if chance >= ENOUGH:
        found = f"{found}; {finder(n)} with {_percent(chance)})"
        if result.interval[1] >= KEEN:
            return f"{found}, but {keen} not ruled out; a larger test would tell."
        return f"{found}{_which_will_do(compared)}."
    larger = next(more for more in count(n + 1) if power(more, KEEN, alpha) >= ENOUGH)
    with_larger = _percent(power(larger, KEEN, alpha))
    if critical(n, alpha) is None:
        return f"{found}): so few can find none, whatever the answers. {finder(larger)} with {with_larger}."
    if chance < HARDLY:
        weak = f"{found}): so few could hardly find one."
        return f"{weak} {finder(n)} with {_percent(chance)}, {larger} with {with_larger}."
    return f"{found}; {finder(n)} with {_percent(chance)}, {larger} with {with_larger})."


def _which_will_do(compared: ComparedSettings) -> str:
    if compared.run_times_s is None or (share := _share_of_time(compared.run_times_s)) is None:
        return ""
    if compared.labels is None:
        return f": the setting that takes {share} of the time will do"
    quick = _quoted(compared.labels)[0 if compared.run_times_s[0] < compared.run_times_s[1] else 1]
    return f": {quick}, which takes {share} of the time, will do"


def _at_what_price(won: int, compared: ComparedSettings) -> str:
    if compared.run_times_s is None or (share := _share_of_time(compared.run_times_s)) is None:
        return ""
    times = compared.run_times_s[won] / compared.run_times_s[1 - won]
    if times < 1:
        return f", and it takes {share} of the time"
    return f", but it takes {times:.0f} times as long" if times >= 9.5 else f", but it takes {times:.2g} times as long"


def _share_of_time(run_times_s: tuple[float, float]) -> str | None:
    """How much of the longer run's time the shorter one takes; None if they take as long."""
    share = min(run_times_s) / max(run_times_s)
    if share > ALIKE:
        return None
    named = next((name for parts, name in SHARES.items() if abs(share * parts - 1) <= NEAR), None)
    return named or ("less than 1 %" if share < 0.01 else f"{100 * share:.0f} %")


def p_text(p_value: float) -> str:
    """Return a p-value with two significant digits, “p = 0.60”; with more where those would hide on which side of 0.05.

    Below 0.001 it is “p < 0.001”.
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {_digits(p_value, ALPHA, 'g')}"


def _digits(value: float, border: float, kind: Literal["f", "g"]) -> str:
    """A number with two digits, behind the point or significant ones, or with as many as keep it on its side."""
    side = value > border, value < border
    texts = (format(value, f"#.{n}{kind}") for n in count(2))
    return next(text for text in texts if (float(text) > border, float(text) < border) == side)


def _percent(share: float) -> str:
    return "more than 99 %" if share >= 0.995 else f"{100 * share:.0f} %"


def _quoted(labels: tuple[str, str]) -> tuple[str, str]:
    return f"“{labels[0]}”", f"“{labels[1]}”"
