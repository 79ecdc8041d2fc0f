"""Notes belong to their recording; every table beside the artifacts makes an open data folder private."""

from __future__ import annotations

import pytest

from storage.records import BlindTestTable, DraftTable, NoteTable, PresetTable
from storage.table import Table

SONG, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def table(tmp_path):
    table = NoteTable(tmp_path)
    yield table
    table.close()


def test_notes_of_a_recording_are_there_for_the_next_one_and_no_others(table, tmp_path):
    table.write(SONG, {"text": "breathy"}, "n1")
    table.write(SONG, {"text": "a click"}, "n2")
    table.write(OTHER, {"text": "of another"}, "n1")
    again = NoteTable(tmp_path)
    assert again.parts(SONG) == {"n1": {"text": "breathy"}, "n2": {"text": "a click"}}
    assert again.parts("c" * 64) == {}
    again.close()


def test_one_note_is_removed_and_what_is_not_there_needs_no_removing(table):
    table.write(SONG, {"text": "breathy"}, "n1")
    table.write(SONG, {"text": "a click"}, "n2")
    table.remove(SONG, "n1")
    table.remove(SONG, "n1")
    assert list(table.parts(SONG)) == ["n2"]


def test_notes_go_with_their_recording(table):
    table.write(SONG, {"text": "breathy"}, "n1")
    table.write(OTHER, {"text": "a click"}, "n1")
    assert table.keep_only({OTHER, "c" * 64}) == (SONG,)
    assert table.parts(SONG) == {} and list(table.parts(OTHER)) == ["n1"]


def test_a_note_that_cannot_be_read_is_passed_over(table, tmp_path, caplog):
    table.write(SONG, {"text": "breathy"}, "good")
    raw = Table(tmp_path / "notes", "raw")
    raw.set(f"{SONG}/bad", "{not JSON")
    raw.set(f"{SONG}/list", "[1]")
    raw.close()
    assert list(table.parts(SONG)) == ["good"]
    assert f"{SONG}/bad is passed over" in caplog.text


@pytest.mark.parametrize("kind", [BlindTestTable, DraftTable, NoteTable, PresetTable])
def test_an_open_data_folder_with_nothing_but_our_tables_in_it_is_made_private(tmp_path, kind):
    home = tmp_path / "home"
    kind(home).close()
    home.chmod(0o755)
    kind(home).close()
    assert home.stat().st_mode & 0o777 == 0o700
