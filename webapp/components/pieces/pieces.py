"""Small pieces pages share: chip, pill, card, cost box, empty and error states, job card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Self, TypeVar

from nicegui import ui

from separation.errors import Action, PlaygroundError
from webapp.components.cells.cells import Cell, Cells
from webapp.components.pieces.actions import label_of, leads_to, said_with, tip_of
from webapp.components.pieces.icons import icon, icon_classes

Element = TypeVar("Element", bound=ui.element)


def text(content: str, classes: str = "", *, tag: str = "span") -> Text:
    """Place a text in an element of this tag; HTML in it is shown as text."""
    return Text(content, classes, tag=tag)


class Text(ui.element):
    """An element whose text can be changed with `set_text`."""

    def __init__(self, content: str, classes: str = "", *, tag: str = "span") -> None:
        super().__init__(tag)
        self._text = content
        self.classes(classes)

    @property
    def text(self) -> str:
        """The text that is shown."""
        return self._text or ""

    def set_text(self, content: str) -> Self:
        """Show another text."""
        if content != self._text:
            self._text = content
            self.update()
        return self


@contextmanager
def card(classes: str = "") -> Iterator[ui.element]:
    """Place a surface with a border, to be filled in a `with` block; the class "pad" adds inner space."""
    with ui.element("section").classes(f"card {classes}") as surface:
        yield surface


def button(
    label: str,
    on_click: Callable[[], object] | None = None,
    *,
    kind: Literal["primary", "quiet", "plain", "danger"] = "quiet",
    tip: str = "",
    icon_name: str = "",
    classes: str = "",
) -> Text:
    """Place a button; `element.props("disabled")` disables it, `set_text` changes its text."""
    words = f"button {kind} {classes}" + (f" {icon_classes(icon_name)}" if icon_name else "")
    return _clickable(text(label, words, tag="button"), on_click, tip)


def icon_button(name: str, label: str, on_click: Callable[[], object] | None = None) -> ui.element:
    """Place a button that shows only an icon; `label` is its tooltip and its name for screen readers."""
    element = ui.element("button").classes(f"icon-button {icon_classes(name)}")
    element.props["aria-label"] = label
    return _clickable(element, on_click, label)


def tipped(element: Element, tip: str) -> Element:
    """Set an element's tooltip, which is shown under the mouse and with the keyboard's focus; return the element."""
    element.props["data-tip"] = tip
    return element


def _clickable(element: Element, on_click: Callable[[], object] | None, tip: str) -> Element:
    element.props["type"] = "button"
    if on_click is not None:
        element.on("click", lambda _: on_click(), [])
    return tipped(element, tip) if tip else element


def chip(
    label: str,
    color: str,
    *,
    detail: str = "",
    selected: bool = False,
    on_click: Callable[[], object] | None = None,
    on_remove: Callable[[], object] | None = None,
) -> ui.element:
    """Place the chip of something kept: a dot in its colour, its text, a short detail, and a button that deletes it."""
    with ui.element("span").classes("chip" + (" on" if selected else "")) as element:
        element.style(f"--stem: {color}")
        body = ui.element("button" if on_click is not None else "span").classes("chip-body")
        if on_click is not None:
            body.props(f"type=button aria-pressed={'true' if selected else 'false'}").on(
                "click", lambda _: on_click(), []
            )
        with body:
            ui.element("i").classes("dot")
            text(label)
            if detail:
                text(detail, "chip-detail")
        if on_remove is not None:
            cross = ui.element("button").classes(f"chip-remove {icon_classes('close')}")
            cross.props["aria-label"] = f"Remove {label}"
            _clickable(cross, on_remove, f"Deletes {label}")
    return element


def pill(label: str, *, state: Literal["", "ok", "warn", "bad"] = "") -> Text:
    """Place a short status with a dot, whose colour a class sets: "ok", "warn" or "bad"."""
    return text(label, f"pill {state}")


def heading(label: str) -> Text:
    """Place the heading of a group of the side panel, in small capitals."""
    return text(label, "group", tag="h2")


class CostBox(ui.element):
    """A list of rows, each a label and a value, that says what a run will cost."""

    def __init__(self, rows: Mapping[str, str] | None = None) -> None:
        super().__init__("dl")
        self.classes("cost").props('aria-live=polite aria-label="Expected cost"')
        self._shown: object = None
        self.set_rows(rows or {})

    def set_rows(self, rows: Mapping[str, str], *, warn: Sequence[str] = ()) -> None:
        """Replace the rows; those named in `warn` are in the warning colour."""
        if self._shown == (wanted := (dict(rows), tuple(warn))):
            return
        self._shown = wanted
        self.clear()
        with self:
            for label, value in rows.items():
                text(label, "mute", tag="dt")
                text(value, "warn" if label in warn else "", tag="dd")


def error_card(
    error: PlaygroundError, *, on_dismiss: Callable[[], object] | None = None, accepted: bool = False
) -> ui.element:
    """Place a card that says what happened, why, and what to do, with the button of the action. Returns the card.

    Args:
        error: what to say.
        on_dismiss: called when a person has read it; without it there is no button for that.
        accepted: whether what was asked for was done, only not as it was meant.
    """
    kind = f"error-card{' accepted' if accepted else ''}"
    with ui.element("div").classes(kind).props(f"role={'status' if accepted else 'alert'}") as element:
        icon("warning")
        with ui.element("div").classes("error-words"):
            text(error.what, "error-what", tag="p")
            if error.why:
                text(error.why, "mute", tag="p")
            if error.todo:
                text(error.todo, tag="p")
            if error.action is not None:
                show_action(error.action)
        if on_dismiss is not None:
            icon_button("close", "Dismiss", on_dismiss)
    return element


def show_action(action: Action) -> Text:
    """Place the button of an action, or a sentence where no page does it."""
    if not (address := leads_to(action)):
        return text(said_with("", action), tag="p")
    return tipped(text(label_of(action), "button quiet action", tag="a").props(f"href={address}"), tip_of(action))


class ActionPlace(ui.element):
    """A place for the button or the sentence of an action that may become another one; empty and hidden for None."""

    def __init__(self) -> None:
        super().__init__("div")
        self._action: Action | None = None
        self.set_visibility(False)

    def show(self, action: Action | None) -> None:
        """Show another action."""
        if action == self._action:
            return
        self._action = action
        self.clear()
        self.set_visibility(action is not None)
        if action is not None:
            with self:
                show_action(action)


@contextmanager
def drop_zone(title: str, detail: str = "") -> Iterator[ui.element]:
    """Place the empty state of a page that needs a file; elements placed inside (buttons) follow its text.

    The class `over` marks it while a file is dragged over it.
    """
    with ui.element("div").classes("drop-zone") as element:
        icon("upload").classes("drop-mark")
        text(title, "drop-title", tag="h2")
        if detail:
            text(detail, "mute", tag="p")
        with ui.element("div").classes("drop-actions"):
            yield element


def skeleton(height_px: int = 52) -> ui.element:
    """Place a grey shape where something is loading."""
    return ui.element("div").classes("skeleton").style(f"height: {height_px}px").props("aria-hidden=true")


class JobCard(ui.element):
    """The card of a job: title, detail, cells, time left, and a place for its buttons (`with job.buttons:`)."""

    def __init__(self, title: str, detail: str = "", *, cells: Sequence[Cell] = (), remaining: str = "") -> None:
        super().__init__("section")
        self.classes("card job").props("role=group")
        self.props["aria-label"] = title
        with self:
            with ui.element("span").classes("job-words"):
                self._title = text(title, "job-title", tag="b")
                self._detail = text(detail, "mute")
            self.cells = Cells(cells)
            self._remaining = text(remaining, "job-left")
            self.buttons = ui.element("span").classes("job-buttons")

    def set_state(self, title: str, detail: str = "", remaining: str = "") -> None:
        """Change the texts; cells are changed through `cells`."""
        self._title.set_text(title)
        self._detail.set_text(detail)
        self._remaining.set_text(remaining)
        self.props["aria-label"] = title
