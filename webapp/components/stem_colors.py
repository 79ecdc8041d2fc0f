"""The steady colour of each stem and prompt, the same on every page."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

# (light, dark) per stem. Each has at least 4.5:1 against the card it lies on (#ffffff, #14181e), so that a stem's
# colour may be text as well as a drawing; tests/webapp/components/test_stem_colors.py computes the ratios.
_STEMS: dict[str, tuple[str, str]] = {
    "mixture": ("#566273", "#9aa7b8"),
    "target": ("#0a6ea8", "#5cc8ff"),
    "residual": ("#96590a", "#ffb454"),
    "everything else": ("#96590a", "#ffb454"),
    "vocals": ("#0a6ea8", "#5cc8ff"),
    "drums": ("#b03a2e", "#ff8a70"),
    "bass": ("#6d3fc4", "#b79bff"),
    "other": ("#96590a", "#ffb454"),
    "guitar": ("#8a3b96", "#e58ef0"),
    "piano": ("#1d7a3d", "#74d88f"),
    "noise": ("#5f6368", "#a3a9b3"),
    "speech": ("#0f6f9c", "#63cdf5"),
    "music": ("#8a6100", "#f2cd5c"),
}
# Prompts nobody foresaw take these in turn; neighbours in the list are far apart on the wheel, and none is the
# residual's, which stands beside them.
_FREE: tuple[tuple[str, str], ...] = (
    ("#0a6ea8", "#5cc8ff"),
    ("#8a3b96", "#d9a0f5"),
    ("#1d7a3d", "#74d88f"),
    ("#b0305c", "#ff8fb0"),
    ("#4a50c9", "#a3a8ff"),
    ("#6b6a00", "#d6d564"),
    ("#0b7370", "#58d3cf"),
)


def _css(pair: tuple[str, str]) -> str:
    return f"light-dark({pair[0]}, {pair[1]})"


STEM_COLORS: dict[str, str] = {stem: _css(pair) for stem, pair in _STEMS.items()}  # CSS colours, right in both schemes
FREE_COLORS: tuple[str, ...] = tuple(_css(pair) for pair in _FREE)


def stem_color(name: str, taken: Collection[str] = ()) -> str:
    """Return the steady CSS colour of a stem or prompt; a free prompt avoids the colours that others have `taken`."""
    key = name.strip().lower()
    if key in STEM_COLORS:
        return STEM_COLORS[key]
    # The name decides where the search begins, so that a prompt has the same colour on every page.
    start = hashlib.sha256(key.encode()).digest()[0] % len(FREE_COLORS)
    in_turn = FREE_COLORS[start:] + FREE_COLORS[:start]
    return next((color for color in in_turn if color not in taken), in_turn[0])
