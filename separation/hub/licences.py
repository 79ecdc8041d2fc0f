"""Which licences a person has accepted on this computer, each once, before the first download under it."""

from __future__ import annotations

from datetime import UTC, datetime

from separation.errors import WeightsMissing
from separation.hub import remembered

MEMORY = "accepted_licences.json"


class LicenceNotAccepted(WeightsMissing):
    """A model is under a licence that nobody has accepted on this computer yet; nothing was fetched."""


def is_accepted(name: str) -> bool:
    """Return whether a licence has been accepted on this computer."""
    return name in remembered.recall(MEMORY)


def accept(name: str) -> None:
    """Remember that a person has accepted a licence.

    Raises:
        OSError, FileError: it cannot be written down.
    """
    remembered.remember(MEMORY, remembered.recall(MEMORY) | {name: datetime.now(UTC).isoformat(timespec="seconds")})
