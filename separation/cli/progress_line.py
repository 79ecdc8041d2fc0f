"""The line of a terminal that shows how far a command is, drawn again and again in its place."""

from __future__ import annotations

import os
from itertools import accumulate
from typing import TextIO
from unicodedata import east_asian_width

from separation.cli.common import printable


def can_redraw(stream: TextIO) -> bool:
    """Whether a stream is a terminal that understands how its line is drawn anew; “dumb” ones show escape sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def redrawn(line: str) -> str:
    """Return what puts `line` in place of the terminal's current one.

    It is cut to the terminal's width: of a longer one, the lines before the last would stay with each drawing.
    """
    try:
        room = os.get_terminal_size(2).columns - 1
    except OSError:  # no terminal, or none that says
        room = 0
    line = printable(line)
    cells = list(accumulate(2 if east_asian_width(sign) in "WF" else 1 for sign in line))
    n_fitting = sum(1 for n_cells in cells if n_cells <= (room if room > 0 else 79))
    return "\r\x1b[2K" + (line if n_fitting == len(line) else f"{line[: max(0, n_fitting - 1)]}…")
