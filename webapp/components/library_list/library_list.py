"""The list of the library: recordings, their results below them, and the trash."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypedDict

from nicegui import ui

from webapp.access.handlers import asks
from webapp.access.roles import Right
from webapp.components.changes import CHANGES_MODULE, take_changes
from webapp.components.copying import COPYING_MODULE
from webapp.components.sent import arguments_to
from webapp.components.settings.settings import SettingChange, SettingGroup, offered

Verb = Literal["trash", "restore", "pin", "unpin", "share", "unshare"]
MAX_WORDS = 200  # of a search, of a name
KEY = re.compile(r"[0-9a-f]{64}")


class Asked(TypedDict):
    """Which rows a person wants to see."""

    search: str
    sort: str
    page: int
    trash: bool


class Unfolded(TypedDict):
    """A recording, and how many of its results are to be shown."""

    key: str
    n: int


class Act(TypedDict):
    """What a person does with the items of some keys."""

    verb: Verb
    keys: list[str]


class Renamed(TypedDict):
    """A recording or result, and its new name."""

    key: str
    name: str


class LibraryList(ui.element, component="library_list.js", esm=COPYING_MODULE | CHANGES_MODULE):
    """A single element that draws one page of rows from plain data and reports each action of the person.

    Args:
        on_ask: called with search, sort, page and trash when a person wants other rows.
        on_unfold: called with a recording's key and how many of its results to show; -1 is the usual number, 0 none.
        on_details: called with the key of a result whose details are to be shown or hidden.
        on_act: called with what to do and the keys of the items to do it with.
        on_rename: called with the key of a recording or result and its new name.
        on_export: called with the name of a control of downloads and the value that was entered.
    """

    def __init__(
        self,
        *,
        on_ask: Callable[[str, str, int, bool], object],
        on_unfold: Callable[[str, int], object],
        on_details: Callable[[str], object],
        on_act: Callable[[Verb, Sequence[str]], object],
        on_rename: Callable[[str, str], object],
        on_export: Callable[[str, Any], object],
    ) -> None:
        super().__init__()
        asks(self, Right.MANAGE, "act", "rename")
        self._props |= {"view": None, "details": {}, "export": ""}

        # A browser may send anything: texts are shortened here, and calls with an invalid key are ignored.
        def ask(asked: Asked) -> object:
            return on_ask(asked["search"][:MAX_WORDS], asked["sort"], asked["page"], asked["trash"])

        def unfold(asked: Unfolded) -> object:
            return on_unfold(asked["key"], asked["n"]) if _keys(asked["key"]) else None

        def details(key: str) -> object:
            return on_details(key) if _keys(key) else None

        def act(asked: Act) -> object:
            keys = _keys(*asked["keys"])
            return on_act(asked["verb"], keys) if keys else None

        def rename(asked: Renamed) -> object:
            name = "".join(sign for sign in asked["name"] if sign.isprintable())
            return on_rename(asked["key"], name[:MAX_WORDS]) if _keys(asked["key"]) else None

        def export(change: SettingChange) -> object:
            shown = [SettingGroup(title="", fields=one["fields"]) for one in self._props["details"].values()]
            anywhere = any(offered([one], change) for one in shown)  # not each result has a picture
            return on_export(change["set"], change["value"]) if anywhere else None

        take_changes(self, export, SettingChange)
        self.on("ask", arguments_to(ask, Asked))
        self.on("unfold", arguments_to(unfold, Unfolded))
        self.on("details", arguments_to(details, str))
        self.on("act", arguments_to(act, Act))
        self.on("rename", arguments_to(rename, Renamed))

    def show(self, view: Mapping[str, Any], details: Mapping[str, Any]) -> Self:
        """Draw the rows of `webapp.state.library.view.LibraryView.view`, and the details of results by their keys."""
        self._props["view"] = dict(view)
        return self.show_details(details)

    def set_export(self, query: str) -> Self:
        """Set how downloads are written, as the query of their addresses."""
        self._props["export"] = query
        return self

    def show_details(self, details: Mapping[str, Any]) -> Self:
        """Draw the details of results anew."""
        self._props["details"] = dict(details)
        return self


def _keys(*sent: str) -> list[str]:
    """Return the sent values that have the form of a key of the store."""
    return [key for key in sent if KEY.fullmatch(key)]
