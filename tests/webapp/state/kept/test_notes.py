"""Notes: in the order of their times, the same for all pages, there after a restart, and gone with their recording."""

from __future__ import annotations

import pytest

from separation.errors import SettingsError
from storage.records import NoteTable
from webapp.state.kept.notes import MAX_NOTES, MAX_TEXT, ListeningNote, Notes

SONG, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def table(tmp_path):
    table = NoteTable(tmp_path)
    yield table
    table.close()


@pytest.fixture
def notes(table):
    return Notes(table)


def changed(notes):
    told = []
    notes.changed.subscribe(told.append)
    return told


def note(note_id, time_s=1.0, text="breathy", **more):
    return ListeningNote(id=note_id, time_s=time_s, text=text, **more)


def test_notes_come_in_the_order_of_their_times_and_are_told_to_all_pages(notes):
    told = changed(notes)
    notes.add(SONG, note("b", 8.0))
    notes.add(SONG, note("a", 2.5))
    assert [one.id for one in notes.of(SONG)] == ["a", "b"] and notes.of(OTHER) == []
    assert told == [SONG, SONG]


def test_everything_of_a_note_survives_a_restart(notes, table):
    pinned = note("a", 2.5, "breathy here", source="c" * 64, label="Demucs · shifts 2")
    notes.add(SONG, pinned)
    notes.add(SONG, note("b", 3.0))
    notes.edit(SONG, "b", "a click")
    notes.add(SONG, note("c", 4.0))
    notes.remove(SONG, "c")
    assert Notes(table).of(SONG) == [pinned, note("b", 3.0, "a click")]


def test_two_pages_that_do_different_things_keep_both_and_the_same_thing_twice_is_once(notes):
    notes.add(SONG, note("a"))
    notes.add(SONG, note("b"))
    told = changed(notes)
    notes.add(SONG, note("a", 9.0, "sent again"))
    notes.edit(SONG, "b", "breathy")
    assert [(one.id, one.text) for one in notes.of(SONG)] == [("a", "breathy"), ("b", "breathy")] and told == []
    notes.remove(SONG, "a")
    notes.edit(SONG, "a", "of one that is gone")
    notes.remove(SONG, "a")
    assert [one.id for one in notes.of(SONG)] == ["b"] and told == [SONG]


def test_a_deleted_note_comes_back_as_it_was(notes, table):
    kept = note("a", 2.5, source="c" * 64, label="Demucs")
    notes.add(SONG, kept)
    notes.remove(SONG, "a")
    notes.add(SONG, kept)
    assert notes.of(SONG) == Notes(table).of(SONG) == [kept]


def test_blanks_are_tidied_long_words_cut_and_an_emptied_note_stays_as_it_was(notes):
    notes.add(SONG, note("a", text="  breathy \n here "))
    notes.edit(SONG, "a", "   ")
    assert notes.of(SONG)[0].text == "breathy here"
    assert len(note("a", text="long " * 200).text) <= MAX_TEXT


@pytest.mark.parametrize(
    "wrong",
    [{"id": "../x"}, {"id": ""}, {"time_s": -1.0}, {"time_s": float("nan")}, {"time_s": float("inf")}, {"text": " "}],
)
def test_what_is_no_note_is_refused(wrong):
    with pytest.raises(ValueError):
        ListeningNote(**{"id": "a", "time_s": 1.0, "text": "breathy", **wrong})


def test_a_recording_has_an_end_of_notes(notes):
    for number in range(MAX_NOTES):
        notes.add(SONG, note(f"n{number}"))
    with pytest.raises(SettingsError, match=f"{MAX_NOTES} notes"):
        notes.add(SONG, note("more"))


def test_notes_of_recordings_that_are_gone_are_deleted(notes, table):
    notes.add(SONG, note("a"))
    notes.add(OTHER, note("a"))
    notes.keep_only({OTHER})
    for each in (notes, Notes(table)):
        assert each.of(SONG) == [] and len(each.of(OTHER)) == 1


@pytest.mark.parametrize("damage", [{"text": "x"}, {"time_s": "soon", "text": "x", "source": "", "label": ""}, {}])
def test_a_stored_note_that_is_none_is_passed_over(table, damage, caplog):
    table.write(SONG, damage, "bad")
    table.write(SONG, note("good").to_dict(), "good")
    assert [one.id for one in Notes(table).of(SONG)] == ["good"]
    assert "passed over" in caplog.text
