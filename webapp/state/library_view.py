"""The library as its page lists it: held in memory, searched, sorted, and cut into pages.

All calls may take a while and run in threads; the code that changes the library emits `changed` on the event loop.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from nicegui import Event as PageEvent

from separation.backends import registry
from separation.formatted import clock, counted, duration, size
from separation.results.kept import DamagedItem, Recording, Result, recording_of, result_of
from storage import Artifact, ArtifactList, Entry, Library
from storage.eviction import TRASH_STAYS_S
from storage.manifest import Manifest
from webapp.components.stem_colors import stem_color

PAGE_ROWS = 50  # recordings on one page of the list
RESULTS_SHOWN = 50  # results under an unfolded recording, until a person wants more
GONE = "A recording that is no longer here"

Row = dict[str, Any]
KeptValue = TypeVar("KeptValue", Recording, Result)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListedFacts:
    """The parts of a manifest that the list shows.

    Args:
        name: its name for people.
        created_s: when it was made, in seconds since 1970.
        words: the text in which a search looks, in small letters.
        length_s: the length of a recording in seconds; 0 for a result.
        properties: short facts, such as "48 kHz".
        sounds: (prompt, CSS colour) of each prompt of a result.
    """

    name: str
    created_s: float
    words: str
    length_s: float = 0.0
    properties: tuple[str, ...] = ()
    sounds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordingGroup:
    """A recording with its results, newest first; None for a recording that is gone."""

    recording: Entry[ListedFacts] | None
    results: tuple[Entry[ListedFacts], ...] = ()

    @property
    def key(self) -> str:
        """The key of the recording, also if it is gone."""
        return self.results[0].row.source if self.recording is None else self.recording.row.key

    @property
    def first(self) -> Entry[ListedFacts]:
        """The recording, or the newest result of one that is gone."""
        return self.recording or self.results[0]

    @property
    def size_bytes(self) -> int:
        """The size of the recording and its results together, in bytes."""
        return sum(entry.row.size_bytes for entry in self)

    @property
    def used_s(self) -> float:
        """When the recording or one of its results was last used, in seconds since 1970."""
        return max(entry.row.used_s for entry in self)

    def __iter__(self) -> Iterator[Entry[ListedFacts]]:
        return iter((*(() if self.recording is None else (self.recording,)), *self.results))


def _length_s(group: RecordingGroup) -> float:
    return 0.0 if group.recording is None else group.recording.about.length_s


# What a person may sort by; each sorts what comes first to the front.
SORTS: dict[str, Callable[[RecordingGroup], Any]] = {
    "newest": lambda group: -max(entry.about.created_s for entry in (group.recording, *group.results[:1]) if entry),
    "name": lambda group: (group.recording is None, "" if group.recording is None else group.recording.about.words),
    "length": lambda group: -_length_s(group),
    "size": lambda group: -group.size_bytes,
    "used": lambda group: -group.used_s,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryQuery:
    """The search, sorting and page of the list that a person has chosen.

    Args:
        search: words that must all be in a recording's name, or in that and a result's text.
        sort: one of `SORTS`.
        page: the page of the list; 0 is the first.
        trash: whether to list the trash instead of the library.
        unfolded: by the key of a recording, how many of its results are shown.
    """

    search: str = ""
    sort: str = "newest"
    page: int = 0
    trash: bool = False
    unfolded: Mapping[str, int] = field(default_factory=dict)


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


class LibraryView:
    """The recordings and results of this server, in the form the Library page lists them.

    Attributes:
        changed: is emitted when an item was imported, made, renamed, pinned, deleted or restored.
        emptied: is emitted when an item was deleted for good.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.changed: PageEvent[[]] = PageEvent()
        self.emptied: PageEvent[[]] = PageEvent()
        self._artifacts = ArtifactList(library.store, ("recording", "result"), facts_of)

    def recordings(self) -> list[Recording]:
        """Return all readable recordings, newest first; raises `StorageError` as `view` does."""
        return list(_readable(self.library.recordings(), recording_of))

    def results(self, recording: str) -> list[Result]:
        """Return the readable results of one recording, newest first; raises `StorageError` as `view` does."""
        return list(_readable(self.library.results(recording), result_of))

    def recording(self, key: str) -> Recording:
        """Return the recording of that key.

        Raises:
            StorageError: there is none any more.
            DamagedItem: the item is no recording, or its manifest cannot be read.
        """
        return recording_of(self.library.open(key))

    def result(self, key: str) -> Result:
        """Return the result of that key; raises as `recording` does."""
        return result_of(self.library.open(key))

    def view(self, query: LibraryQuery, jobs: Mapping[str, Row], *, reread: bool = True) -> dict[str, Any]:
        """Return the rows of one page of the list and the number of all rows, in the form of the list's component.

        Args:
            query: the search, sorting and page.
            jobs: by the key of a recording, the part of its row about a job.
            reread: whether to read changes from the store; otherwise the rows are those that were read last.

        Raises:
            StorageError: the store cannot be read.
        """
        entries = self._artifacts.entries(reread=reread)
        here = [entry for entry in entries if not entry.row.trashed_s]
        thrown = _thrown(entry for entry in entries if entry.row.trashed_s)
        words = query.search.casefold().split()
        if query.trash:
            found = [group for group in thrown if _has(group.first, words)]
        else:
            matches = (_matching(group, words) for group in _groups(here))
            found = sorted((match for match in matches if match is not None), key=SORTS[query.sort])
        last = max(0, (len(found) - 1) // PAGE_ROWS)
        page = min(max(0, query.page), last)
        shown = found[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
        draw = _thrown_row if query.trash else partial(_row, query=query, words=words, jobs=jobs)
        return {
            "rows": [draw(group) for group in shown],
            "total": len(found),
            "first": page * PAGE_ROWS,
            "page": page,
            "last": page == last,
            "trash": query.trash,
            "n_trashed": len(thrown),
            "empty": not here,
        }

    def clean(self, cleaning: CleanUp) -> str:
        """Delete the chosen items, leftovers of killed runs, and items over the limit; return a sentence about it.

        Raises:
            StorageError: the store cannot be changed; some items may be deleted already.
        """
        store = self.library.store
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
        checked = list(self.library.store.checks.all())
        n_bytes = sum(one.manifest.size_bytes for one in checked)
        n_damaged = sum(one.outcome in ("damaged", "mended") for one in checked)
        n_unknown = sum(one.outcome == "unknown" for one in checked)
        found = f"{counted(n_damaged, 'damaged item')} found" if n_damaged else "nothing is damaged"
        unknown = f"; {counted(n_unknown, 'item')} could be compared by size only" if n_unknown else ""
        return f"{counted(len(checked), 'item')} checked, {size(n_bytes)}: {found}{unknown}."

    def names(self, keys: Iterable[str]) -> list[str]:
        """Return the names of the items that exist."""
        wanted = set(keys)
        return [entry.about.name for entry in self._artifacts.entries(reread=False) if entry.row.key in wanted]


def facts_of(manifest: Manifest) -> ListedFacts:
    """Return the facts that the list shows of a recording or a result.

    Raises:
        ValueError: the manifest is not one that this version can read.
    """
    created_s = datetime.fromisoformat(manifest.created).timestamp()
    item = Artifact(key="", manifest=manifest, files=dict.fromkeys(manifest.outputs, Path()))  # lists open no file
    if manifest.kind == "recording":
        recording = recording_of(item)
        channels = {1: "mono", 2: "stereo"}.get(recording.n_channels, f"{recording.n_channels} channels")
        about = (clock(recording.duration_s), f"{recording.sample_rate / 1000:g} kHz", channels)
        return ListedFacts(manifest.name, created_s, manifest.name.casefold(), recording.duration_s, about)
    result = result_of(item)
    sounds: list[tuple[str, str]] = []
    for prompt in result.prompts:
        sounds.append((prompt, stem_color(prompt, [color for _, color in sounds])))
    properties = tuple(_how(result))
    words = " ".join((manifest.name, *result.prompts, *properties[:1], result.backend))
    return ListedFacts(manifest.name, created_s, words.casefold(), properties=properties, sounds=tuple(sounds))


def _readable(items: Iterable[Artifact], of: Callable[[Artifact], KeptValue]) -> Iterator[KeptValue]:
    for item in items:
        try:
            yield of(item)
        except DamagedItem as damage:
            log.warning("%s", damage)


def _how(result: Result) -> Iterator[str]:
    """Yield short facts about a result: its backend, processing time and estimated quality."""
    backend = registry.label_of(result.backend)
    yield " ".join(part for part in (backend, result.model) if part)
    if result.seconds:
        yield f"took {duration(result.seconds)}"
    if result.quality is not None:
        yield f"quality about {result.quality.value:.2f} of 1"


def _groups(entries: Iterable[Entry[ListedFacts]]) -> list[RecordingGroup]:
    recordings: dict[str, Entry[ListedFacts] | None] = {}
    results: dict[str, list[Entry[ListedFacts]]] = defaultdict(list)
    for entry in entries:
        if entry.row.kind == "recording":
            recordings[entry.row.key] = entry
        else:
            results[entry.row.source].append(entry)
    for key in results:
        recordings.setdefault(key, None)
    return [RecordingGroup(recording, _newest_first(results.get(key, ()))) for key, recording in recordings.items()]


def _thrown(trash: Iterable[Entry[ListedFacts]]) -> list[RecordingGroup]:
    """Group the trash, last deleted first: recordings with their results, and single results."""
    together: list[RecordingGroup] = []
    for group in _groups(trash):
        with_it = [result for result in group.results if group.recording and _when(result) == _when(group.recording)]
        alone = [result for result in group.results if result not in with_it]
        together += [RecordingGroup(None, (result,)) for result in alone]
        if group.recording is not None:
            together.append(RecordingGroup(group.recording, tuple(with_it)))
    return sorted(together, key=lambda group: -_when(group.first))


def _when(entry: Entry[ListedFacts]) -> float:
    return entry.row.trashed_s


def _newest_first(results: Iterable[Entry[ListedFacts]]) -> tuple[Entry[ListedFacts], ...]:
    return tuple(sorted(results, key=lambda result: -result.about.created_s))


def _has(entry: Entry[ListedFacts], words: list[str]) -> bool:
    return all(word in entry.about.words for word in words)


def _matching(group: RecordingGroup, words: list[str]) -> RecordingGroup | None:
    """Return the part of the group that has all words, or None; a recording's name counts for its results, too."""
    name = "" if group.recording is None else group.recording.about.words
    left = [word for word in words if word not in name]
    if not left:
        return group
    found = tuple(result for result in group.results if _has(result, left))
    return RecordingGroup(group.recording, found) if found else None


def _row(group: RecordingGroup, query: LibraryQuery, words: list[str], jobs: Mapping[str, Row]) -> Row:
    """Return the row of a recording for the list's component; its results are included only if they are unfolded."""
    recording = group.recording
    n_shown = query.unfolded.get(group.key, 0)
    if words and (recording is None or not _has(recording, words)):
        n_shown = max(n_shown, RESULTS_SHOWN)  # they are what was found
    row = {
        "key": group.key,
        "n_results": len(group.results),
        "compare": f"/compare?recording={group.key}",
        "open": n_shown > 0,
        "results": [_result_row(result) for result in group.results[:n_shown]],
        "job": jobs.get(group.key),
    }
    if recording is None:
        return row | {
            "name": GONE,
            "properties": ["Upload the file again to go on from here"],
            "gone": True,
            "size": "",
        }
    return row | {
        **_entry_row(recording),
        "href": f"/?recording={group.key}",
        "size": size(recording.row.size_bytes),
    }


def _result_row(result: Entry[ListedFacts]) -> Row:
    return {
        **_entry_row(result),
        "href": f"/?recording={result.row.source}&result={result.row.key}",
        "size": size(result.row.size_bytes),
    }


def _thrown_row(group: RecordingGroup) -> Row:
    entry = group.first
    what = "Result" if group.recording is None else "Recording"
    with_it = f" with {counted(len(group.results), 'result')}" if group.recording and group.results else ""
    return {
        **_entry_row(entry),
        "properties": [f"{what}{with_it}"],
        "deleted_s": entry.row.trashed_s,
        "goes_s": entry.row.trashed_s + TRASH_STAYS_S,
        "size": size(group.size_bytes),
        "n_results": 0,
        "results": [],
    }


def _entry_row(entry: Entry[ListedFacts]) -> Row:
    about = entry.about
    return {
        "key": entry.row.key,
        "name": about.name,
        "properties": list(about.properties),
        "sounds": [{"text": words, "color": color} for words, color in about.sounds],
        "created_s": about.created_s,
        "used_s": entry.row.used_s,
        "pinned": entry.row.pinned,
    }
