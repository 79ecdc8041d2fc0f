"""The finding of a rating in words, for pages and terminal, which claim no more than the numbers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from separation.formatted import counted
from separation.listening.rating import ConditionSummary, ScreenedListener

NOBODY = "Nobody's ratings count: the hidden reference was not found."
REOPENED = " The test was reopened after its results were seen."


def rating_verdict(
    sides: Sequence[tuple[str, ConditionSummary]],
    controls: Mapping[str, ConditionSummary],
    screened: Sequence[ScreenedListener],
    *,
    n_passages: int,
    reopened: bool = False,
) -> str:
    """Return the finding of a rating in some sentences.

    Args:
        sides: what was rated and what the ratings say of it, the hidden reference left out.
        controls: the same of the hidden reference and the anchors, by what they are called.
        screened: what post-screening finds about all listeners whose sets are complete.
        n_passages: how many passages were rated.
        reopened: whether the test went on after its results were seen.
    """
    n_counted = sum(not one.excluded for one in screened)
    who = "one listener" if n_counted == 1 else f"{n_counted} listeners"
    ranked = sorted(sides, key=lambda side: -side[1].mean)
    rated = "; ".join(f"“{label}” {mean_text(summary)}" for label, summary in ranked)
    of_one = " The intervals are of this listener alone." if n_counted == 1 and n_passages > 1 else ""
    held = ", ".join(f"{name} {summary.mean:.0f}" for name, summary in controls.items())
    return (
        f"Rated by {who} in {counted(n_passages, 'passage')}, of 100: {rated}.{of_one} For comparison: {held}."
        f"{_left_out(screened)}{REOPENED if reopened else ''}"
    )


def screening_note(one: ScreenedListener) -> str:
    """Return why a listener is left out or to be taken with care; "" if nothing speaks against them."""
    if not one.breaks_rule:
        return ""
    wrong = []
    if one.n_low_references:
        wrong.append(f"rated the hidden reference below 90 in {one.n_low_references} of {one.n_references}")
    if one.n_high_anchors:
        wrong.append(f"rated the 7 kHz anchor above 90 in {one.n_high_anchors} of {one.n_anchors}")
    return f"{'left out: ' if one.excluded else ''}{' and '.join(wrong)}"


def mean_text(summary: ConditionSummary, decimals: int = 0) -> str:
    """Return a mean with its interval, which is said only where there is one, and within the scale."""
    mean = f"{summary.mean:.{decimals}f}"
    if summary.interval is None:
        return mean
    low, high = max(0.0, summary.interval[0]), min(100.0, summary.interval[1])
    return f"{mean} (95 % interval {low:.{decimals}f} to {high:.{decimals}f})"


def _left_out(screened: Sequence[ScreenedListener]) -> str:
    n_excluded, n_marked = sum(one.excluded for one in screened), sum(one.marked for one in screened)
    words = ""
    if n_excluded:
        words += f" {counted(n_excluded, 'listener')} left out by the rule of ITU-R BS.1534-3."
    if n_marked:
        words += f" {counted(n_marked, 'listener')} counted who may not have heard well: there is too little to tell."
    return words
