"""Labels that distinguish the results of one recording by the settings in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from separation.backends import registry
from separation.comparing.differing import differing
from separation.results.kept import Result


def labels_of(results: Sequence[Result]) -> dict[str, str]:
    """Return a label for each result by its key: the settings in which the results differ."""
    labels = {}
    for one, settings in zip(results, differing([result.settings for result in results]), strict=True):
        parts = [one.name, registry.label_of(one.backend), *settings]
        made = datetime.fromisoformat(one.created).astimezone()
        labels[one.key] = " · ".join([*parts[:5], made.strftime("%H:%M:%S")])
    return labels
