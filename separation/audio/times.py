"""Parses and writes times such as `90`, `1:30` and `1:02:03.5`, numbers of seconds; counts samples at other rates."""

from __future__ import annotations

import re
from decimal import Decimal

from separation.errors import SettingsError

_TIME = re.compile(r"(?:(?:(\d{1,6}):)?(\d{1,6}):)?(\d{1,9}(?:\.\d*)?|\.\d+)", re.ASCII)


def parse_time(text: str) -> float:
    """Return the seconds that `text` stands for.

    Raises:
        SettingsError: it is not written as seconds, minutes:seconds or hours:minutes:seconds.
    """
    match = _TIME.fullmatch(text.strip())
    if match is not None:
        hours, minutes, seconds = (Decimal(digits or 0) for digits in match.groups())
        if (match[2] is None or seconds < 60) and (match[1] is None or minutes < 60):
            return float(3600 * hours + 60 * minutes + seconds)
    raise SettingsError(
        f"“{text}” is not a time.",
        "It is a number of seconds, or minutes:seconds, or hours:minutes:seconds.",
        "Write it as 90, 1:30 or 1:02:03.5.",
    )


def digits(seconds: float) -> str:
    """Return the shortest decimal that `parse_time` reads as `seconds`: no exponent, and no point unless needed."""
    written = f"{abs(Decimal(repr(seconds))):f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def resampled_length(n_samples: int, from_rate: int, to_rate: int) -> int:
    """Number of samples after resampling: n_samples * to_rate / from_rate, rounded to the nearest even on a tie."""
    return round(n_samples * to_rate / from_rate)
