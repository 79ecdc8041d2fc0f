"""What the sides of a comparison are called: who made each, and the settings in which it differs from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from separation.backends import registry
from separation.comparing.differing import differing
from separation.comparing.heard import Compared
from separation.errors import SettingsError
from separation.results.kept import Result


def labels_of_sides(items: Sequence[Compared]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the name of each side, and its settings in words; others have none, and a name of their own."""
    unlike = iter(differing([item.settings for item in items if isinstance(item, Result)]))
    return tuple(
        (registry.label_of(item.backend), next(unlike)) if isinstance(item, Result) else (item.name, ())
        for item in items
    )


def settings_of_side(item: Compared) -> Mapping[str, Any]:
    """Return the whole request that made a side; none of a recording, or of a model in a folder of this computer.

    They stand in a test's export, in which the places of folders are nobody's business.
    """
    try:
        request = item.request if isinstance(item, Result) else None
    except SettingsError:  # another version made it
        request = None
    if request is None or request.demucs.folder is not None or any(sign in (request.model or "") for sign in "/\\"):
        return {}
    return request.to_dict()
