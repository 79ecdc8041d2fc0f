"""The library as one visitor sees it: what is here, and what may be done with it.

All calls may take a while and run in threads; the code that changes the library emits `changed` on the event loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from nicegui import Event as PageEvent

from separation.formatted import counted, size
from separation.results.kept import DamagedItem, Recording, Result, kept_of, recording_of, result_of
from storage import Artifact, ArtifactList, ArtifactStore, Entry, Library, StorageError
from storage.library import source_of
from webapp.access.belongings import THE_HOSTS, Belongings
from webapp.access.roles import HOST
from webapp.access.sessions import Session, owner
from webapp.state.library import rows

KeptValue = TypeVar("KeptValue", Recording, Result)
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanUp:
    """A choice of items to delete for good.

    Args:
        chunks: whether to delete finished chunks that were not used for `unused_for_s`.
        kept: whether to delete recordings and results that are not pinned and were not used for `unused_for_s`.
        trash: whether to delete all that is in the trash.
        unused_for_s: a time in seconds.
        damaged: whether to delete the damaged files that were set aside.
    """

    chunks: bool
    kept: bool
    trash: bool
    unused_for_s: float
    damaged: bool = False


class NotYours(StorageError):
    """A visitor wants to change what somebody else has brought or made."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, "Somebody else has brought or made it, or results of it.", "Ask the host of this studio to do it."
        )


class LibraryView:
    """The recordings and results of this server that a visitor sees, in the form the Library page lists them.

    What a visitor does not see is to him as if it were not here.

    Args:
        library: what is kept.
        belongings: whose it is; None if it is all the host's.
        parts: returns the keys of what is listed elsewhere, such as the passages and results of a benchmark.

    Attributes:
        store: what keeps it. It asks nobody whose an item is, so nothing is taken out of it by a key that a browser
            has sent, unless the item was asked for here first.
        visitor: who looks; the host, before `seen_by`.
        changed: is emitted when an item was imported, made, renamed, pinned, shared, deleted or restored.
        emptied: is emitted when an item was deleted for good.
    """

    def __init__(
        self,
        library: Library,
        belongings: Belongings | None = None,
        *,
        parts: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.store: ArtifactStore = library.store
        self.visitor = owner()
        self.changed: PageEvent[[]] = PageEvent()
        self.emptied: PageEvent[[]] = PageEvent()
        self._library, self._belongings, self._parts = library, belongings or Belongings(), parts
        self._artifacts = ArtifactList(library.store, ("recording", "result"), rows.facts_of)

    def seen_by(self, visitor: Session) -> LibraryView:
        """Return the library as a visitor sees it; both tell of the same changes."""
        view = copy(self)
        view.visitor = visitor
        return view

    def sees(self, key: str) -> bool:
        """Whether the visitor may see and hear the item of a key."""
        return self._belongings.sees(self.visitor, key)

    def may_change(self, key: str) -> bool:
        """Whether the visitor may rename, share and delete the item of a key."""
        return self._belongings.may_change(self.visitor, key)

    def recordings(self) -> list[Recording]:
        """Return all readable recordings but parts of something else, newest first; raises `StorageError` as `view`."""
        parts = self._parts()
        here = (item for item in self._library.recordings() if item.key not in parts)
        return list(_readable(self._seen(here), recording_of))

    def results(self, recording: str) -> list[Result]:
        """Return the readable results of one recording, newest first; raises `StorageError` as `view` does."""
        return list(_readable(self._seen(self._library.results(recording)), result_of))

    def all_results(self) -> list[Result]:
        """Return the readable results of all recordings, newest first; raises `StorageError` as `view` does."""
        return list(_readable(self._seen(self.store.list("result")), result_of))

    def recording(self, key: str) -> Recording:
        """Return the recording of that key.

        Raises:
            StorageError: there is none any more.
            DamagedItem: the item is no recording, or its manifest cannot be read.
        """
        return recording_of(self._open(key))

    def result(self, key: str) -> Result:
        """Return the result of that key; raises as `recording` does."""
        return result_of(self._open(key))

    def kept(self, key: str) -> Recording | Result:
        """Return the recording or result of that key; raises as `recording` does."""
        return kept_of(self._open(key))

    def _seen(self, items: Iterable[Artifact]) -> Iterator[Artifact]:
        whose, visitor = self._belongings, self.visitor
        return (item for item in items if whose.sees(visitor, item.key, source_of(item.manifest)))

    def _entries(self, *, reread: bool) -> list[Entry[rows.ListedFacts]]:
        entries, whose = self._artifacts.entries(reread=reread), self._belongings
        return _without_parts(
            [one for one in entries if whose.sees(self.visitor, one.row.key, one.row.source)], self._parts()
        )

    def _open(self, key: str) -> Artifact:
        if not self.sees(key):
            raise self._library.gone()
        return self._library.open(key)

    def view(self, query: rows.LibraryQuery, jobs: Mapping[str, rows.Row], *, reread: bool = True) -> dict[str, Any]:
        """Return the rows of one page of the list and the number of all rows, in the form of the list's component.

        Args:
            query: the search, sorting and page.
            jobs: by the key of a recording, the part of its row about a job.
            reread: whether to read changes from the store; otherwise the rows are those that were read last.

        Raises:
            StorageError: the store cannot be read.
        """
        entries = self._entries(reread=reread)
        here = [entry for entry in entries if not entry.row.trashed_s]
        thrown = rows.thrown(entry for entry in entries if entry.row.trashed_s and self.may_change(entry.row.key))
        words = query.search.casefold().split()
        found = rows.thrown_with(thrown, words) if query.trash else rows.matching(here, words, query.sort)
        last = max(0, (len(found) - 1) // rows.PAGE_ROWS)
        page = min(max(0, query.page), last)
        shown = found[page * rows.PAGE_ROWS : (page + 1) * rows.PAGE_ROWS]
        draw = rows.thrown_row if query.trash else partial(rows.row, query=query, words=words, jobs=jobs)
        return {
            "rows": [draw(group, whose=self._whose) for group in shown],
            "total": len(found),
            "first": page * rows.PAGE_ROWS,
            "page": page,
            "last": page == last,
            "trash": query.trash,
            "n_trashed": len(thrown),
            "empty": not here,
        }

    def _whose(self, key: str) -> rows.Row:
        owned = self._belongings.of(key)
        return {
            "mine": self.may_change(key),
            "owners": ", ".join(sorted(name for person, name in owned.people.items() if person != HOST)),
            "shared": owned.is_shared,
            "can_share": owned is not THE_HOSTS
            and not owned.is_hosts,  # the host's is what guests may listen to anyway
        }

    # what people do

    def add(self, bring: Callable[[], Recording]) -> Recording:
        """Keep what `bring` imports as the visitor's and return it; raises what `bring` raises."""
        known = {row.key for row in self.store.rows("recording")}
        recording = bring()
        self._belongings.note(recording.key, self.visitor.people, is_new=recording.key not in known)
        return recording

    def rename(self, key: str, name: str) -> None:
        """Give an item another name.

        Raises:
            StorageError: it is not the visitor's, is not here, or the store cannot be changed.
        """
        self._check_mine([key], "This was not renamed.")
        self._library.rename(key, name)

    def pin(self, keys: Sequence[str], pinned: bool) -> None:
        """Keep items when room is needed, or no longer; raises as `rename` does."""
        self._check_mine(keys, "This was not pinned." if pinned else "This was not unpinned.")
        for key in keys:
            self.store.pin(key, pinned)

    def share(self, keys: Sequence[str], is_shared: bool) -> None:
        """Show items to all guests who may listen, or no longer; raises as `rename` does.

        Those results of a recording that are the visitor's go with it.
        """
        self._check_mine(keys, "This was not shared." if is_shared else "This is shared as before.")
        results = [item.key for key in keys for item in self._library.results(key) if self.may_change(item.key)]
        self._belongings.share([*keys, *results], is_shared=is_shared)

    def trash(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Move items into the trash, recordings with all their results; return the keys of what went there.

        Raises:
            StorageError: an item or a result of it is not the visitor's, or the store cannot be changed.
        """
        results = [item.key for key in keys for item in self._library.results(key)]
        self._check_mine([*keys, *results], "This was not deleted.")
        return self.store.trash(*keys)

    def restore(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Take items out of the trash; return the keys of those that were there. Raises as `rename` does.

        A result brings back the recording from which it was made, which has to be the visitor's too if it is there.
        """
        sources = filter(None, map(self._library.source, keys))
        self._check_mine([*keys, *filter(self.store.trashed, sources)], "This was not restored.")
        return self.store.restore(*keys)

    def _check_mine(self, keys: Iterable[str], what: str) -> None:
        if not all(self.may_change(key) for key in keys):
            raise NotYours(what)

    # what a host does

    def clean(self, cleaning: CleanUp) -> str:
        """Delete the chosen items, leftovers of killed runs, and items over the limit; return a sentence about it.

        Raises:
            StorageError: the store cannot be changed; some items may be deleted already.
        """
        store = self.store
        kinds = (*(("chunk",) if cleaning.chunks else ()), *(("recording", "result") if cleaning.kept else ()))
        freed_bytes = store.sweep()
        gone = list(store.empty_trash() if cleaning.trash else ())
        gone += store.discard(*kinds, unused_for_s=cleaning.unused_for_s) if kinds else ()
        freed_bytes += store.damaged.clear() if cleaning.damaged else 0
        gone += store.trim()
        freed_bytes += sum(manifest.size_bytes for manifest in gone)
        kinds_gone = [manifest.kind for manifest in gone]
        counts = [counted(kinds_gone.count(kind), kind) for kind in dict.fromkeys(sorted(kinds_gone))]
        return f"Deleted {', '.join(counts) or 'nothing'}: {size(freed_bytes)} freed."

    def check(self) -> str:
        """Compare everything that is kept with its digests; return a sentence about it.

        Raises:
            StorageError: the store cannot be read.
        """
        checked = list(self.store.checks.all())
        n_bytes = sum(one.manifest.size_bytes for one in checked)
        n_damaged = sum(one.outcome in ("damaged", "mended") for one in checked)
        n_unknown = sum(one.outcome == "unknown" for one in checked)
        found = f"{counted(n_damaged, 'damaged item')} found" if n_damaged else "nothing is damaged"
        unknown = f"; {counted(n_unknown, 'item')} could be compared by size only" if n_unknown else ""
        return f"{counted(len(checked), 'item')} checked, {size(n_bytes)}: {found}{unknown}."

    def names(self, keys: Iterable[str]) -> list[str]:
        """Return the names of the items that exist."""
        wanted = set(keys)
        return [entry.about.name for entry in self._entries(reread=False) if entry.row.key in wanted]


def _readable(items: Iterable[Artifact], of: Callable[[Artifact], KeptValue]) -> Iterator[KeptValue]:
    for item in items:
        try:
            yield of(item)
        except DamagedItem as damage:
            log.warning("%s", damage)


def _without_parts(entries: list[Entry[rows.ListedFacts]], parts: frozenset[str]) -> list[Entry[rows.ListedFacts]]:
    """Leave out parts of something else, but not those of which something was made that is no part."""
    sources = {one.row.source for one in entries if one.row.key not in parts}
    return [one for one in entries if one.row.key not in parts or one.row.key in sources]
