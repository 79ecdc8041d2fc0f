"""The list of the library: recordings, their results below them, and the trash."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self

from nicegui import ui

from webapp.components.copying import COPYING_MODULE
from webapp.components.player.track import arguments_to

Verb = Literal["trash", "restore", "pin", "unpin"]
VERBS: tuple[Verb, ...] = ("trash", "restore", "pin", "unpin")
MAX_WORDS = 200  # of a search, of a name
KEY = re.compile(r"[0-9a-f]{64}")


class LibraryList(ui.element, component="library_list.js", esm=COPYING_MODULE):
    """A single element that draws one page of rows from plain data and reports each action of the person.

    Args:
        on_ask: called with search, sort, page and trash when a person wants other rows.
        on_unfold: called with a recording's key and how many of its results to show; -1 is the usual number, 0 none.
        on_details: called with the key of a result whose details are to be shown or hidden.
        on_act: called with what to do and the keys of the items to do it with.
        on_rename: called with the key of a recording or result and its new name.
    """

    def __init__(
        self,
        *,
        on_ask: Callable[[str, str, int, bool], object],
        on_unfold: Callable[[str, int], object],
        on_details: Callable[[str], object],
        on_act: Callable[[Verb, Sequence[str]], object],
        on_rename: Callable[[str, str], object],
    ) -> None:
        super().__init__()
        self._props["view"] = None
        self._props["details"] = {}

        # A browser may send anything: texts are shortened here, and calls with an invalid key are ignored.
        def ask(asked: Any) -> object:
            search, sort = str(asked["search"])[:MAX_WORDS], str(asked["sort"])
            return on_ask(search, sort, int(asked["page"]), bool(asked["trash"]))

        def unfold(asked: Any) -> object:
            return on_unfold(asked["key"], int(asked["n"])) if _keys(asked["key"]) else None

        def details(key: Any) -> object:
            return on_details(key) if _keys(key) else None

        def act(asked: Any) -> object:
            verb = next((verb for verb in VERBS if verb == asked["verb"]), None)
            keys = _keys(*asked["keys"])
            return on_act(verb, keys) if verb and keys else None

        def rename(asked: Any) -> object:
            name = "".join(sign for sign in str(asked["name"]) if sign.isprintable())
            return on_rename(asked["key"], name[:MAX_WORDS]) if _keys(asked["key"]) else None

        self.on("ask", arguments_to(ask))
        self.on("unfold", arguments_to(unfold))
        self.on("details", arguments_to(details))
        self.on("act", arguments_to(act))
        self.on("rename", arguments_to(rename))

    def show(self, view: Mapping[str, Any], details: Mapping[str, Any]) -> Self:
        """Draw the rows of `webapp.state.library_view.LibraryView.view`, and the details of results by their keys."""
        self._props["view"] = dict(view)
        self._props["details"] = dict(details)
        return self


def _keys(*sent: Any) -> list[str]:
    """Return the sent values that have the form of a key of the store."""
    return [key for key in sent if isinstance(key, str) and KEY.fullmatch(key)]
