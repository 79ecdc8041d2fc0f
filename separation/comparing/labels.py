"""What the sides of a comparison are called: who made each, and the settings in which it differs from the others."""

from __future__ import annotations

from collections.abc import Sequence

from separation.backends import registry
from separation.comparing.differing import differing
from separation.results.kept import Recording, Result


def labels_of_sides(items: Sequence[Recording | Result]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the name of each side, and its settings in words; a recording has none, and its own name."""
    unlike = iter(differing([item.settings for item in items if isinstance(item, Result)]))
    return tuple(
        (item.name, ()) if isinstance(item, Recording) else (registry.label_of(item.backend), next(unlike))
        for item in items
    )
