"""Parses and writes anchors: `+1.5-3.0,-5-7` means that a sound is there from 1.5 to 3 s and absent from 5 to 7 s."""

from __future__ import annotations

import re
from collections.abc import Iterable

from separation.audio import times
from separation.errors import SettingsError
from separation.request import Anchor

_SECONDS = r"(\d+(?:\.\d*)?|\.\d+)"
_SPAN = re.compile(rf"([+-])\s*{_SECONDS}\s*-\s*{_SECONDS}", re.ASCII)


def parse_anchors(text: str) -> tuple[Anchor, ...]:
    """Return the spans that `text` lists, in its order; none for an empty text.

    Raises:
        SettingsError: a span is not written as sign, start, `-`, stop in seconds, or stops before it starts.
    """
    if not text.strip():
        return ()
    return tuple(_anchor(part.strip()) for part in text.split(","))


def written(anchors: Iterable[Anchor]) -> str:
    """Return the text from which `parse_anchors` makes these anchors."""
    # Without exponents, whose minus sign would read as the one between start and stop.
    return ",".join(f"{anchor.sign}{times.digits(anchor.start_s)}-{times.digits(anchor.stop_s)}" for anchor in anchors)


def _anchor(span: str) -> Anchor:
    match = _SPAN.fullmatch(span)
    if match is None:
        raise SettingsError(
            f"“{span}” is not a span of time.",
            "A span is + (it sounds there) or - (it does not), a start, a - and a stop, in seconds.",
            "Write +1.5-3.0 or -5-7, and a comma between two spans.",
        )
    return Anchor(sign="+" if match[1] == "+" else "-", start_s=float(match[2]), stop_s=float(match[3]))
