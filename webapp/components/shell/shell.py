"""The frame every page stands in: rail, header, main, side panel, foot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nicegui import ui

from webapp.access.handlers import asks, may
from webapp.access.roles import Right
from webapp.access.routes import Asks, Need
from webapp.components.pieces.icons import icon_classes
from webapp.components.pieces.pieces import Text, button, icon_button, text

# key -> (label, path), in the order of the rail
PAGES = {
    "studio": ("Studio", "/"),
    "compare": ("Compare", "/compare"),
    "benchmark": ("Benchmark", "/benchmark"),
    "library": ("Library", "/library"),
    "models": ("Models", "/models"),
    "settings": ("Settings", "/settings"),
}

SAYS_TO_GUESTS = ("studio", "compare", "library")
PAGES_ID = "pages"  # of the rail in the document: on a phone it is a menu that a button in the header opens
LACKING = {
    Right.LISTEN: "listen to what others have brought",
    Right.RUN: "separate",
    Right.UPLOAD: "bring recordings",
}

# The sheet of a phone opens in the browser alone. What lies under it can be neither reached nor read meanwhile.
_SHEET = """() => {
    const shell = document.querySelector(".shell");
    const open = %s;
    if (open === shell.classList.contains("sheet-open")) return;
    shell.classList.toggle("sheet-open", open);
    for (const part of shell.querySelectorAll(":scope > header, :scope > main, :scope > nav")) part.inert = open;
    const button = shell.querySelector(".sheet-button");
    button.setAttribute("aria-expanded", open);
    (open ? shell.querySelector(".sheet-head button") : button).focus();
}"""
_TOGGLE_SHEET = _SHEET % '!shell.classList.contains("sheet-open")'
_CLOSE_SHEET = _SHEET % "false"

# From another page it leads to what was open there, which the Studio notes in its tab.
_BACK_TO_THE_STUDIO = """(event) => {
    event.currentTarget.href = sessionStorage.getItem("studio") ?? event.currentTarget.href;
}"""


@dataclass(frozen=True, slots=True)
class Frame:
    """The elements of the frame that a page fills: `with frame.main: ...`."""

    header: ui.element
    main: ui.element
    side: ui.element  # settings; a bottom sheet on a phone
    actions: ui.element  # the page's main action: foot of the side panel, or beside the transport on a phone
    footer: ui.element


@contextmanager
def shell(
    active: str = "studio", *, side: str = "Options", footer: bool = True, needs: Need = Asks.SESSION
) -> Iterator[Frame]:
    """Draw the frame of a page and return its elements.

    Args:
        active: the key of the page that is open.
        side: the name of the side panel; "" for a page without one.
        footer: whether the page has a transport.
        needs: what the handlers of the page ask for, where its parts do not ask for more.
    """
    kind = f"shell{'' if side else ' no-side'}{'' if footer else ' no-foot'}"
    with ui.element("div").classes(kind).on("keydown.escape", js_handler=_CLOSE_SHEET) as whole:
        asks(whole, needs)
        # NiceGUI puts every page into a `main` of its own, in which there could be no other, no banner and no foot.
        ui.context.client.page_container.default_slot.children[0].tag = "div"
        text("Skip to the page", "skip-link sr-only", tag="a").props("href=#main")
        _rail(active)
        with ui.element("header").classes("shell-header").props("role=banner") as header:
            pages = icon_button("menu", "Pages").classes("pages-button")
            pages.props(f"popovertarget={PAGES_ID} aria-haspopup=true")
            if side:
                _sheet_button(side)
        main = ui.element("main").classes("shell-main").props("id=main tabindex=-1")
        if active in SAYS_TO_GUESTS and (words := _lacking()):
            with main:
                text(words, "mute small guest-note", tag="p").props("role=note")
        if side:
            ui.element("div").classes("sheet-scrim").on("click", js_handler=_CLOSE_SHEET)
        with ui.element("aside").classes("shell-side").props(f'id=side aria-label="{side or "Side"}"'):
            if side:
                _sheet_head(side)
            side_body = ui.element("div").classes("side-body")
        with ui.element("div").classes("shell-actions").props("id=actions tabindex=-1 role=region aria-label=Actions"):
            actions = ui.element("div").classes("actions-body")
        foot = ui.element("footer").classes("shell-footer").props("role=contentinfo")
    yield Frame(header=header, main=main, side=side_body, actions=actions, footer=foot)


def side_button(label: str, tip: str = "") -> Text:
    """Place a button for phones, which opens the side panel there; it belongs into `Frame.actions`."""
    opening = button(label, kind="primary", tip=tip, classes="grow only-phone")
    opening.props("aria-controls=side").on("click", js_handler=_TOGGLE_SHEET)
    return opening


def _lacking() -> str:
    """Return a sentence about what a guest may not do here; "" for who may do everything."""
    lacking = [words for right, words in LACKING.items() if not may(right)]
    if not lacking:
        return ""
    listed = lacking[0] if len(lacking) == 1 else f"{', '.join(lacking[:-1])} or {lacking[-1]}"
    return f"You are a guest here. The host does not let guests {listed}."


def _rail(active: str) -> None:
    with ui.element("nav").classes("shell-rail").props(f'id={PAGES_ID} popover=auto aria-label="Pages"'):
        logo = ui.element("span").classes(f"rail-logo {icon_classes('logo')}")
        logo.props('role=img aria-label="Audio Playground"')
        for page, (label, path) in PAGES.items():
            link = text(label, f"rail-link {icon_classes(page)}", tag="a").props(f"href={path}")
            if page == active:
                link.classes("on").props("aria-current=page")
            elif page == "studio":
                link.on("click", js_handler=_BACK_TO_THE_STUDIO)


def _sheet_head(side: str) -> None:
    with ui.element("div").classes("sheet-head"):
        text(side, tag="h2")
        icon_button("close", "Close").on("click", js_handler=_CLOSE_SHEET)


def _sheet_button(side: str) -> None:
    button = icon_button("settings", side).classes("sheet-button")
    button.props("aria-expanded=false aria-controls=side").on("click", js_handler=_TOGGLE_SHEET)
