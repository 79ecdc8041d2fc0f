"""A clock for tests."""

from __future__ import annotations


class Clock:
    """Time that stands still until told otherwise."""

    now_s = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now_s
