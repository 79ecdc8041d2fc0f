"""Drafts: unfinished requests for a recording, kept so that no reload and no restart loses them.

Drafts are small JSON values under the key of their recording, each written in one transaction, in an index of their own
beside the artifacts. Their content is not interpreted here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from storage.errors import system_errors
from storage.private import private_home
from storage.table import Table

FORGOTTEN_AFTER_S = 365 * 24 * 3600.0  # since the last change
ROOM = "Check that the data folder may be written to and has room."
PART = "/"  # between a recording and the name of a part; keys have none
log = logging.getLogger(__name__)


class DraftTable:
    """A table of drafts by recording.

    Args:
        home: the data folder.

    Raises:
        StorageError: also in every method, if the index cannot be read or written.

    Attributes:
        damages: what was found damaged of the table.
    """

    def __init__(self, home: Path) -> None:
        with system_errors("The drafts cannot be opened.", ROOM):
            private_home(home)
            self._index = Table(home / "drafts", "The table of drafts")
            self.damages = self._index.damages

    def read(self, recording: str, part: str = "") -> Mapping[str, Any] | None:
        """Return the draft of a recording, or another `part` kept for it; None if there is none that can be read."""
        with self._index.errors("The draft cannot be read.", ROOM):
            text = self._index.get(_key(recording, part))
        if text is None:
            return None
        try:
            draft = json.loads(text)
        except (TypeError, ValueError) as damage:
            log.warning("the draft of %s is passed over: %s", recording, damage)
            return None
        return draft if isinstance(draft, dict) else None

    def write(self, recording: str, draft: Mapping[str, Any], part: str = "") -> None:
        """Replace the draft of a recording, or another `part` kept for it."""
        with self._index.errors("What you changed could not be written down.", ROOM):
            self._index.set(_key(recording, part), json.dumps(draft, ensure_ascii=False), expire=FORGOTTEN_AFTER_S)

    def keep_only(self, recordings: Collection[str]) -> tuple[str, ...]:
        """Delete the drafts of all other recordings; return the keys of those recordings."""
        with self._index.errors("The drafts cannot be cleaned up.", ROOM):
            gone = [key for key in self._index.iterkeys() if key.partition(PART)[0] not in recordings]
            for key in gone:
                self._index.delete(key)
        return tuple(dict.fromkeys(key.partition(PART)[0] for key in gone))

    def close(self) -> None:
        """Close this thread's connection."""
        self._index.close()


def _key(recording: str, part: str) -> str:
    return f"{recording}{PART}{part}" if part else recording
