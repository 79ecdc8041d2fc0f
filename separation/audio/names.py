"""Makes safe file names from text that people type: prompts, titles, names of uploads."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_LETTERS = 80  # 255 bytes is the limit of most file systems, a letter takes up to 4, and an extension follows


def plain_name(text: str) -> str:
    """Return `text` as a visible file name without extension, separators and control characters, not too long."""
    return re.sub(r"[^\w .,()+&'-]", "_", text)[:MAX_LETTERS].strip(" .") or "track"


def plain_names(texts: Sequence[str]) -> list[str]:
    """Return one file name for each text, all different even on a file system that ignores case."""
    names: list[str] = []
    taken: set[str] = set()
    for text in texts:
        name, n = plain_name(text), 1
        while name.casefold() in taken:
            n += 1
            name = f"{plain_name(text)} ({n})"
        taken.add(name.casefold())
        names.append(name)
    return names
