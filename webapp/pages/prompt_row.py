"""The row of prompts: type, Enter; one chip each, one colour each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nicegui import ui

from webapp.theme import card, chip, stem_color, text


class PromptRow:
    """Prompts in the order they were given. Suggestions follow what the chosen backend can do.

    Args:
        on_change: called whenever a prompt comes or goes.
    """

    def __init__(self, *, on_change: Callable[[], object]) -> None:
        self.texts: list[str] = []
        self._on_change = on_change
        self._suggested: tuple[str, ...] = ()
        with card("chips"):
            self._chips = ui.element("span").classes("chip-list")
            self._input = ui.input(placeholder="a sound, in a few words…").classes("grow prompt-input")
            self._input.props('borderless dense maxlength=200 aria-label="Add a sound to isolate"')
            self._input.on("keydown.enter", self._typed)
            self._suggestions = ui.element("span").classes("suggestions")

    def set(self, texts: Sequence[str]) -> None:
        """Replace all prompts, without calling `on_change`."""
        self.texts = list(texts)
        self._draw()

    def offer(self, stems: Sequence[str], takes_any_text: bool) -> None:
        """Suggest what the backend can do; with a fixed set of stems these are all there is."""
        suggested = tuple(stems) if not takes_any_text else ("man speaking", "footsteps", "dog barking", *stems)
        if suggested != self._suggested:
            self._suggested = suggested
            self._draw()

    def _typed(self) -> None:
        self._add(self._input.value or "")
        self._input.set_value("")

    def _add(self, words: str) -> None:
        for prompt in (part.strip() for part in words.split(",")):
            if prompt and prompt.casefold() not in (known.casefold() for known in self.texts):
                self.texts.append(prompt)
        self._draw()
        self._on_change()

    def _remove(self, prompt: str) -> None:
        self.texts.remove(prompt)
        self._draw()
        self._on_change()

    def _draw(self) -> None:
        self._chips.clear()
        colors: list[str] = []
        with self._chips:
            for prompt in self.texts:
                colors.append(stem_color(prompt, colors))
                chip(prompt, colors[-1], on_remove=partial(self._remove, prompt))
        self._suggestions.clear()
        with self._suggestions:
            offered = [words for words in self._suggested if words not in self.texts]
            if offered:
                text("Try", "mute")
            for words in offered[:6]:
                suggestion = ui.element("button").classes("suggestion").props("type=button")
                suggestion.on("click", partial(self._add, words), [])
                with suggestion:
                    text(words)
