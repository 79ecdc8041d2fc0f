"""Labels that distinguish the results of one recording by the settings in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from separation.backends import registry
from separation.comparing.differing import differing
from separation.results.kept import Result

MOST = 5  # words of one label


def labels_of(results: Sequence[Result]) -> dict[str, str]:
    """Return a label for each result by its key: first that in which the results differ, then what they share."""
    labels = {}
    alike = [len({one.name for one in results}) == 1, len({one.backend for one in results}) == 1]
    for one, settings in zip(results, differing([result.settings for result in results]), strict=True):
        named = list(zip(alike, (one.name, registry.label_of(one.backend)), strict=True))
        made = datetime.fromisoformat(one.created).astimezone()
        first = [*(words for same, words in named if not same), *settings]
        shared = [words for same, words in named if same]
        labels[one.key] = " · ".join([*first[:MOST], made.strftime("%H:%M:%S"), *shared])
    return labels
