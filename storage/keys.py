"""Content keys: SHA-256 of what an artifact is made from, never of names or times."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def content_key(kind: str, **parts: Any) -> str:
    """A key of 64 hexadecimal digits: SHA-256 over the kind and its parts as canonical JSON.

    Any change in any part changes the key; the order of names does not. Floats keep all their digits (`repr`).

    Args:
        kind: "recording", "result", ...: equal parts of different kinds have different keys.
        parts: JSON values: text, numbers, booleans, None, and lists and tables of them.
    """
    text = json.dumps([kind, parts], sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read by blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
