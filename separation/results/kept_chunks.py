"""A finished chunk of a run as a store keeps it; see `separation.results.kept` for the rest of what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from separation.results.kept import reading
from separation.results.store import StoredItem


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptChunk:
    """A finished chunk: the arrays of `stems`, each of `shape`, one after another as little-endian float32."""

    stems: tuple[str, ...]
    shape: tuple[int, ...]
    samples: Path


def chunk_info(stems: Sequence[str], shape: Sequence[int]) -> dict[str, Any]:
    """Return the values to store for a finished chunk, whose samples are in its file "stems"; see `KeptChunk`."""
    return {"stems": list(stems), "shape": list(shape)}


def chunk_of(item: StoredItem) -> KeptChunk:
    """Return the finished chunk that is kept as `item`.

    Raises:
        DamagedItem: it is none, or what is stored of it cannot be understood.
    """
    with reading(item, "chunk") as info:
        return KeptChunk(
            stems=tuple(map(str, info["stems"])), shape=tuple(map(int, info["shape"])), samples=item.files["stems"]
        )
