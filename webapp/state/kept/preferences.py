"""What people have chosen for this data folder on the Settings page, shared by all pages."""

from __future__ import annotations

import logging
from pathlib import Path

from nicegui import Event as PageEvent

from separation.backends import registry
from storage.preferences import LIMIT, chosen_limit_bytes, keep_preference, preferences

SEPARATOR, EXPORT = "separator", "export"
log = logging.getLogger(__name__)


class Preferences:
    """The preferences of a data folder.

    Args:
        home: the data folder.

    Attributes:
        limit_bytes: the most bytes that recordings and results may take; None if none was chosen.
        separator: who separates in a new draft, as requests name it.
        export: how downloads are written, as the query of their addresses; "" if nothing was chosen.
        changed: is emitted when one of these has changed.
    """

    def __init__(self, home: Path) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._home = home
        self.limit_bytes = chosen_limit_bytes(home)
        self.export = str(preferences(home).get(EXPORT, ""))
        self.separator = str(preferences(home).get(SEPARATOR, registry.AUTO))
        if self.separator not in registry.choices():
            log.warning("the chosen separator “%s” is not one of this version: drafts begin as usual", self.separator)
            self.separator = registry.AUTO

    def set_limit(self, limit_bytes: int) -> None:
        """Choose the limit of what is kept, for the next start too.

        Raises:
            StorageError: it cannot be written down.
        """
        keep_preference(self._home, LIMIT, limit_bytes)
        self.limit_bytes = limit_bytes
        self.changed.emit()

    def set_separator(self, name: str) -> None:
        """Choose who separates in drafts from now on.

        Raises:
            StorageError: it cannot be written down.
        """
        keep_preference(self._home, SEPARATOR, name)
        self.separator = name
        self.changed.emit()

    def set_export(self, query: str) -> None:
        """Choose how downloads are written from now on.

        Raises:
            StorageError: it cannot be written down; until the server ends it holds all the same.
        """
        self.export = query
        keep_preference(self._home, EXPORT, query)
