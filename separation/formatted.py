"""Formats times, sizes and counts as text for pages and terminal; sizes are decimal, 1 GB is 10^9 bytes."""

from __future__ import annotations

from decimal import Decimal


def clock(seconds: float, decimals: int | None = 0) -> str:
    """Format seconds as minutes:seconds, or as hours:minutes:seconds from an hour on: 0:21, 1:02:03, 0:01.5.

    Args:
        seconds: anything below 0 is shown as 0.
        decimals: of the seconds, which are rounded; None for as many as there are.
    """
    exact = max(Decimal(0), Decimal(repr(float(seconds))))
    exact = exact.normalize() if decimals is None else round(exact, decimals)
    minutes, rest = divmod(exact, 60)
    hours, minutes = divmod(minutes, 60)
    whole = f"{hours:f}:{minutes:02f}" if hours else f"{minutes:f}"
    return f"{whole}:{'0' if rest < 10 else ''}{rest:f}"


def duration(seconds: float) -> str:
    """Format how long a run took: 3.2 s, and from a minute on as `clock` does."""
    return f"{seconds:.1f} s" if round(seconds, 1) < 60 else clock(seconds)


def speed(factor: float) -> str:
    """Format how fast something was made beside its playback: 10x faster than playback, 2.5x slower than playback.

    Args:
        factor: duration of the sound over the time that it took; the inverse of the real-time factor.
    """
    if 0.95 <= factor < 1.05:
        return "as fast as playback"
    return f"{factor:.1f}x faster than playback" if factor > 1 else f"{1 / factor:.1f}x slower than playback"


def size(n_bytes: float, *, fine: bool = False) -> str:
    """Format bytes: 5.1 GB, 84 MB, 8.4 MB, 84 kB; with one digit more if `fine`, so that progress shows."""
    if round(n_bytes / 1e3) < 1000:
        return f"{n_bytes / 1e3:.0f} kB"
    megabytes = n_bytes / 1e6
    digits = 1 if fine or megabytes < 9.95 else 0
    if round(megabytes, digits) < 1000:
        return f"{megabytes:.{digits}f} MB"
    return f"{n_bytes / 1e9:.{2 if fine else 1}f} GB"


def signed(value: float, format: str) -> str:
    """Format a number as Python's `format` has it, with a minus sign where that has a hyphen; names keep theirs."""
    return f"{value:{format}}".replace("-", "\N{MINUS SIGN}")


def counted(n: int, what: str) -> str:
    """Format a count, such as “1 result” or “3 results”."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def time_range(seconds: tuple[float, float] | None) -> str:
    """Format a range of seconds with two digits, such as “2 to 4 min”; "" for None."""
    if seconds is None:
        return ""
    for unit, factor in (("h", 3600.0), ("min", 60.0)):
        if seconds[1] >= 2 * factor:
            return _range(seconds[0] / factor, seconds[1] / factor, unit)
    return _range(seconds[0], seconds[1], "s")


def size_range(n_bytes: tuple[float, float] | None) -> str:
    """Format a range of bytes with two digits, such as “3.0 to 4.0 GB”; "" for None."""
    if n_bytes is None:
        return ""
    factor, unit = (1e9, "GB") if n_bytes[1] >= 0.995e9 else (1e6, "MB")
    return _range(n_bytes[0] / factor, n_bytes[1] / factor, unit)


def _range(low: float, high: float, unit: str) -> str:
    first, last = _two_digits(low), _two_digits(high)
    return f"{last} {unit}" if first == last else f"{first} to {last} {unit}"


def _two_digits(value: float) -> str:
    return f"{value:.1f}" if value < 9.5 else f"{float(f'{value:.2g}'):.0f}"
