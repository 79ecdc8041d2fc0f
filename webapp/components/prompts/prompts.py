"""The prompt row: what to isolate, one chip each, one colour each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

from nicegui import ui

from webapp.components.player.track import arguments_to


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


class Prompts(ui.element, component="prompts.js"):
    """Chips that can be added, chosen, moved and removed, by mouse and keyboard.

    Args:
        on_prompts: called with all prompts in their new order whenever a person changes something.
        on_select: called with the prompt that a person selects, whose spans can then be painted.
    """

    def __init__(self, *, on_prompts: Callable[[list[str]], object], on_select: Callable[[str], object]) -> None:
        super().__init__()
        self._props["prompts"] = []
        self.on("prompts", arguments_to(on_prompts))
        self.on("select", arguments_to(on_select))

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
