"""What each listener of a blind test is to hear, in an order that is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from separation.comparing.blind_test import BlindTest, Kind
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, TRAINING, AnyTrial, RatingTrial, Trial

One = TypeVar("One")
Below = Callable[[int], int]


def draw_plan(test: BlindTest, below: Below) -> tuple[AnyTrial, ...]:
    """Draw what a listener will hear.

    In ABX, A and B stay the same for a listener, so that they can be learned, and X is drawn anew for each trial. For a
    preference every pair comes equally often, as nearly as the number of trials allows, in an order that is drawn, and
    each time it is drawn which of the two is A. For ratings the passages come in an order that is drawn, and so do the
    sounds of each: all sides, the reference among them, and its two anchors (ITU-R BS.1534-3).

    Args:
        test: the test.
        below: returns a number from 0 to below its argument, each equally likely: `secrets.randbelow`.
    """
    if test.kind is Kind.RATING:
        return _ratings(test, below)
    trials: list[AnyTrial]
    if test.kind is Kind.ABX:
        first = below(2)
        trials = [Trial(first, 1 - first, below(2)) for _ in range(test.n_trials)]  # X is side 0 or 1
        training = Trial(*_swapped((0, TRAINING), below), x=(0, TRAINING)[below(2)])
    else:
        pairs: list[tuple[int, int]] = []
        while len(pairs) < test.n_trials:
            pairs += _shuffled(test.pairs, below)
        trials = [Trial(*_swapped(pair, below)) for pair in pairs[: test.n_trials]]
        training = Trial(*_swapped((0, TRAINING), below))
    return (training, *trials) if test.guided else tuple(trials)


def _ratings(test: BlindTest, below: Below) -> tuple[AnyTrial, ...]:
    rated = (*range(len(test.sides)), MID_ANCHOR, LOW_ANCHOR)
    training = [RatingTrial(rated=tuple(_shuffled(rated, below)), reference=test.reference, is_training=True)]
    trials = [
        RatingTrial(rated=tuple(_shuffled(rated, below)), reference=test.reference, passage=passage)
        for passage in _shuffled(range(len(test.passages)), below)
    ]
    return (*(training if test.guided else ()), *trials)


def _swapped(pair: tuple[int, int], below: Below) -> tuple[int, int]:
    return pair if below(2) else pair[::-1]


def _shuffled(ones: Sequence[One], below: Below) -> list[One]:
    left, drawn = list(ones), []
    while left:
        drawn.append(left.pop(below(len(left))))
    return drawn
