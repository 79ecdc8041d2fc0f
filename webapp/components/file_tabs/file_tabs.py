"""Files that were brought together: a tab for each, and the button that separates all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NotRequired, TypedDict

from nicegui import ui

from webapp.access.handlers import asks, only_for
from webapp.access.roles import Right
from webapp.access.routes import Asks
from webapp.components.changes import CHANGES_MODULE, take_changes


class FileTab(TypedDict):
    """One file as people see it."""

    id: str
    name: str
    words: str  # how far it is
    ready: bool  # whether it can be opened
    look: Literal["", "ok", "bad"]
    fraction: NotRequired[float]  # 0..1 of what is being done with it


class FileTabsChange(TypedDict, total=False):
    """One thing that a person does: opens the file of that id, or takes it off the list."""

    open: str
    remove: str


class FileTabs(ui.element, component="file_tabs.js", esm=CHANGES_MODULE):
    """A row of tabs, which is there as soon as there are two; its children stand at the end.

    Args:
        on_open: called with the id of the file that a person opens.
        on_remove: called with the id of the file that a person takes off the list.
    """

    def __init__(self, *, on_open: Callable[[str], object], on_remove: Callable[[str], object]) -> None:
        super().__init__()
        asks(self, Asks.SESSION)

        def take(change: FileTabsChange) -> object:
            return on_open(change["open"]) if "open" in change else on_remove(change.get("remove", ""))

        take_changes(self, take, FileTabsChange)

    def show(self, files: Sequence[FileTab], current: str) -> None:
        """Draw the tabs in the order in which the files were brought; `current` is the id of the open one."""
        for name, value in {"files": list(files), "current": current}.items():
            if self._props.get(name) != value:
                self._props[name] = value


class SeparateAll(ui.element, component="separate_all.js", esm=CHANGES_MODULE):
    """The button that separates all files alike.

    Args:
        on_press: called once for each press; a coroutine is awaited.
    """

    def __init__(self, on_press: Callable[[], object]) -> None:
        super().__init__()
        only_for(self, Right.RUN)
        take_changes(self, lambda _: on_press(), Literal["press"])

    def show(self, *, ready: bool) -> None:
        """Show whether the sounds that are asked for can be separated here; the browser counts the files it draws."""
        if self._props.get("ready") != ready:
            self._props["ready"] = ready
