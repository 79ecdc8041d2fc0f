"""The notes that people pin to times of a recording, shared by all its pages and written to disk with every change."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from nicegui import Event as PageEvent

from separation.errors import SettingsError
from storage.records import NoteTable

MAX_NOTES = 500  # of a recording
MAX_TEXT = 300  # letters
_ID = re.compile(r"[a-z0-9]{1,32}")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListeningNote:
    """What somebody heard, and where.

    Args:
        id: of the note; pages make it.
        time_s: the time in the recording.
        text: what was heard; blanks are tidied up, and what is too long is cut.
        source: key of the result or recording in which it was heard; "" if it belongs to the time alone.
        label: what that was called then.

    Raises:
        ValueError: the id is none, the time lies before the start, or there is no text.
    """

    id: str
    time_s: float
    text: str
    source: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or not 0 <= self.time_s < float("inf"):
            raise ValueError("it has no id or no time")
        for name in ("text", "source", "label"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split())[:MAX_TEXT])
        if not self.text:
            raise ValueError("it says nothing")

    @classmethod
    def from_dict(cls, note_id: str, values: Mapping[str, Any]) -> Self:
        """Return the note of that id that `to_dict` described.

        Raises:
            KeyError, TypeError, ValueError: the values are no note.
        """
        words = {name: str(values[name]) for name in ("text", "source", "label")}
        return cls(id=note_id, time_s=float(values["time_s"]), **words)

    def to_dict(self) -> dict[str, Any]:
        """Return the note as JSON values, without its id; `from_dict` reads them."""
        values = asdict(self)
        del values["id"]
        return values


class Notes:
    """The notes of all recordings on this server; use it on the event loop only.

    What cannot be written down raises `StorageError`, and is there until the server ends all the same.

    Attributes:
        changed: is emitted with the key of a recording when its notes have changed.
    """

    def __init__(self, table: NoteTable) -> None:
        self.changed: PageEvent[str] = PageEvent()
        self._table = table
        self._known: dict[str, dict[str, ListeningNote]] = {}

    def of(self, recording: str) -> list[ListeningNote]:
        """Return the notes of a recording in the order of their times."""
        return sorted(self._all(recording).values(), key=lambda note: (note.time_s, note.id))

    def add(self, recording: str, note: ListeningNote) -> None:
        """Add a note; one that is there already stays as it is.

        Raises:
            SettingsError: the recording has too many.
        """
        known = self._all(recording)
        if note.id in known:
            return
        if len(known) >= MAX_NOTES:
            raise SettingsError(
                f"There are {MAX_NOTES} notes.", "A recording can have no more.", "Delete those that are done with."
            )
        self._keep(recording, note)

    def edit(self, recording: str, note_id: str, text: str) -> None:
        """Change what a note says; one that was deleted meanwhile stays deleted, and no text changes nothing."""
        note = self._all(recording).get(note_id)
        if note is not None and text.strip():
            self._keep(recording, replace(note, text=text))

    def remove(self, recording: str, note_id: str) -> None:
        """Delete a note, if it is there."""
        if self._all(recording).pop(note_id, None) is not None:
            self.changed.emit(recording)
            self._table.remove(recording, note_id)

    def keep_only(self, recordings: Collection[str]) -> None:
        """Delete the notes of all recordings but these, whose keys are given: those that are here or in the trash."""
        self._table.keep_only(recordings)
        self._known = {key: notes for key, notes in self._known.items() if key in recordings}

    def _all(self, recording: str) -> dict[str, ListeningNote]:
        if recording not in self._known:
            notes = self._known[recording] = {}
            for note_id, values in self._table.parts(recording).items():
                try:
                    notes[note_id] = ListeningNote.from_dict(note_id, values)
                except (KeyError, TypeError, ValueError) as error:
                    log.warning("a note of %s is passed over: %s", recording, error)
        return self._known[recording]

    def _keep(self, recording: str, note: ListeningNote) -> None:
        if self._all(recording).get(note.id) != note:
            self._all(recording)[note.id] = note
            self.changed.emit(recording)
            self._table.write(recording, note.to_dict(), note.id)
