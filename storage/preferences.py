"""What people have chosen for a data folder, for all programs that use it: a small file of plain values."""

from __future__ import annotations

import json
import logging
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from storage.errors import ROOM, system_errors

FILE = "preferences.json"
LIMIT = "limit_bytes"
log = logging.getLogger(__name__)


def preferences(home: Path) -> dict[str, Any]:
    """Return the preferences of a data folder by their names; what cannot be read is said in the log."""
    try:
        kept = json.loads((home / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as damage:
        log.warning("the preferences in %s cannot be read, the usual ones hold: %s", home / FILE, damage)
        return {}
    return kept if isinstance(kept, dict) else {}


def keep_preference(home: Path, name: str, value: str | float | None) -> None:
    """Write a preference down, or forget it if it is None; the file appears whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    kept = {**preferences(home), name: value}
    made = home / f".{uuid.uuid4().hex}.part"
    with system_errors("This setting cannot be kept.", ROOM):
        try:
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump({name: one for name, one in kept.items() if one is not None}, file, indent=2)
            made.replace(home / FILE)
        finally:
            with suppress(OSError):
                made.unlink(missing_ok=True)


def chosen_limit_bytes(home: Path) -> int | None:
    """Return the most bytes that recordings and results may take, if a limit was chosen."""
    chosen = preferences(home).get(LIMIT)
    return chosen if isinstance(chosen, int) and not isinstance(chosen, bool) and chosen > 0 else None
