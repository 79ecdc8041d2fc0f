"""What the ratings of a blind test say: each side's mean with its interval, and which listeners count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from separation.comparing.blind_test import BlindTest, Listener
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, RatingTrial, Said
from separation.listening.rating import (
    HIDDEN_REFERENCE,
    ConditionSummary,
    Rating,
    ScreenedListener,
    screened,
    summaries,
)
from separation.listening.rating import LOW_ANCHOR as LOW
from separation.listening.rating import MID_ANCHOR as MID
from separation.listening.rating_verdict import rating_verdict

CONTROLS = {HIDDEN_REFERENCE: "hidden reference", MID: "7 kHz anchor", LOW: "3.5 kHz anchor"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """What the complete sets of a rating say.

    Attributes:
        sides: each side and anchor by its label, with what the ratings of the listeners who count say of it.
        screened: what post-screening finds, by the listener's id.
        words: the finding; "" if everybody is left out.
    """

    sides: tuple[tuple[str, ConditionSummary], ...]
    screened: Mapping[str, ScreenedListener]
    words: str


def ratings_of(test: BlindTest, listeners: Sequence[Listener]) -> list[Rating]:
    """Return all ratings, the training left out; listeners are called by their ids, as two may have one name."""
    return [
        Rating(listener=one.id, item=str(trial.passage), condition=condition_of(test, side), score=score)
        for one in listeners
        for trial, said in one.counted
        if isinstance(trial, RatingTrial) and not isinstance(said, Said)
        for side, score in zip(trial.rated, said, strict=True)
    ]


def condition_of(test: BlindTest, side: int) -> str:
    """Return what a side or an anchor is called in results: as webMUSHRA does, or "side 2"."""
    special = {test.reference: HIDDEN_REFERENCE, MID_ANCHOR: MID, LOW_ANCHOR: LOW}
    return special.get(side, f"side {side + 1}")


def label_of(test: BlindTest, side: int) -> str:
    """Return what people call a side or an anchor; of sides with one name, also the number."""
    if control := CONTROLS.get(condition_of(test, side)):
        return control
    label = test.sides[side].label
    return f"{label} ({side + 1})" if sum(one.label == label for one in test.sides) > 1 else label


def rated(test: BlindTest, complete: Sequence[Listener]) -> Rated:
    """Return what complete sets say, one at least; those of listeners whom post-screening excludes are left out."""
    ratings = ratings_of(test, complete)
    found = {one.listener: one for one in screened(ratings)}
    counted = summaries(one for one in ratings if not found[one.listener].excluded)
    order = [*range(len(test.sides)), MID_ANCHOR, LOW_ANCHOR]
    sides = tuple((label_of(test, side), counted[condition_of(test, side)]) for side in order if counted)
    controls = {CONTROLS[name]: counted[name] for name in CONTROLS if counted}
    words = rating_verdict(
        [one for side, one in zip(order, sides, strict=False) if condition_of(test, side) not in CONTROLS],
        controls,
        list(found.values()),
        n_passages=len(test.passages),
        reopened=test.reopened,
    )
    return Rated(sides=sides, screened=found, words=words if counted else "")
