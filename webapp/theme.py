"""The look of all pages: installs style sheets, fonts and the colour scheme, and gathers the elements that pages use.

`static/theme.css` holds the design tokens once for both schemes, with CSS `light-dark()`; the head of each style sheet
lists its classes.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from pathlib import Path
from typing import Literal

from nicegui import app, ui

from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.components.pieces.icons import FAVICON, icon_sheet
from webapp.components.pieces.menus import menu, menu_choice, menu_item
from webapp.components.pieces.messages import Messages
from webapp.components.pieces.pieces import (
    ActionPlace,
    CostBox,
    JobCard,
    Text,
    button,
    card,
    chip,
    drop_zone,
    error_card,
    heading,
    icon_button,
    pill,
    show_action,
    skeleton,
    text,
    tipped,
)
from webapp.components.segmented.segmented import Segmented, segmented
from webapp.components.shell.shell import PAGES, Frame, shell, side_button
from webapp.components.stem_colors import FREE_COLORS, STEM_COLORS, stem_color

__all__ = [
    "FAVICON",
    "FREE_COLORS",
    "PAGES",
    "SCHEMES",
    "STEM_COLORS",
    "ActionPlace",
    "CostBox",
    "Frame",
    "JobCard",
    "Messages",
    "Scheme",
    "Segmented",
    "Text",
    "button",
    "card",
    "chip",
    "drop_zone",
    "error_card",
    "heading",
    "icon_button",
    "install_theme",
    "menu",
    "menu_item",
    "pill",
    "remembered_scheme",
    "scheme_menu",
    "segmented",
    "set_scheme",
    "shell",
    "show_action",
    "side_button",
    "skeleton",
    "stem_color",
    "text",
    "tipped",
]

Scheme = Literal["dark", "light", "auto"]
SCHEMES: dict[Scheme, str] = {"dark": "Dark", "light": "Light", "auto": "System"}
_DARK: dict[Scheme, bool | None] = {"dark": True, "light": False, "auto": None}
_CSS_SCHEME: dict[Scheme, str] = {"dark": "dark", "light": "light", "auto": "light dark"}
SCHEME_COOKIE = "scheme"  # holds the scheme that was last chosen in this browser

STATIC = Path(__file__).parent / "static"
_SHEETS = tuple(
    Path(__file__).parent / sheet
    for sheet in (
        "static/colors.css",
        "static/theme.css",
        "components/shell/shell.css",
        "components/pieces/pieces.css",
        "static/quasar.css",
        "components/player/player.css",
        "components/spans/spans.css",
        "components/notes/notes.css",
        "components/upload/upload.css",
        "pages/queue/queue.css",
        "pages/compare/compare.css",
        "pages/benchmark/benchmark.css",
        "components/figure_table/figure_table.css",
        "components/settings/settings.css",
        "pages/models/models.css",
        "pages/settings/settings_page.css",
        "components/library_list/library_list.css",
    )
)
_SCRIPTS = tuple(Path(__file__).parent / "components" / script for script in ("tips/tips.js", "sliders/sliders.js"))


def install_theme(scheme: Scheme | None = None) -> None:
    """Add the style sheets and the colour scheme to the page that is being built; call it first in every page function.

    Args:
        scheme: "dark", "light", or "auto" for the preference of the person's system; None for the scheme that was last
            chosen in this browser, dark if none was.
    """
    scheme = scheme or remembered_scheme()
    _serve_sheets()
    app.colors(
        primary="#2aa88c",
        secondary="#5c7cfa",
        accent="#2aa88c",
        dark="#14181e",
        dark_page="#0d1014",
        positive="#1f9d6b",
        negative="#d64562",
        info="#2f86c9",
        warning="#c98a1c",
    )
    # As a style in the head it holds before the first script runs, so that no page flashes white.
    ui.add_head_html(f"<style>:root {{ color-scheme: {_CSS_SCHEME[scheme]}; }}</style>")
    ui.add_head_html(_head())
    ui.dark_mode(_DARK[scheme])


def scheme_menu() -> None:
    """Place the button with which a person chooses between dark and light."""
    with asks(icon_button("contrast", "Dark or light"), Asks.SESSION), menu("Dark or light"):
        now = remembered_scheme()
        for scheme, label in SCHEMES.items():
            entry = menu_choice(label, partial(set_scheme, scheme), chosen=scheme == now)
            entry.on("click", js_handler=f"() => {{ {_shown(scheme)} }}")


def set_scheme(scheme: Scheme) -> None:
    """Change the scheme of the open page at once, and store it for later visits of this browser."""
    client = ui.context.client
    # The element needs the value too, because it sets it again whenever the page is redrawn.
    for element in client.elements.values():
        if isinstance(element, ui.dark_mode):
            element.set_value(_DARK[scheme])
    client.run_javascript(_shown(scheme))


def _shown(scheme: Scheme) -> str:
    """Return the statements with which the browser shows a scheme and remembers it."""
    cookie = f"{SCHEME_COOKIE}={scheme}; path=/; max-age=31536000; samesite=strict"
    return f"document.documentElement.style.colorScheme = '{_CSS_SCHEME[scheme]}'; document.cookie = '{cookie}';"


def remembered_scheme() -> Scheme:
    """Return the scheme that was last chosen in the browser of the open page."""
    request = ui.context.client.request
    cookie = request.cookies.get(SCHEME_COOKIE) if request is not None else None
    return next((scheme for scheme in SCHEMES if scheme == cookie), "dark")


def _serve_sheets() -> None:
    """Register the routes of fonts, style sheets and the scripts of all pages once per server."""
    if any(getattr(route, "path", "") == "/static/{path:path}" for route in app.routes):
        return
    for file in (*_SHEETS, *_SCRIPTS):
        app.add_static_file(local_file=file, url_path=f"/static/{file.name}", max_cache_age=31_536_000)
    app.add_static_files("/static", STATIC, max_cache_age=31_536_000)


@cache
def _head() -> str:
    links = (f'<link rel="stylesheet" href="{_url(sheet)}">' for sheet in _SHEETS)
    scripts = (f'<script type="module" src="{_url(script)}"></script>' for script in _SCRIPTS)
    return f"{''.join(links)}<style>{icon_sheet()}</style>{''.join(scripts)}"


def _url(file: Path) -> str:
    # The version is a hash of the content, so browsers fetch a changed file at once and an unchanged one never again.
    version = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f"/static/{file.name}?v={version}"
