"""The folder of everything training needs and nothing the product needs: packages, stems, checkpoints."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from separation.audio import files


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/audio-playground-training`, by default under `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "audio-playground-training"


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A place to write a file that appears at `path` whole or not at all, even when the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as partial:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
