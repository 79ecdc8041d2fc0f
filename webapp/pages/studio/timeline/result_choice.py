"""The choice of results that play: one, or two on A and B; functions that update it when results change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from separation.results.kept import Result
from webapp.state.mixers import MixerState


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultChoice:
    """The results of one recording, and which of them play.

    Attributes:
        results: all results, newest first.
        result: the result that is shown, on side A if there is another beside it; None if there is none.
        other: the result on side B; never the same as `result`.
    """

    results: tuple[Result, ...] = ()
    result: Result | None = None
    other: Result | None = None

    @property
    def newest(self) -> str:
        """The key of the result that was made last, "" if there is none."""
        newest = max(self.results, key=lambda one: one.created, default=None)
        return "" if newest is None else newest.key

    @property
    def playing(self) -> tuple[Result, ...]:
        """Return the results that play: none, one or two."""
        return tuple(one for one in (self.result, self.other) if one is not None)

    def get(self, key: str) -> Result | None:
        """Return the result of that key, or None."""
        return next((one for one in self.results if one.key == key), None)


def opened(results: Sequence[Result], remembered: MixerState, wanted: str = "") -> ResultChoice:
    """Choose the results of a recording being opened: the saved choice, unless there is a newer result.

    Args:
        results: the results of the recording, newest first.
        remembered: the last state of its mixer.
        wanted: the key of the result to show, whatever was chosen last; "" for none.
    """
    choice = ResultChoice(results=tuple(results))
    still_meant = not wanted and remembered.newest == choice.newest
    first, second = (remembered.result, remembered.other) if still_meant else (wanted, "")
    return _heard(choice, choice.get(first) or next(iter(results), None), choice.get(second))


def with_made(choice: ResultChoice, result: Result) -> ResultChoice:
    """Show a result that has just been made, alone; the others can still be chosen."""
    if choice.result is not None and choice.result.key == result.key:
        return choice
    others = (one for one in choice.results if one.key != result.key)
    return ResultChoice(results=(result, *others), result=result)


def with_found(choice: ResultChoice, results: Sequence[Result]) -> ResultChoice:
    """Replace the results, newest first; those that play stay chosen as far as they still exist."""
    here = {one.key for one in results}
    playing = choice.playing
    left = [one for one in playing if one.key in here]
    if playing and len(left) == len(playing):
        return replace(choice, results=tuple(results))
    return ResultChoice(results=tuple(results), result=next(iter(left or results), None))


def with_result(choice: ResultChoice, key: str) -> ResultChoice:
    """Show the result of that key, if there is one; the result on side B stays, unless it is the same."""
    return _heard(choice, choice.get(key) or choice.result, choice.other)


def with_other(choice: ResultChoice, key: str) -> ResultChoice:
    """Put the result of that key on side B; any other text clears side B."""
    return _heard(choice, choice.result, choice.get(key))


def remembered(choice: ResultChoice, mixer: MixerState) -> MixerState:
    """Return the mixer's state with this choice, for the next time that the recording is opened; see `opened`."""
    result, other = ("" if one is None else one.key for one in (choice.result, choice.other))
    return replace(mixer, result=result, other=other, newest=choice.newest)


def _heard(choice: ResultChoice, result: Result | None, other: Result | None) -> ResultChoice:
    same = result is not None and other is not None and result.key == other.key
    return replace(choice, result=result, other=None if same or result is None else other)
