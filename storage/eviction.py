"""What goes when a store is full, and in which order; and what has stayed for as long as was promised."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from storage.errors import StorageError
from storage.index import Index

# Kinds that cost only their recomputation: evicted before all others, and removed with their recording.
FIRST_TO_GO = frozenset({"chunk"})
# What was replaced, under a key that nobody asks for, until whoever was handed its files is done with them.
REPLACED = "replaced"
REPLACED_STAYS_S = 3600.0
# What a person deleted can be brought back for so long, unless its room is needed.
TRASH_STAYS_S = 30 * 24 * 3600.0


def outdated(index: Index, *, but: str) -> tuple[str, ...]:
    """Keys of what was replaced or put into the trash too long ago, except for one."""
    now_s = time.time()
    replaced = index.find(REPLACED, before_s=now_s - REPLACED_STAYS_S)
    trashed = with_chunks(index, index.find(trashed_before_s=now_s - TRASH_STAYS_S))
    return tuple(key for key in (*replaced, *trashed) if key != but)


def to_evict(index: Index, needed_bytes: int, limit_bytes: int, *, instead_of: str) -> Iterator[str]:
    """Keys of what has to go so that `needed_bytes` more fit the limit, in the index's order.

    Raises:
        StorageError: what is pinned leaves too little room.
    """
    total_bytes = index.size_bytes(but=instead_of)
    pinned_bytes = index.pinned_bytes(but=instead_of)
    if pinned_bytes + needed_bytes > limit_bytes:
        raise StorageError(
            f"There is no room for {needed_bytes / 1e6:.1f} MB more.",
            f"The store may take {limit_bytes / 1e6:.1f} MB, and {pinned_bytes / 1e6:.1f} MB are pinned.",
            "Raise the limit, or unpin results you no longer need.",
        )
    return first_to_go(index, total_bytes + needed_bytes - limit_bytes, but=instead_of)


def first_to_go(index: Index, excess_bytes: int, *, but: str = "") -> Iterator[str]:
    """Keys of what has to go so that `excess_bytes` are freed, or all that may go if that is less."""
    candidates = index.by_turn(but=but)
    while excess_bytes > 0 and (candidate := next(candidates, None)) is not None:
        key, size_bytes = candidate
        yield key
        excess_bytes -= size_bytes


def with_chunks(index: Index, keys: Iterable[str]) -> Iterator[str]:
    """The keys, and after each those of the chunks of that recording."""
    for key in keys:
        yield from (key, *index.find(source=key, scrap=True))
