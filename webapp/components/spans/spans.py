"""Where the prompted sounds are: spans painted over a waveform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Self, TypedDict

from nicegui import ui

from separation.request import Anchor
from webapp.components.changes import CHANGES_MODULE, take_changes
from webapp.components.player import PLAYER_MODULE
from webapp.components.sent import arguments_to

LATENT_FRAME_S = 0.04  # of SAM-Audio
# The files beside spans.js, which imports them by this name.
SPANS_MODULE = {"audio-playground-spans": str(Path(__file__).parent)}


# What a button of the page does in the browser, so that it is the last step there which is undone.
UNDO, REDO = (f"() => window.dispatchEvent(new Event('spans-{step}'))" for step in ("undo", "redo"))


class Span(TypedDict):
    """A passage in which the prompt's sound is (`+`) or is not (`-`)."""

    prompt: str  # its text
    sign: Literal["+", "-"]
    start_s: float
    stop_s: float


class SpanChange(TypedDict):
    """What one gesture does: spans that are gone, and spans in their place."""

    recording: str  # as the element was given it when the gesture ended
    removed: list[Span]
    added: list[Span]


class Steps(TypedDict):
    """Whether there are steps to undo, and to redo."""

    undo: bool
    redo: bool


class SpanPrompt(TypedDict):
    """A prompt that spans may belong to."""

    text: str
    color: str  # any CSS colour; `theme.stem_color` gives the steady one


def spans_of(prompt: str, anchors: Iterable[Anchor]) -> list[Span]:
    """Return a prompt's anchors as spans."""
    return [Span(prompt=prompt, sign=one.sign, start_s=one.start_s, stop_s=one.stop_s) for one in anchors]


def anchors_of(prompt: str, spans: Iterable[Span]) -> tuple[Anchor, ...]:
    """Return a prompt's spans as anchors, in their order.

    Raises:
        SettingsError: a span that the browser sent is not a span of time.
    """
    return tuple(
        Anchor(sign=span["sign"], start_s=span["start_s"], stop_s=span["stop_s"])
        for span in spans
        if span["prompt"] == prompt
    )


class Spans(ui.element, component="spans.js", esm=CHANGES_MODULE | PLAYER_MODULE | SPANS_MODULE):
    """A layer inside a waveform: `with WaveformPlot(track): Spans(...)`.

    Below the waveform it adds a line with a hint, which becomes the editor of the chosen span.

    While a component publishes the `tool` "plus" or "minus" (see `Segmented`), dragging paints a span of the selected
    prompt; the ruler still seeks. Spans are dragged by their middle or an edge with any tool. Of a focused span, arrows
    left and right move it by a frame, up and down its end, Alt with up and down its start (Shift: ten frames); + and -
    set its sign, Delete removes it, Enter opens exact typing, Escape leaves. Anywhere on the page, Y and N (yes, no)
    mark a second at the playhead as + and -, Ctrl+Z and Ctrl+Shift+Z or Ctrl+Y undo and redo.

    Args:
        spans: the spans of all prompts.
        prompts: the prompts whose spans are shown.
        selected: the text of the prompt whose spans can be changed, unless one is published as `selected` (see
            `Prompts`); "" for none at all.
        duration_s: the length of the recording in seconds; 0 shows nothing.
        frame_s: the length in seconds of the frames that spans snap to; 0 for no snapping.
        recording: identifies the recording; steps to undo are kept for each.
        on_change: called once per gesture with what it changes; the spans that are shown stay until they are set.
        on_history: called with whether there are steps to undo and to redo.
    """

    def __init__(
        self,
        spans: Sequence[Span] = (),
        *,
        prompts: Sequence[SpanPrompt] = (),
        selected: str = "",
        duration_s: float = 0.0,
        frame_s: float = LATENT_FRAME_S,
        recording: str = "",
        on_change: Callable[[SpanChange], object] | None = None,
        on_history: Callable[[bool, bool], object] | None = None,
    ) -> None:
        super().__init__()
        self._on_change = on_change
        self._props["spans"] = list(spans)
        self._props["prompts"] = list(prompts)
        self._props["selected"] = selected
        self._props["duration"] = duration_s
        self._props["frame"] = frame_s
        self._props["recording"] = recording
        take_changes(self, self._changed, SpanChange)
        if on_history is not None:
            self.on("history", arguments_to(lambda has: on_history(has["undo"], has["redo"]), Steps))

    @property
    def spans(self) -> list[Span]:
        """The present spans of all prompts."""
        return list(self._props["spans"])

    @property
    def selected(self) -> str:
        """The text of the prompt whose spans can be changed, or ""."""
        return str(self._props["selected"])

    def set_spans(self, spans: Sequence[Span]) -> Self:
        """Replace all spans without calling `on_change`; a gesture under way goes on."""
        return self._set("spans", list(spans))

    def set_prompts(self, prompts: Sequence[SpanPrompt]) -> Self:
        """Replace the prompts; spans of those that are missing are kept and not shown."""
        return self._set("prompts", list(prompts))

    def set_recording(self, recording: str, duration_s: float, spans: Sequence[Span] = ()) -> Self:
        """Show another recording's spans; the steps to undo of the one before are kept."""
        self._set("duration", duration_s)._set("spans", list(spans))
        return self._set("recording", recording)

    def select(self, prompt: str) -> Self:
        """Select the prompt whose spans can be changed; the others become faint."""
        return self._set("selected", prompt)

    def _set(self, name: str, value: object) -> Self:
        if self._props[name] != value:
            self._props[name] = value
        return self

    def _changed(self, change: SpanChange) -> object:
        if self._on_change is None or change["recording"] != self._props["recording"]:
            return None  # another one was opened meanwhile
        return self._on_change(change)
