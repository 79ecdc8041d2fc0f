"""Which licences a person has accepted on this computer, each once, before the first download under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from separation.errors import WeightsMissing
from separation.hub import remembered

MEMORY = "accepted_licences.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """A licence: what matters most in it, a sentence each, and where all of it can be read."""

    name: str
    points: tuple[str, ...]
    link: str


KNOWN = {
    terms.name: terms
    for terms in (
        Terms(
            name="SAM Licence",
            points=(
                "Redistribution: the weights, and what is made of them, are passed on under this licence and with it.",
                "Trade controls: sanctions and export laws are kept to; uses that the licence names are ruled out.",
                "Acknowledgement: publications of results that were made with it say so.",
            ),
            link="https://github.com/facebookresearch/sam-audio",
        ),
    )
}


class LicenceNotAccepted(WeightsMissing):
    """A model is under a licence that nobody has accepted on this computer yet; nothing was fetched."""


def to_accept(name: str) -> Terms | None:
    """Return the licence of this name if it has to be accepted still; None if it was, or if the name is ""."""
    return None if not name or is_accepted(name) else KNOWN[name]


def is_accepted(name: str) -> bool:
    """Return whether a licence has been accepted on this computer."""
    return name in remembered.recall(MEMORY)


def accept(name: str) -> None:
    """Remember that a person has accepted a licence.

    Raises:
        OSError, FileError: it cannot be written down.
    """
    remembered.remember(MEMORY, remembered.recall(MEMORY) | {name: datetime.now(UTC).isoformat(timespec="seconds")})
