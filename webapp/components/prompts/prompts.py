"""The prompt row: what to isolate, one chip each, one colour each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

from nicegui import ui

from webapp.components.changes import CHANGES_MODULE, take_changes


class Chip(TypedDict):
    """One prompt as people see it."""

    text: str
    color: str
    detail: NotRequired[str]  # what it is taken for
    spans: NotRequired[str]  # how many spans it has
    warn: NotRequired[bool]
    tip: NotRequired[str]


class Suggestions(TypedDict):
    """Prompts of one kind that a click adds or takes away."""

    kind: str
    texts: list[str]


class PromptChange(TypedDict, total=False):
    """One thing that a person does: adds prompts, or selects, removes, replaces or moves the one of that text."""

    add: list[str]
    select: str
    remove: str
    replace: str
    by: str  # what to replace it by
    move: str
    before: str | None  # where to move it; None, or a prompt that is not there any more: to the end


def changed(texts: Sequence[str], change: PromptChange) -> list[str]:
    """Return prompts after a change, perhaps with one of them twice; a change of a prompt that is not there is none."""
    if "add" in change:
        return [*texts, *change["add"]]
    if "remove" in change:
        return [text for text in texts if text.casefold() != change["remove"].casefold()]
    if "replace" in change:
        return [change["by"] if text == change["replace"] else text for text in texts]
    if "move" not in change or change["move"] not in texts:
        return list(texts)
    others = [text for text in texts if text != change["move"]]
    before = change.get("before")
    at = others.index(before) if before in others else len(others)
    return [*others[:at], change["move"], *others[at:]]


class Prompts(ui.element, component="prompts.js", esm=CHANGES_MODULE):
    """Chips that can be added, chosen, moved and removed, by mouse and keyboard.

    Args:
        on_change: called with each change of the prompts; `changed` applies it to those that are there now.
        on_select: called with the prompt that a person selects, whose spans can then be painted.
    """

    def __init__(self, *, on_change: Callable[[PromptChange], object], on_select: Callable[[str], object]) -> None:
        super().__init__()
        self._props["prompts"] = []
        take_changes(
            self,
            lambda change: on_select(change["select"]) if "select" in change else on_change(change),
            PromptChange,
        )

    def show(
        self,
        chips: Sequence[Chip],
        suggestions: Sequence[Suggestions],
        *,
        selected: str = "",
        note: str = "",
        better: tuple[str, str] | None = None,
        models: bool = False,
        ordered: bool = False,
    ) -> None:
        """Draw the prompts and suggestions.

        Args:
            chips: the prompts in their order.
            suggestions: prompts that one click adds or removes.
            selected: the selected prompt.
            note: a sentence below the chips.
            better: a prompt and the words that a button below puts in its place.
            models: whether to show a link to the Models page, where another model may do better.
            ordered: whether the order of the prompts affects the result.
        """
        wanted = {
            "prompts": list(chips),
            "suggestions": list(suggestions),
            "selected": selected,
            "note": note,
            "better": None if better is None else {"from": better[0], "to": better[1]},
            "models": models,
            "ordered": ordered,
        }
        for name, value in wanted.items():
            if self._props.get(name) != value:
                self._props[name] = value
