"""Line icons on a 24 x 24 grid, drawn for this program."""

from __future__ import annotations

from urllib.parse import quote

from nicegui import ui

# Inner shapes only; `icon_sheet` adds the frame.
SHAPES = {
    "logo": '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16Z" fill="currentColor"/>',
    "contrast": '<circle cx="12" cy="12" r="4"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4"/>'
    '<path d="M5.6 18.4 7 17M17 7l1.4-1.4"/><path d="M12 8a4 4 0 0 1 0 8Z" fill="currentColor"/>',
    "studio": '<path d="M3 12h2.5L8 6l4 12 3.5-9 2 3H21"/>',
    "compare": '<path d="M4 8h14l-3.5-3.5M20 16H6l3.5 3.5"/>',
    "benchmark": '<path d="M4 4v16h16"/><path d="M8 16v-4M12.5 16V7M17 16v-6"/>',
    "library": '<rect x="4" y="5" width="16" height="14" rx="2"/><path d="M4 10h16M8 14.5h8"/>',
    "models": '<path d="M12 3.5 20 8v8l-8 4.5L4 16V8Z"/><path d="M4 8l8 4.5L20 8M12 12.5v8"/>',
    "settings": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "close": '<path d="M6 6l12 12M18 6 6 18"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "up": '<path d="M12 19V5.5M6 11.5l6-6 6 6"/>',
    "down": '<path d="M12 5v13.5M6 12.5l6 6 6-6"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M5.5 15.5h-1v-11h11v1"/>',
    "queue": '<path d="M4 6.5h11M4 12h11M4 17.5h7"/><path d="M17 13.5v7l4.5-3.5Z" fill="currentColor"/>',
    "pause": '<path d="M9 6v12M15 6v12"/>',
    "whole": '<path d="M4 5v14M20 5v14M7 12h10M9.5 9 6.5 12l3 3M14.5 9l3 3-3 3"/>',
    "minus": '<path d="M5 12h14"/>',
    "download": '<path d="M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14"/>',
    "upload": '<path d="M12 16V4.5M7.5 9 12 4.5 16.5 9M5 20h14"/>',
    "warning": '<path d="M12 4 21 19.5H3Z"/><path d="M12 10v4.5M12 17v.2"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "more": '<path d="M6 12h.01M12 12h.01M18 12h.01"/>',
    "search": '<circle cx="11" cy="11" r="6"/><path d="m15.5 15.5 4.5 4.5"/>',
    "undo": '<path d="M8 5 4 9l4 4"/><path d="M4 9h10a5.5 5.5 0 0 1 0 11H9"/>',
    "redo": '<path d="m16 5 4 4-4 4"/><path d="M20 9H10a5.5 5.5 0 0 0 0 11h5"/>',
    "loop": '<path d="M7 6h9a4 4 0 0 1 4 4v1M17 18H8a4 4 0 0 1-4-4v-1"/><path d="m9 3-3 3 3 3M15 21l3-3-3-3"/>',
    "help": '<circle cx="12" cy="12" r="8"/><path d="M9.7 9.5a2.4 2.4 0 1 1 3.3 2.3c-.7.3-1 .8-1 1.6M12 16.6v.2"/>',
    "play": '<path d="M8 5.5v13l10.5-6.5Z" fill="currentColor"/>',
    "trash": '<path d="M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5"/>',
    "pin": '<path d="M9 4h6l-.7 6 3.2 3.5h-11L9.7 10ZM12 13.5V20"/>',
    "share": '<circle cx="6.5" cy="12" r="2.5"/><circle cx="17" cy="6" r="2.5"/><circle cx="17" cy="18" r="2.5"/>'
    '<path d="m8.8 10.8 6-3.5M8.8 13.2l6 3.5"/>',
    "rename": '<path d="m5 19 1-4L15.5 5.5l3 3L9 18Z"/><path d="m13.5 7.5 3 3M13 19.5h6"/>',
    "fold": '<path d="m9.5 6.5 5.5 5.5-5.5 5.5"/>',
    "file": '<path d="M7 3.5h7l4 4V20.5H7Z"/><path d="M14 3.5v4h4M10 16v-4M12.5 17v-6M15 15.5v-2.5"/>',
}

# The mark on its ground, for the browser's tab.
FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><defs><linearGradient id="g" x2="1" y2="1">'
    '<stop stop-color="#4fd1b5"/><stop offset="1" stop-color="#5c7cfa"/></linearGradient></defs>'
    '<rect width="24" height="24" rx="6" fill="url(#g)"/><g fill="none" stroke="#06131a" stroke-width="2">'
    '<circle cx="12" cy="12" r="6"/><path d="M12 6a6 6 0 0 1 0 12Z" fill="#06131a"/></g></svg>'
)


_PLAIN = ' ()/"=:;,.-'  # what a data URL in single quotes may hold as it is
_FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="1.8" '
    'stroke-linecap="round" stroke-linejoin="round">{}</svg>'
)


def icon_sheet() -> str:
    """Return a style sheet with a class `i-NAME` per icon; an element with it and `i` shows the icon before its text.

    Icons are masks, so that their strokes take the colour of the text around them.
    """
    pictures = {name: _FRAME.format(shapes).replace("currentColor", "#000") for name, shapes in SHAPES.items()}
    return "".join(
        f".i-{name}{{--icon:url('data:image/svg+xml,{quote(svg, _PLAIN)}')}}" for name, svg in pictures.items()
    )


def icon_classes(name: str) -> str:
    """Return the classes that show an icon.

    Raises:
        KeyError: no icon of that name is drawn.
    """
    SHAPES[name]
    return f"i i-{name}"


def icon(name: str) -> ui.element:
    """Place an icon by itself; screen readers skip it."""
    return ui.element("span").classes(icon_classes(name)).props("aria-hidden=true")
