"""Whose a recording or result is, who sees it, and who may change it.

What nothing is written down of is the host's: whatever the terminal or an earlier version has made. The same file
brought by two people is one recording, which belongs to both.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nicegui import Event as PageEvent

from storage import StorageError
from storage.records import OwnerTable
from webapp.access.roles import HOST, Right
from webapp.access.sessions import Session

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ownership:
    """Whose something is.

    Args:
        people: the names of those who have brought or made it, by their ids; that of the host is `HOST`.
        is_shared: whether all guests who may listen see it, whoever's it is.
    """

    people: Mapping[str, str]
    is_shared: bool = False

    @property
    def is_hosts(self) -> bool:
        """Whether it is the host's, alone or with others."""
        return HOST in self.people


THE_HOSTS = Ownership(people={HOST: ""})


class Belongings:
    """Whose everything is that is kept on this server; safe for any number of threads.

    Args:
        table: where it is written down; None keeps it in memory.
        source_of: returns the key of the recording from which a result was made or is being made; "" if the key is
            that of a recording, or of nothing.

    Attributes:
        changed: is emitted on the event loop when something was shared or is shared no longer.
    """

    def __init__(self, table: OwnerTable | None = None, source_of: Callable[[str], str] = lambda key: "") -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._table, self._source_of = table, source_of
        self._lock = threading.Lock()
        self._known: dict[str, Ownership] = {}
        for key, kept in ({} if table is None else table.owners()).items():
            self._known[key] = _ownership_of(key, kept)

    def of(self, key: str) -> Ownership:
        """Return whose something is."""
        return self._known.get(key, THE_HOSTS)

    def sees(self, visitor: Session, key: str, source: str | None = None) -> bool:
        """Whether a visitor may see and hear something: what is his, the host's if he may listen, what is shared.

        Of a result that is so only if he sees the recording from which it was made.

        Args:
            visitor: who wants to see it.
            key: of the recording or result.
            source: the key of the recording from which it was made, "" if from none; None if that is not at hand.
        """
        if visitor.is_host or visitor.over:
            return not visitor.over
        source = self._source_of(key) if source is None else source
        if source and not self.sees(visitor, source, ""):
            return False
        owned = self.of(key)
        return visitor.person in owned.people or ((owned.is_hosts or owned.is_shared) and visitor.may(Right.LISTEN))

    def may_change(self, visitor: Session, key: str) -> bool:
        """Whether a visitor may rename, share and delete something: it is his and nobody else's."""
        return visitor.may(Right.MANAGE) and (visitor.is_host or set(self.of(key).people) == {visitor.person})

    def note(self, key: str, people: Mapping[str, str], *, is_new: bool) -> None:
        """Write down that people have brought or made something.

        Args:
            key: of the recording or result.
            people: their names by their ids.
            is_new: whether it was not there before; what was there and is nobody's is the host's too.
        """
        with self._lock:
            before = self._known.get(key)
            earlier = before.people if before is not None else {} if is_new else THE_HOSTS.people
            after = Ownership(people={**earlier, **people}, is_shared=before is not None and before.is_shared)
            # The host's is remembered: who began to bring the same earlier and ends later takes it for new.
            self._known[key] = after
            if after == (before or THE_HOSTS):
                return
        try:
            self._write(key)
        except StorageError as error:
            log.warning("whose %s is holds until the server ends only: %s", key, error)

    def share(self, keys: Collection[str], *, is_shared: bool) -> None:
        """Show something to all guests who may listen, or no longer; what is the host's they see anyway.

        Raises:
            StorageError: it cannot be written down.
        """
        with self._lock:
            before = {key: self.of(key) for key in keys}
            self._known.update({key: replace(owned, is_shared=is_shared) for key, owned in before.items()})
        try:
            self._write(*keys)
        except StorageError:
            with self._lock:
                self._known.update(before)
            raise
        self.changed.emit()

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget whose everything else was.

        Raises:
            StorageError: the table cannot be written.
        """
        with self._lock:
            gone = [key for key in self._known if key not in keys]
            for key in gone:
                del self._known[key]
        if gone and self._table is not None:
            self._table.remove(gone)

    def _write(self, *keys: str) -> None:
        if self._table is not None:
            owned = {key: self.of(key) for key in keys}
            self._table.write(
                {key: {"people": dict(one.people), "shared": one.is_shared} for key, one in owned.items()}
            )


def _ownership_of(key: str, kept: Mapping[str, Any]) -> Ownership:
    """Return what was written down; what cannot be read is kept from guests."""
    try:
        people = {str(person): str(name) for person, name in kept["people"].items()}
        return Ownership(people=people, is_shared=kept["shared"] is True)
    except (AttributeError, KeyError, TypeError) as damage:
        log.warning("whose %s is cannot be read, and guests do not see it: %s", key, damage)
        return Ownership(people={})
