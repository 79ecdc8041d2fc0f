"""Menus that open under a button; arrow keys go from entry to entry, as people with screen readers expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from webapp.components.pieces.icons import icon_classes

BELOW = 'anchor="bottom right" self="top right" :offset="[0, 6]"'  # where a menu of the header opens

# Quasar's menus know Tab alone, which leaves a menu in other programs.
_ARROWS = """(event) => {
    const entries = [...event.currentTarget.querySelectorAll("[role^=menuitem]:not(.disabled)")];
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: Math.max(at, 0) - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined || !entries.length) return;
    entries.at(to % entries.length).focus();
    event.preventDefault();
}"""


# The tick goes to the entry that was chosen, without waiting for the server.
_TICK = """(event) => {
    for (const entry of event.currentTarget.closest(".q-menu").querySelectorAll("[role=menuitemradio]")) {
        entry.setAttribute("aria-checked", entry === event.currentTarget);
    }
}"""


def menu(name: str, placed: str = BELOW) -> ui.menu:
    """Place the menu of the button around it, to be filled with `menu_item` in a `with` block.

    Args:
        name: what screen readers call it.
        placed: Quasar's properties of where it opens.
    """
    element = ui.menu().props(placed)
    element.props["aria-label"] = name
    return element.on("keydown", js_handler=_ARROWS)


def menu_item(label: str = "", on_click: Callable[[], Any] | None = None) -> ui.menu_item:
    """Place an entry of a menu."""
    # Quasar calls it an item of a list, which a menu has none of: screen readers find such a menu empty.
    return ui.menu_item(label, on_click).props("role=menuitem")


def menu_choice(label: str, on_click: Callable[[], Any], *, chosen: bool) -> ui.menu_item:
    """Place an entry of a menu of which one is chosen; that one has a tick."""
    entry = menu_item(label, on_click).classes(icon_classes("check"))
    entry.props(f"role=menuitemradio aria-checked={'true' if chosen else 'false'}")
    return entry.on("click", js_handler=_TICK)
