"""Ratings of a MUSHRA test by ITU-R BS.1534-3: which listeners count, and what is said of each condition."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from separation.errors import SettingsError

HIDDEN_REFERENCE, MID_ANCHOR, LOW_ANCHOR = "reference", "anchor70", "anchor35"  # as webMUSHRA names these conditions
GOOD = 90.0  # the hidden reference should not be rated below it, nor the mid-range anchor above
MOST_WRONG_PERCENT = 15  # of a listener's items
TOO_GOOD_AN_ANCHOR = 0.25  # of the listeners: an item whose anchor so many rate above `GOOD` does not test them
LEAST_ITEMS = 7  # of fewer, one is more than that
LEAST_LISTENERS = 4  # of fewer, one is more than `TOO_GOOD_AN_ANCHOR`
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rating:
    """One listener's score of one condition of one item, 0 (bad) to 100 (excellent).

    Raises:
        SettingsError: the score is not from 0 to 100.
    """

    listener: str
    item: str
    condition: str
    score: float

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 100:
            raise SettingsError(
                f"{self.score} is no score.",
                f"That is what “{self.listener}” gave “{self.condition}” of “{self.item}”.",
                "Scores go from 0 to 100.",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreenedListener:
    """What post-screening finds about one listener.

    Args:
        listener: the listener's name.
        n_references: items whose hidden reference was rated.
        n_low_references: those of them where it got less than 90.
        n_anchors: items whose mid-range anchor was rated and tests a listener.
        n_high_anchors: those of them where it got more than 90.
        breaks_rule: more than 15 % of either are wrong.
        excluded: breaks the rule, and there is enough to go by.
    """

    listener: str
    n_references: int
    n_low_references: int
    n_anchors: int
    n_high_anchors: int
    breaks_rule: bool
    excluded: bool

    @property
    def marked(self) -> bool:
        """Breaks the rule, but is not excluded, since one item or one listener alone would be enough to break it."""
        return self.breaks_rule and not self.excluded


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionSummary:
    """What the ratings say of one condition.

    Args:
        n_listeners, n_ratings: how many there are.
        mean: of the listeners' means; of one listener, of the items'.
        interval: 95 % confidence interval of that mean (Student's t), which may reach beyond the scale; None where
            there is one value only. Ratings of one listener are alike, so each listener counts as one; of a single
            listener, each item does, and then the interval speaks of this listener only.
        median, quartiles: of all ratings; the standard recommends them, for ratings are rarely normally distributed.
    """

    n_listeners: int
    n_ratings: int
    mean: float
    interval: tuple[float, float] | None
    median: float
    quartiles: tuple[float, float]


def screened(
    ratings: Sequence[Rating], *, reference: str = HIDDEN_REFERENCE, mid_anchor: str = MID_ANCHOR
) -> list[ScreenedListener]:
    """Return what post-screening finds about each listener (BS.1534-3, 4.1.2), in the order in which they appear.

    A listener is excluded who rates the hidden reference below 90 in more than 15 % of the items, or the mid-range
    anchor (7 kHz) above 90 in more than 15 %. An item whose anchor more than a quarter of the listeners rate above 90
    counts for nobody's anchors, as the standard says. Of fewer than 7 items one would be too many, and of fewer than 4
    listeners one would be more than a quarter: there a listener who breaks the rule is marked, and not excluded.

    Args:
        ratings: of all conditions; other ones are passed over.
        reference: what the hidden reference is called.
        mid_anchor: what the 7 kHz anchor is called. A rule whose condition a listener did not rate says nothing.

    Raises:
        SettingsError: a listener rated a condition of an item twice.
    """
    listeners = _by_listener(ratings)
    high = defaultdict[str, list[bool]](list)  # by item, whether each listener rated its anchor above 90
    for scores in listeners.values():
        for item, score in scores[mid_anchor].items():
            high[item].append(score > GOOD)
    few = len(listeners) < LEAST_LISTENERS
    telling = {item for item, found in high.items() if few or sum(found) <= TOO_GOOD_AN_ANCHOR * len(found)}
    return [
        _screened(
            name,
            [score < GOOD for score in scores[reference].values()],
            [score > GOOD for item, score in scores[mid_anchor].items() if item in telling],
            few,
        )
        for name, scores in listeners.items()
    ]


def _screened(listener: str, low: Sequence[bool], high: Sequence[bool], few: bool) -> ScreenedListener:
    deaf, generous = _too_many(low), _too_many(high)
    excluded = (deaf and len(low) >= LEAST_ITEMS) or (generous and len(high) >= LEAST_ITEMS and not few)
    return ScreenedListener(
        listener=listener,
        n_references=len(low),
        n_low_references=sum(low),
        n_anchors=len(high),
        n_high_anchors=sum(high),
        breaks_rule=deaf or generous,
        excluded=excluded,
    )


def _too_many(wrong: Sequence[bool]) -> bool:
    return 100 * sum(wrong) > MOST_WRONG_PERCENT * len(wrong)


def summaries(ratings: Iterable[Rating]) -> dict[str, ConditionSummary]:
    """Return what the ratings say of each condition, in the order in which these appear.

    Args:
        ratings: of the listeners who count; of one item only for what is said of that item.

    Raises:
        SettingsError: a listener rated a condition of an item twice.
    """
    conditions = defaultdict[str, dict[str, list[float]]](dict)
    for listener, scores in _by_listener(ratings).items():
        for condition, by_item in scores.items():
            conditions[condition][listener] = list(by_item.values())
    return {condition: _summary(scores) for condition, scores in conditions.items()}


def _summary(scores: Mapping[str, Sequence[float]]) -> ConditionSummary:
    """Summarise one condition, given the scores by listener."""
    every = sorted(score for of_one in scores.values() for score in of_one)
    units = [fmean(of_one) for of_one in scores.values()] if len(scores) > 1 else every
    half = (len(every) + 1) // 2  # the standard counts the middle one of an odd number to both halves
    return ConditionSummary(
        n_listeners=len(scores),
        n_ratings=len(every),
        mean=fmean(units),
        interval=_interval(units),
        median=median(every),
        quartiles=(median(every[:half]), median(every[-half:])),
    )


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    if len(values) < 2:
        return None
    from scipy import special  # takes a while to import

    reach = float(special.stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - reach, fmean(values) + reach


def _by_listener(ratings: Iterable[Rating]) -> dict[str, defaultdict[str, dict[str, float]]]:
    """The scores by listener, condition and item."""
    listeners: dict[str, defaultdict[str, dict[str, float]]] = {}
    for each in ratings:
        scores = listeners.setdefault(each.listener, defaultdict(dict))[each.condition]
        if each.item in scores:
            raise SettingsError(
                f"“{each.listener}” rated “{each.condition}” of “{each.item}” twice.",
                "Each listener counts once.",
                "Keep one of the two ratings.",
            )
        scores[each.item] = each.score
    return listeners
