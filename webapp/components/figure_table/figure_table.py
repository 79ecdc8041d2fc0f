"""A table of figures that sorts and filters in the browser, with rows to choose, hear and open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NotRequired, Self, TypedDict

from nicegui import ui

from webapp.components.sent import arguments_to


class FigureColumn(TypedDict):
    """One column of numbers."""

    id: str
    label: str
    tip: str
    better: Literal["higher", "lower", ""]  # which end stands first when the column is sorted


class Figure(TypedDict):
    """One number: what it is sorted by, and what people read."""

    value: float | None
    text: str
    mark: NotRequired[str]  # what is to be said of it, as that the computer was busy


class FigureRow(TypedDict):
    """One row."""

    id: str
    title: str
    detail: str
    best: bool  # on the frontier
    figures: dict[str, Figure]
    audible: bool
    href: str  # where its settings can be used; "" for nowhere
    error: str


class FigureTable(ui.element, component="figure_table.js"):
    """The table. Order, filter and choice belong to the browser; rows are named by their ids.

    Args:
        on_hear: called with the id of a row that a person wants to hear.
        on_keep: called with the id of a row whose settings a person wants to keep.
        on_choose: called with the ids of all chosen rows when they have changed.
    """

    def __init__(
        self,
        *,
        on_hear: Callable[[str], object],
        on_keep: Callable[[str], object],
        on_choose: Callable[[list[str]], object],
    ) -> None:
        super().__init__()
        self._props |= {"columns": [], "rows": [], "heard": ""}
        self.on("hear", arguments_to(on_hear, str))
        self.on("keep", arguments_to(on_keep, str))
        self.on("choose", arguments_to(on_choose, list[str]))

    def set_rows(self, columns: Sequence[FigureColumn], rows: Sequence[FigureRow]) -> Self:
        """Replace columns and rows."""
        if self._props["columns"] != list(columns):
            self._props["columns"] = list(columns)
        if self._props["rows"] != list(rows):
            self._props["rows"] = list(rows)
        return self

    def set_heard(self, id: str) -> Self:
        """Mark the row that is heard; "" for none."""
        self._props["heard"] = id
        return self
