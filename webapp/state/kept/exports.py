"""How each person last had downloads written, so that the next page and the next day write them alike."""

from __future__ import annotations

from copy import copy

from webapp.access.roles import HOST
from webapp.access.sessions import Session
from webapp.state.kept.preferences import Preferences


class Exports:
    """The last choice of format, rate and level of each person; use it on the event loop only.

    That of the hosts is written to disk, that of a guest is known until the server ends.

    Args:
        preferences: keeps that of the hosts.
    """

    def __init__(self, preferences: Preferences) -> None:
        self._preferences, self._person = preferences, HOST
        self._of_guests: dict[str, str] = {}

    def seen_by(self, visitor: Session) -> Exports:
        """Return the choice of a visitor."""
        exports = copy(self)
        (exports._person,) = visitor.people
        return exports

    @property
    def query(self) -> str:
        """The choice as the query of a download's address; "" if nothing was chosen."""
        return self._preferences.export if self._person == HOST else self._of_guests.get(self._person, "")

    def remember(self, query: str) -> None:
        """Remember a choice.

        Raises:
            StorageError: it cannot be written down; it is remembered until the server ends all the same.
        """
        if self._person != HOST:
            self._of_guests[self._person] = query
        elif query != self._preferences.export:
            self._preferences.set_export(query)
