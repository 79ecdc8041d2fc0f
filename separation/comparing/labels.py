"""What the sides of a comparison are called: who made each, and the settings in which it differs from the others."""

from __future__ import annotations

from collections.abc import Sequence

from separation.backends import registry
from separation.comparing.differing import differing
from separation.comparing.heard import Compared
from separation.results.kept import Result


def labels_of_sides(items: Sequence[Compared]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the name of each side, and its settings in words; others have none, and a name of their own."""
    unlike = iter(differing([item.settings for item in items if isinstance(item, Result)]))
    return tuple(
        (registry.label_of(item.backend), next(unlike)) if isinstance(item, Result) else (item.name, ())
        for item in items
    )
