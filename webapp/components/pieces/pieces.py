"""Small pieces pages share: chip, pill, card, cost box, empty and error states, job card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Self, TypeVar

from nicegui import ui

from webapp.components.cells.cells import Cell, Cells
from webapp.components.pieces.icons import icon, icon_classes

Element = TypeVar("Element", bound=ui.element)


def text(content: str, classes: str = "", *, tag: str = "span") -> Text:
    """A piece of text in the tag of your choice; never read as HTML."""
    return Text(content, classes, tag=tag)


class Text(ui.element):
    """Text whose content can change: `set_text`."""

    def __init__(self, content: str, classes: str = "", *, tag: str = "span") -> None:
        super().__init__(tag)
        self._text = content
        self.classes(classes)

    @property
    def text(self) -> str:
        """What is written."""
        return self._text or ""

    def set_text(self, content: str) -> Self:
        """Write something else."""
        if content != self._text:
            self._text = content
            self.update()
        return self


@contextmanager
def card(classes: str = "") -> Iterator[ui.element]:
    """Lend a surface with a border; the class "pad" adds inner space."""
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
    """A button in our look; `element.props("disabled")` disables it, `set_text` changes its words."""
    words = f"button {kind} {classes}" + (f" {icon_classes(icon_name)}" if icon_name else "")
    return _clickable(text(label, words, tag="button"), on_click, tip)


def icon_button(name: str, label: str, on_click: Callable[[], object] | None = None) -> ui.element:
    """A button that is only an icon; `label` is its name for screen readers and its tooltip."""
    element = ui.element("button").classes(f"icon-button {icon_classes(name)}")
    element.props["aria-label"] = label
    return _clickable(element, on_click, label)


def tipped(element: Element, tip: str) -> Element:
    """Give an element its tooltip: what choosing it does. It shows under the mouse and with the keyboard's focus."""
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
    """A prompt as people see it: dot in its colour, words, a short detail, a cross."""
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
            _clickable(cross, on_remove, f"Leave out {label}")
    return element


def pill(label: str, *, state: Literal["", "ok", "warn", "bad"] = "") -> Text:
    """A short status in the header; a coloured dot says how it stands."""
    return text(label, f"pill {state}")


def heading(label: str) -> Text:
    """Small capitals over a group of the side panel."""
    return text(label, "group", tag="h2")


class CostBox(ui.element):
    """What a run will cost: label and value per row."""

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
    what: str, why: str = "", todo: str = "", *, on_dismiss: Callable[[], object] | None = None
) -> ui.element:
    """What happened, why, what to do; the fields of a `PlaygroundError`. Returns the card, to be deleted or filled."""
    with ui.element("div").classes("error-card").props("role=alert") as element:
        icon("warning")
        with ui.element("div").classes("error-words"):
            text(what, "error-what", tag="p")
            if why:
                text(why, "mute", tag="p")
            if todo:
                text(todo, tag="p")
        if on_dismiss is not None:
            icon_button("close", "Dismiss", on_dismiss)
    return element


@contextmanager
def drop_zone(title: str, detail: str = "") -> Iterator[ui.element]:
    """The empty state of a page that wants a file; what is placed inside follows the words (buttons).

    Add the class `over` while a file hovers above it.
    """
    with ui.element("div").classes("drop-zone") as element:
        icon("upload").classes("drop-mark")
        text(title, "drop-title", tag="h2")
        if detail:
            text(detail, "mute", tag="p")
        with ui.element("div").classes("drop-actions"):
            yield element


def skeleton(height_px: int = 52) -> ui.element:
    """A place where something is loading."""
    return ui.element("div").classes("skeleton").style(f"height: {height_px}px").props("aria-hidden=true")


class JobCard(ui.element):
    """One job: title, detail, cells, time left, and a place for its buttons (`with job.buttons:`)."""

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
        """Change the words; cells are changed through `cells`."""
        self._title.set_text(title)
        self._detail.set_text(detail)
        self._remaining.set_text(remaining)
        self.props["aria-label"] = title
