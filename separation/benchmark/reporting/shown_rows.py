"""The rows of tables in reports as text: the columns that have something to show, and which are on the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from separation.benchmark.frontier import frontier
from separation.benchmark.measures import MEASURES, NONE, QUALITY
from separation.benchmark.reporting.facts import measures_of
from separation.benchmark.table import SettingRow

BEFORE = ("nfe", "seconds", "rtf", "first_sound_s", "peak_bytes", "device_bytes", "energy_j")
# The columns where there is no room for all.
MAIN = (
    "nfe",
    "seconds",
    "rtf",
    "peak_bytes",
    "device_bytes",
    "si_sdr_db",
    "sdr_db",
    "sdr_whole_db",
    "log_wmse",
    "error_db",
)
SPREAD_SAID = 0.1  # of the median; from here on it stands beside the time
BUSY = "busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A table of text.

    Attributes:
        ids: of the measures, a column each.
        labels: their names, with units where the cells have none.
        quality: the measure by which the frontier is drawn; "" if there is none.
        rows: in the order of the benchmark.
        on_frontier: for each row, whether no other is both better and faster.
        cells: for each row its figures as text, a dash where there is none.

    Columns that would be empty are left out: `has_settings` says whether that of settings is one.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    quality: str
    rows: tuple[SettingRow, ...]
    on_frontier: tuple[bool, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def has_settings(self) -> bool:
        """Whether the settings differ in more than the separator."""
        return any(row.words for row in self.rows)


def shown_rows(rows: Sequence[SettingRow], quality: str = "", only: Sequence[str] = ()) -> Shown:
    """Return the rows as a table of text.

    Args:
        rows: of one track.
        quality: the measure by which the frontier is drawn; the first measure of quality there is unless given.
        only: the measures that may have columns, besides `quality`; any unless given.
    """
    qualities = measures_of(rows, QUALITY)
    quality = quality or next(iter(qualities), "")
    ids = tuple(id for id in (*measures_of(rows, BEFORE), *qualities) if not only or id in only or id == quality)
    best: frozenset[int] = frozenset()
    if quality:
        points = [(row.values.get("rtf"), row.values.get(quality)) for row in rows]
        best = frozenset(frontier(points, MEASURES[quality].better))
    return Shown(
        ids=ids,
        labels=tuple(MEASURES[id].label for id in ids),
        quality=quality,
        rows=tuple(rows),
        on_frontier=tuple(index in best for index in range(len(rows))),
        cells=tuple(tuple(cell(row, id) for id in ids) for row in rows),
    )


def cell(row: SettingRow, id: str) -> str:
    """Return a figure with its unit; of a time also the spread if it is wide, and whether it can be trusted."""
    value = row.values.get(id)
    if value is None:
        return NONE
    words = f"{value:.3g} s" if id in ("seconds", "first_sound_s") and value < 60 else MEASURES[id].formatted(value)
    if id == "seconds":
        words += f" ±{50 * row.spread:.0f} %" if row.spread >= SPREAD_SAID else ""
        words += f" ({BUSY})" if row.is_busy else ""
    return words


def error_of(row: SettingRow) -> str:
    """Return what happened where a setting failed; "" if it did not."""
    errors = [one.error for one in row.figures if one.error is not None]
    return " ".join(part for part in errors[0] if part) if errors else ""
