"""Eviction rules: which artifacts a full store evicts, in which order, and how long trash and replaced files stay."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Protocol

from storage.errors import StorageError
from storage.index import REPLACED, Index
from storage.schema import Share

# Kinds that can be recomputed: evicted before all others, and removed with their recording.
FIRST_TO_GO = frozenset({"chunk"})
# Replaced files stay for their readers.
REPLACED_STAYS_S = 3600.0
# Deleted artifacts can be restored for this long, unless their room is needed.
TRASH_STAYS_S = 30 * 24 * 3600.0


def outdated(index: Index, *, but: str) -> tuple[str, ...]:
    """Return the keys of artifacts that were replaced or trashed too long ago, except `but`."""
    now_s = time.time()
    replaced = index.find(REPLACED, before_s=now_s - REPLACED_STAYS_S)
    trashed = with_chunks(index, index.find(trashed_before_s=now_s - TRASH_STAYS_S))
    return tuple(key for key in (*replaced, *trashed) if key != but)


class SetAside(Protocol):
    """Damaged files, which count toward the limit; implemented by `storage.damage.DamagedFiles`."""

    def share(self) -> Share:
        """Return the number of files and their bytes."""
        ...

    def clear(self) -> int:
        """Delete them; return their bytes."""
        ...


def to_evict(index: Index, needed_bytes: int, limit_bytes: int, damaged: SetAside, *, instead_of: str) -> Iterator[str]:
    """Yield the keys to evict so that `needed_bytes` more fit the limit, in the index's order.

    Damaged files that were set aside are deleted only where nothing else can make room.

    Raises:
        StorageError: pinned artifacts leave too little room.
    """
    pinned_bytes = index.pinned_bytes(but=instead_of)
    damaged_bytes = damaged.share().size_bytes
    if damaged_bytes and pinned_bytes + needed_bytes + damaged_bytes > limit_bytes:
        damaged_bytes -= damaged.clear()
    total_bytes = index.size_bytes(but=instead_of) + damaged_bytes
    if pinned_bytes + needed_bytes > limit_bytes:
        raise StorageError(
            f"There is no room for {needed_bytes / 1e6:.1f} MB more.",
            f"The store may take {limit_bytes / 1e6:.1f} MB, and {pinned_bytes / 1e6:.1f} MB are pinned.",
            "Raise the limit, or unpin results you no longer need.",
        )
    return first_to_go(index, total_bytes + needed_bytes - limit_bytes, but=instead_of)


def first_to_go(index: Index, excess_bytes: int, *, but: str = "") -> Iterator[str]:
    """Yield the keys to evict so that `excess_bytes` are freed, or all that may be evicted if they are fewer."""
    candidates = index.by_turn(but=but)
    while excess_bytes > 0 and (candidate := next(candidates, None)) is not None:
        key, size_bytes = candidate
        yield key
        excess_bytes -= size_bytes


def with_chunks(index: Index, keys: Iterable[str]) -> Iterator[str]:
    """Yield each key, followed by those of the chunks of that recording."""
    for key in keys:
        yield from (key, *index.find(source=key, scrap=True))
