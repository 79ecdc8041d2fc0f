"""The notes of the recording that is compared, as its Compare page shows them."""

from __future__ import annotations

from collections.abc import Callable

from separation.comparing.addresses import address_of
from separation.errors import PlaygroundError
from separation.results.kept import Recording
from webapp.access.handlers import asks
from webapp.access.roles import Right
from webapp.components.notes.notes import NoteChange, NoteSide, PinnedNote, PinnedNotes
from webapp.components.sent import passed_over
from webapp.pages.compare.compared import Compared
from webapp.state.kept.notes import ListeningNote, Notes
from webapp.theme import FREE_COLORS


class ComparedNotes:
    """A layer over the waveform of the recording; what any page changes is shown by all.

    Args:
        notes: of all recordings.
        may_change: whether the visitor may change what belongs to the recording of a key.
        on_error: called with what went wrong.
    """

    def __init__(
        self, notes: Notes, *, may_change: Callable[[str], bool], on_error: Callable[[PlaygroundError], object]
    ) -> None:
        self._notes, self._may_change, self._on_error = notes, may_change, on_error
        self._recording = ""
        self._duration_s = 0.0
        self._sides: list[NoteSide] = []
        self._element = asks(PinnedNotes(self._change), Right.MANAGE)
        notes.changed.subscribe(self._changed)

    def show(self, compared: Compared, recording: Recording | None) -> None:
        """Show the notes of a recording, with the sides to which they can be pinned."""
        self._recording = "" if recording is None else recording.key
        self._duration_s = 0.0 if recording is None else recording.duration_s
        self._sides = note_sides(compared)
        self._draw()

    def _draw(self) -> None:
        notes = self._notes.of(self._recording) if self._recording else []
        self._element.show(self._recording, [_pinned(note) for note in notes], self._sides)

    def _changed(self, recording: str) -> None:
        if recording == self._recording:
            self._draw()

    def _change(self, change: NoteChange) -> None:
        recording = change["recording"]
        if recording != self._recording:
            return
        if not self._may_change(recording):
            why = "The recording is somebody else's, and so are its notes."
            self._on_error(PlaygroundError("The notes stay as they are.", why, "Ask who has brought it."))
            self._draw()
            return
        try:
            if "add" in change:
                self._notes.add(recording, _note(change["add"], self._duration_s))
            elif "edit" in change:
                self._notes.edit(recording, change["edit"], change.get("text", ""))
            elif "remove" in change:
                self._notes.remove(recording, change["remove"])
        except PlaygroundError as error:
            self._on_error(error)
        except ValueError:  # what a page of ours does not send
            passed_over("the notes", change)


def note_sides(compared: Compared) -> list[NoteSide]:
    """Return the sides to which notes can be pinned, by what makes each the same another time."""
    named = enumerate(zip(compared.items, compared.labels, strict=True))
    return [
        NoteSide(
            side=str(index + 1),
            source=address_of(item),
            label=" · ".join([name, *settings]),
            color=FREE_COLORS[index % len(FREE_COLORS)],
        )
        for index, (item, (name, settings)) in named
    ]


def _note(sent: PinnedNote, duration_s: float) -> ListeningNote:
    time_s = min(max(sent["time_s"], 0.0), duration_s)
    return ListeningNote(id=sent["id"], time_s=time_s, text=sent["text"], source=sent["source"], label=sent["label"])


def _pinned(note: ListeningNote) -> PinnedNote:
    return PinnedNote(id=note.id, time_s=note.time_s, text=note.text, source=note.source, label=note.label)
