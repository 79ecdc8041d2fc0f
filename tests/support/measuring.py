"""A measurement that finds what a test says, and counts how often it was made."""

from __future__ import annotations

from typing import Generic, TypeVar

Found = TypeVar("Found")


class Measuring(Generic[Found]):
    """Stands in for a function that measures this computer; `asked` holds what it was called with each time."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.asked: list[tuple[object, ...]] = []

    def __call__(self, *about: object) -> Found:
        self.asked.append(about)
        return self.found
