"""What the results of a benchmark are measured against: known stems, or the result of one setting, the reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from separation.benchmark.grid import Expanded, Grid, expanded
from separation.benchmark.making import slowest
from separation.benchmark.table import separator_of, words_of
from separation.formatted import counted
from separation.request import Request
from separation.results.kept import Recording

ABOUT = (
    "Quality is how close a result comes to a sound that is taken to be right: the known stems of a recording or, "
    "where there are none, the result of one setting, the reference."
)


class Against(StrEnum):
    """The reference that a person chooses."""

    OWN = "own"
    SLOWEST = "slowest"
    NONE = "none"


WORDS = {
    Against.OWN: "As the settings name it",
    Against.SLOWEST: "The slowest setting",
    Against.NONE: "None",
}


def offered(grid: Grid) -> tuple[Against, ...]:
    """Return the references to choose from."""
    return tuple(one for one in Against if one is not Against.OWN or grid.reference is not None)


def usual(grid: Grid, songs: Sequence[Recording]) -> Against:
    """Return the reference that is taken unless another is chosen."""
    if grid.reference is not None:
        return Against.OWN
    return Against.NONE if songs and all(song.known_stems for song in songs) else Against.SLOWEST


def with_reference(
    grid: Grid, against: Against, songs: Sequence[Recording], past: Iterable[Mapping[str, Any]]
) -> tuple[Grid, Expanded]:
    """Return a grid with a reference, and its combinations; one that has a single setting gets none.

    Raises:
        SettingsError: the grid has too many combinations, or none that can be computed.
    """
    if against is Against.OWN:
        return grid, expanded(grid)
    bare = replace(grid, reference=None)
    found = expanded(bare)
    if against is Against.NONE or len(found.requests) < 2:
        return bare, found
    longest_s = max((song.duration_s for song in songs), default=0.0)
    of_all = replace(bare, reference=slowest(found.requests, longest_s, tuple(past)).to_dict())
    return of_all, expanded(of_all)


def words_of_measuring(found: Expanded, against: Against, songs: Sequence[Recording]) -> str:
    """Return what will be measured against what, and what will not be known."""
    n_known = sum(bool(song.known_stems) for song in songs)
    reference = found.reference and f"“{_label(found.reference, found.requests)}”"
    what = "the slowest setting, " if against is Against.SLOWEST else "the reference, "
    if n_known == len(songs):
        more = f" How far each is from {what}{reference}, is measured, too." if reference else ""
        return f"With known stems: quality is measured against them.{more}"
    which = "Without known stems" if not n_known else f"Without known stems ({_others(songs, n_known)})"
    if reference:
        return (
            f"{which}: quality is measured against {what}{reference}. That tells how close the others come to it, "
            "not which one is right."
        )
    return f"{which} and without a reference: time and memory are measured, quality is not."


def _others(songs: Sequence[Recording], n_known: int) -> str:
    return f"{len(songs) - n_known} of {counted(len(songs), 'recording')}"


def _label(request: Request, requests: Sequence[Request]) -> str:
    words = dict(zip(requests, words_of(requests), strict=True)).get(request, "")
    return " · ".join(filter(None, (separator_of(request), words)))
