"""How pages write what they count."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Minutes and seconds, hours where there are some: 0:21, 1:02:03."""
    whole = max(0, round(seconds))
    minutes = f"{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{whole // 3600}:{minutes}:{whole % 60:02d}" if whole >= 3600 else f"{minutes}:{whole % 60:02d}"
