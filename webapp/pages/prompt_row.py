"""The prompt row: what to isolate, one chip each, one colour each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from nicegui import ui

from webapp.theme import card, chip, stem_color, text, tipped

NOBODY = "not available"  # beside a prompt that no separator here can answer


class PromptRow:
    """Prompts in the order they were given, and toggles for what the chosen backend surely can do.

    Args:
        on_change: called whenever a prompt comes or goes.
    """

    def __init__(self, *, on_change: Callable[[], object]) -> None:
        self.texts: list[str] = []
        self._on_change = on_change
        self._meanings: Mapping[str, str | None] = {}
        self._drawn: list[tuple[str, str | None]] = []
        self._toggles: dict[str, ui.element] = {}
        with card("chips"):
            self._chips = ui.element("span").classes("chip-list")
            self._input = ui.input(placeholder="another sound, in a few words…").classes("grow prompt-input")
            self._input.props('borderless dense maxlength=200 aria-label="Add a sound to isolate"')
            tipped(self._input, "Each sound becomes a track of its own. Enter adds it; commas part several.")
            self._input.on("keydown.enter", self._typed)
            self._suggestions = ui.element("span").classes("suggestions").props('role=group aria-label="Suggestions"')

    def set(self, texts: Sequence[str]) -> None:
        """Replace all prompts, without calling `on_change`."""
        self.texts = list(texts)
        self._draw()

    def offer(self, suggested: Sequence[str], meanings: Mapping[str, str | None]) -> None:
        """Show what can be chosen, and what each prompt is taken for.

        Args:
            suggested: prompts the backend can surely answer.
            meanings: prompt -> what it was matched to, "" where that goes without saying, None if nobody can do it.
        """
        self._meanings = meanings
        if list(suggested) != list(self._toggles):
            self._draw_toggles(suggested)
        self._draw()

    def _typed(self) -> None:
        self._add(self._input.value or "")
        self._input.set_value("")

    def _add(self, words: str) -> None:
        for prompt in (part.strip() for part in words.split(",")):
            if prompt and prompt.casefold() not in (known.casefold() for known in self.texts):
                self.texts.append(prompt)
        self._on_change()

    def _remove(self, prompt: str) -> None:
        self.texts.remove(prompt)
        self._on_change()

    def _remove_chip(self, prompt: str) -> None:
        self._remove(prompt)
        self._input.run_method("focus")  # the button that had the focus is gone

    def _toggle(self, words: str) -> None:
        chosen = next((prompt for prompt in self.texts if prompt.casefold() == words.casefold()), None)
        if chosen is None:
            self._add(words)
        else:
            self._remove(chosen)

    def _draw(self) -> None:
        chosen = {prompt.casefold() for prompt in self.texts}
        for words, toggle in self._toggles.items():
            pressed = words.casefold() in chosen
            toggle.props(f"aria-pressed={str(pressed).lower()}").classes(
                add="on" if pressed else "", remove="" if pressed else "on"
            )
        wanted = [(prompt, self._meanings.get(prompt, "")) for prompt in self.texts]
        if wanted != self._drawn:
            self._drawn = wanted
            self._draw_chips()

    def _draw_chips(self) -> None:
        self._chips.clear()
        colors: list[str] = []
        with self._chips:
            for prompt, meaning in self._drawn:
                colors.append(stem_color(prompt, colors))
                detail = NOBODY if meaning is None else meaning
                element = chip(prompt, colors[-1], detail=detail, on_remove=partial(self._remove_chip, prompt))
                if meaning is None:
                    element.classes("warn")

    def _draw_toggles(self, suggested: Sequence[str]) -> None:
        self._suggestions.clear()
        self._toggles = {}
        with self._suggestions:
            for words in suggested:
                toggle = text(words, "toggle", tag="button").props("type=button")
                toggle.on("click", partial(self._toggle, words), [])
                tipped(toggle, f"Isolate {words}, or leave it out again")
                self._toggles[words] = toggle
