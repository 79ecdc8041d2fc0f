from __future__ import annotations

import os
from pathlib import Path

import pytest

from separation.engine.engine import Inline
from separation.errors import SettingsError
from separation.events import StillRunning
from separation.workflows import batch
from separation.workflows.batch_files import SOURCES, find_recordings, folders, read_sources, source_of

# Running


def square(number):
    yield StillRunning()
    return number * number


def test_one_job_works_in_this_process_file_by_file():
    started, events = [], []
    outcomes = batch.run([3, 4, 5], square, Inline(), started=started.append, on_event=events.append)
    assert next(outcomes).result == 9 and started == [3] and events == [StillRunning()]
    assert [outcome.result for outcome in outcomes] == [16, 25] and started == [3, 4, 5]


def test_closing_early_lets_the_work_clean_up_and_starts_nothing_more():
    diary = []

    def work(number):
        try:
            yield StillRunning()
            diary.append(f"{number} done")
        finally:
            diary.append(f"{number} over")

    outcomes = batch.run([0, 1], work, Inline())
    next(outcomes)
    outcomes.close()
    assert diary == ["0 done", "0 over"]


def test_an_interrupt_in_this_process_reaches_the_work_and_the_caller():
    diary = []

    def work(number):
        try:
            yield StillRunning()
            raise KeyboardInterrupt
        finally:
            diary.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        list(batch.run([0, 1], work, Inline()))
    assert diary == ["cleaned up"]


# Finding


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder, *patterns, recursive=False, out="elsewhere"):
    return [path.as_posix() for path in find_recordings(folder, patterns, recursive, folder / out)]


def test_all_audio_is_found_in_order_whatever_the_case_of_its_extension(tmp_path):
    made(tmp_path, "b.wav", "a.FLAC", "c.Mp3", "notes.txt", "cover.jpg", "wav", "sub/d.wav")
    assert found(tmp_path) == ["a.FLAC", "b.wav", "c.Mp3"]
    assert found(tmp_path, recursive=True) == ["a.FLAC", "b.wav", "c.Mp3", "sub/d.wav"]


def test_patterns_choose_by_name(tmp_path):
    made(tmp_path, "one.wav", "two.wav", "film.mp4", "song.flac")
    assert found(tmp_path, "*.mp4", "T*.wav") == ["film.mp4", "two.wav"]


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    made(tmp_path, "song.wav", "._song.wav", ".trash/old.wav", "folder.wav/inner.wav")
    assert found(tmp_path, recursive=True) == ["folder.wav/inner.wav", "song.wav"]


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path):
    made(tmp_path, "song.wav", "elsewhere.d/other.wav")
    (tmp_path / "gone.wav").symlink_to("/nowhere/gone.wav")
    (tmp_path / "again.wav").symlink_to("song.wav")
    (tmp_path / "folder.wav").symlink_to("elsewhere.d", target_is_directory=True)
    assert found(tmp_path) == ["again.wav", "gone.wav", "song.wav"]


def test_results_are_never_taken_for_recordings(tmp_path):
    made(tmp_path, "song.wav", "out/song/drums.wav", "output/other.wav")
    assert found(tmp_path, recursive=True, out="out") == ["output/other.wav", "song.wav"]
    for out in (".", ".."):
        with pytest.raises(SettingsError, match="next batch would take results for recordings"):
            found(tmp_path, recursive=True, out=out)
    assert found(tmp_path, out=".") == ["song.wav"]


def test_nothing_found_says_what_was_looked_for(tmp_path):
    made(tmp_path, "sub/song.wav")
    with pytest.raises(SettingsError, match=r"extensions of audio files.*--recursive"):
        found(tmp_path)
    with pytest.raises(SettingsError, match=r"\*\.mp3, \*\.ogg\. Check the folder and the pattern\.$"):
        found(tmp_path, "*.mp3", "*.ogg", recursive=True)
    with pytest.raises(SettingsError, match="There is no folder"):
        found(tmp_path / "missing")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_not_passed_over_silently(tmp_path):
    made(tmp_path, "song.wav", "locked/other.wav")
    (tmp_path / "locked").chmod(0)
    try:
        with pytest.raises(SettingsError, match="locked cannot be read"):
            found(tmp_path, recursive=True)
    finally:
        (tmp_path / "locked").chmod(0o700)


# Folders for results


def placed(*names, known=None):
    found = folders([Path(name) for name in names], Path("music"), Path("out"), known or {})
    return [path.as_posix() for path in found.values()]


def test_a_file_has_a_folder_of_its_name_under_its_own_path():
    assert placed("song.wav", "one/song.wav", "two/deep/song.wav") == ["song", "one/song", "two/deep/song"]


def test_files_that_differ_in_extension_keep_it():
    assert placed("song.mp3", "song.wav", "Song.flac", "else.wav") == ["song.mp3", "song.wav", "Song.flac", "else"]
    assert placed("song.wav", "song/inner.wav") == ["song.wav", "song/inner"]


def test_no_two_files_share_a_folder_whatever_they_are_called():
    names = (
        "a?.wav",
        "a*.wav",
        "A!.wav",
        "x?/a.wav",
        "x*/a.wav",
        "a_.wav/a_.wav",
        "...wav",
        "failures.json.wav",
        "sources.json.wav",
    )
    places = placed(*names)
    assert len({place.casefold() for place in places}) == len(names)
    assert not {"failures.json", "sources.json"} & set(places), "those are lists of the batch"
    assert not any(part.startswith(".") for place in places for part in place.split("/"))


def test_a_folder_stays_that_of_its_source_when_files_are_added():
    (alone,) = placed("song.wav")
    known = {alone: source_of(Path("music/song.wav"), Path("out"))}
    assert placed("song.flac", "song.wav", known=known) == ["song.flac", "song"]
    assert placed("a?.wav", known={"a_": source_of(Path("music/a*.wav"), Path("out"))}) == ["a_ (2)"]


@pytest.mark.parametrize("earlier", [False, True])
def test_links_to_one_recording_keep_folders_of_their_own(tmp_path, earlier):
    made(tmp_path, "music/song.wav")
    for link in ("again.wav", "zero.wav"):
        (tmp_path / "music" / link).symlink_to("song.wav")
    files, music, out = [Path("again.wav"), Path("song.wav"), Path("zero.wav")], tmp_path / "music", tmp_path / "out"
    places = folders(files, music, out, {})
    target = {place.as_posix(): "../music/song.wav" for place in places.values()}  # as earlier versions kept it
    known = target if earlier else {place.as_posix(): source_of(music / file, out) for file, place in places.items()}
    assert folders(files, music, out, known) == places
    assert [path.as_posix() for path in places.values()] == ["again", "song", "zero"]


def test_what_another_source_has_made_in_the_same_folder_is_not_written_over():
    other = {"song": source_of(Path("other/song.wav"), Path("out")), "one/Song": "../elsewhere/song.wav"}
    assert placed("song.wav", "one/song.wav", known=other) == ["song (2)", "one/song (2)"]


def test_the_list_of_sources_is_read_and_forgets_folders_that_are_gone(tmp_path):
    assert read_sources(tmp_path) == {}
    (tmp_path / "song").mkdir()
    (tmp_path / SOURCES).write_text('{"song": "../song.wav", "gone": "../gone.wav", "../..": "../evil.wav"}')
    assert read_sources(tmp_path) == {"song": "../song.wav"}


@pytest.mark.parametrize("content", ["", "[]", '{"song": 3}', "\xff", "{"])
def test_a_damaged_list_of_sources_is_said_with_what_to_do(tmp_path, content):
    (tmp_path / SOURCES).write_text(content, "latin-1")
    with pytest.raises(SettingsError, match=r"sources\.json cannot be read.*Delete it"):
        read_sources(tmp_path)
