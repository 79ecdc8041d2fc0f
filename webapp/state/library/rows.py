"""The rows of the library's list: recordings with their results, grouped, searched, sorted, and drawn as plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from separation.backends import registry
from separation.formatted import clock, counted, duration, size
from separation.results.kept import Result, recording_of, result_of
from storage import Artifact, Entry
from storage.eviction import TRASH_STAYS_S
from storage.manifest import Manifest
from webapp.components.stem_colors import stem_color

PAGE_ROWS = 50  # recordings on one page of the list
RESULTS_SHOWN = 50  # results under an unfolded recording, until a person wants more
GONE = "A recording that is no longer here"

Row = dict[str, Any]


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


def _how(result: Result) -> Iterator[str]:
    """Yield short facts about a result: its backend, processing time and estimated quality."""
    backend = registry.label_of(result.backend)
    yield " ".join(part for part in (backend, result.model) if part)
    if result.seconds:
        yield f"took {duration(result.seconds)}"
    if result.quality is not None:
        yield f"quality about {result.quality.value:.2f} of 1"


def matching(here: Iterable[Entry[ListedFacts]], words: list[str], sort: str) -> list[RecordingGroup]:
    """Return recordings with their results, as far as they have all words, in the order of a sorting."""
    matches = (_matching(group, words) for group in _groups(here))
    return sorted((match for match in matches if match is not None), key=SORTS[sort])


def thrown_with(trash: Iterable[RecordingGroup], words: list[str]) -> list[RecordingGroup]:
    """Return the items of the trash whose own text has all words."""
    return [group for group in trash if _has(group.first, words)]


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


def thrown(trash: Iterable[Entry[ListedFacts]]) -> list[RecordingGroup]:
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


Whose = Callable[[str], Row]  # the part of a row that says whose an item is, by its key


def row(group: RecordingGroup, query: LibraryQuery, words: list[str], jobs: Mapping[str, Row], *, whose: Whose) -> Row:
    """Return the row of a recording for the list's component; its results are included only if they are unfolded."""
    recording = group.recording
    n_shown = query.unfolded.get(group.key, 0)
    if words and (recording is None or not _has(recording, words)):
        n_shown = max(n_shown, RESULTS_SHOWN)  # they are what was found
    about = {
        "key": group.key,
        "n_results": len(group.results),
        "compare": f"/compare?recording={group.key}",
        "open": n_shown > 0,
        "results": [_result_row(result, whose) for result in group.results[:n_shown]],
        "job": jobs.get(group.key),
    }
    if recording is None:
        return about | {
            **whose(group.key),
            "name": GONE,
            "properties": ["Upload the file again to go on from here"],
            "gone": True,
            "size": "",
        }
    return about | {
        **_entry_row(recording, whose),
        "href": f"/?recording={group.key}",
        "size": size(recording.row.size_bytes),
    }


def _result_row(result: Entry[ListedFacts], whose: Whose) -> Row:
    return {
        **_entry_row(result, whose),
        "href": f"/?recording={result.row.source}&result={result.row.key}",
        "size": size(result.row.size_bytes),
    }


def thrown_row(group: RecordingGroup, *, whose: Whose) -> Row:
    """Return the row of an item of the trash."""
    entry = group.first
    what = "Result" if group.recording is None else "Recording"
    with_it = f" with {counted(len(group.results), 'result')}" if group.recording and group.results else ""
    return {
        **_entry_row(entry, whose),
        "properties": [f"{what}{with_it}"],
        "deleted_s": entry.row.trashed_s,
        "goes_s": entry.row.trashed_s + TRASH_STAYS_S,
        "size": size(group.size_bytes),
        "n_results": 0,
        "results": [],
    }


def _entry_row(entry: Entry[ListedFacts], whose: Whose) -> Row:
    about = entry.about
    return {
        **whose(entry.row.key),
        "key": entry.row.key,
        "name": about.name,
        "properties": list(about.properties),
        "sounds": [{"text": words, "color": color} for words, color in about.sounds],
        "created_s": about.created_s,
        "used_s": entry.row.used_s,
        "pinned": entry.row.pinned,
    }
