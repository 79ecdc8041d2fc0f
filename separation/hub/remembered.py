"""Small tables of what this program has to remember about models, as JSON files of the data folder."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from separation.audio.files import replacing

log = logging.getLogger(__name__)


def recall(name: str) -> dict[str, Any]:
    """Return a table; an empty one if there is none yet, or it is damaged."""
    try:
        content = json.loads(place(name).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def remember(name: str, table: Mapping[str, Any]) -> None:
    """Write a table, readable by this account only.

    Raises:
        OSError, FileError: it cannot be written.
    """
    file = place(name)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(file) as new:
        new.touch(mode=0o600)
        new.write_text(json.dumps(table), "utf-8")


def place(name: str) -> Path:
    """Return the file in the data folder, which is where `storage` has it; models know nothing of that package."""
    home = os.environ.get("AUDIO_PLAYGROUND_HOME") or "~/.audio-playground"
    return Path(home).expanduser() / name
