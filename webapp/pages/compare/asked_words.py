"""What a blind test asks, in words that stand before it starts: the question, how often, and why so often."""

from __future__ import annotations

from math import comb

from separation.comparing.blind_test import Kind
from separation.formatted import counted
from separation.listening.abx import power
from separation.listening.rating import LEAST_ITEMS

KEEN = 0.75  # the share of right answers, or of answers for one side, by which the number of trials is explained
TRIAL_S = 10
QUESTIONS = {
    Kind.ABX: "X is A or B: which one? It shows whether you hear a difference at all.",
    Kind.PREFERENCE: "Which one sounds better to you, A or B? Their names are hidden, so that only your ears decide.",
    Kind.RATING: "How close is each sound to the reference, from 0 to 100? One of them is the reference itself.",
}
FIXED = "The number is fixed when the test starts."


def question(kind: Kind) -> str:
    """Return what is asked, and what for."""
    return QUESTIONS[kind]


def why_so_many(kind: Kind, n_trials: int) -> str:
    """Return how many trials there are, how long they take, and what more of them are good for."""
    if kind is Kind.RATING:
        return f"Whoever often rates the hidden reference below 90 is left out, from {LEAST_ITEMS} passages on."
    minutes = max(1, round(n_trials * TRIAL_S / 60))
    double = 2 * n_trials
    head = f"{counted(n_trials, 'trial')}, about {counted(minutes, 'minute')}."
    if kind is Kind.ABX:
        few, more = power(n_trials, KEEN), power(double, KEEN)
        why = (
            f"More trials find a smaller difference: {n_trials} find a listener who is right 3 times out of 4 in "
            f"{100 * few:.0f} % of tests, {double} in {100 * more:.0f} %."
        )
    else:
        why = (
            f"More trials tell a preference from luck: {_most(n_trials)} of {n_trials} answers for one side come by "
            f"luck in {_luck(n_trials)} of tests, {_most(double)} of {double} in {_luck(double)}."
        )
    return f"{head} {why} {FIXED}"


def _most(n_trials: int) -> int:
    return round(KEEN * n_trials)


def _luck(n_trials: int) -> str:
    """Return how often so many answers or more fall on either of two sides that are equally good, in per cent."""
    ways = sum(comb(n_trials, n) for n in range(_most(n_trials), n_trials + 1))
    percent = min(100.0, 100 * 2 * ways / 2**n_trials)
    return f"{percent:.0f} %" if percent >= 1 else f"{percent:.1g} %"
