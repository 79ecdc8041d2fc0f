"""Where SAM-Audio's models come from: the places in the order in which they are tried, which a person can change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nicegui import ui

from separation.errors import PlaygroundError
from separation.models.sam_audio import sources
from webapp.components.pieces.actions import SOURCES
from webapp.theme import button, card, error_card, text

NAMES = {name: name for name in sources.NAMES} | {sources.FOLDER: "Your folder", "facebook": "Meta"}


class SourcesCard:
    """The table of sources.

    Args:
        on_change: called when the order was changed.
        may_change: whether this page may change it.
    """

    def __init__(self, *, on_change: Callable[[], object], may_change: bool) -> None:
        self._on_change, self._may_change = on_change, may_change
        with card("sources-card") as surface:
            surface.props["aria-label"] = "Sources of SAM-Audio"
            text("Where SAM-Audio comes from", tag="h2").props(f"id={SOURCES}")
            text(
                "Tried from top to bottom. Meta's own files are asked for only where a token is; copies are compared "
                "with what is known of the model before they are fetched.",
                "mute small",
                tag="p",
            )
            self._place = ui.element("ol").classes("model-list").props('role=list aria-label="Sources"')
            self._trouble = ui.element("div")
        self._draw()

    def _draw(self) -> None:
        order = sources.order()
        self._place.clear()
        with self._place:
            for name in (*order, *(name for name in sources.NAMES if name not in order)):
                self._row(name, order)

    def _row(self, name: str, order: Sequence[str]) -> None:
        used = name in order
        with ui.element("li").classes("model-row") as row:
            row.props["aria-label"] = NAMES[name]
            with ui.element("div").classes("model-body"):
                with ui.element("div").classes("model-words"):
                    text(f"{order.index(name) + 1}. {NAMES[name]}" if used else f"{NAMES[name]}, not tried", tag="h3")
                    text(f"{sources.WORDS[name][:1].upper()}{sources.WORDS[name][1:]}", "mute small", tag="p")
                if self._may_change:
                    with ui.element("div").classes("model-buttons"):
                        self._buttons(name, order)

    def _buttons(self, name: str, order: Sequence[str]) -> None:
        others = [other for other in order if other != name]
        if name not in order:
            self._button("Try it", name, [*order, name], "Puts it at the end of the order")
            return
        place = order.index(name)
        if place:
            self._button("Earlier", name, [*others[: place - 1], name, *others[place - 1 :]], "Before the one above it")
        if others:
            self._button("Leave out", name, others, "It is not asked any more, and what came from it is not used")

    def _button(self, words: str, name: str, after: Sequence[str], tip: str) -> None:
        made = button(words, partial(self._use, tuple(after)), kind="plain", tip=tip)
        made.props["aria-label"] = f"{words}: {NAMES[name]}"

    def _use(self, order: Sequence[str]) -> None:
        self._trouble.clear()
        try:
            sources.use(order)
        except PlaygroundError as error:
            with self._trouble:
                error_card(error)
        self._draw()
        self._on_change()
