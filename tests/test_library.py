from __future__ import annotations

import pytest

from storage import ArtifactStore, Library, StorageError


@pytest.fixture
def library(tmp_path):
    return Library(ArtifactStore(tmp_path / "home"))


def keep(library, name, kind="recording", **inputs):
    key = library.store.key(kind, name=name, **inputs)
    with library.store.scratch() as folder:
        (folder / "a").write_bytes(name.encode())
        return library.store.put(key, kind=kind, name=name, files={"audio": folder / "a"}, inputs=inputs)


def test_recordings_are_listed_newest_first_and_results_are_not_among_them(library):
    songs = [keep(library, name) for name in ("one", "two", "three")]
    keep(library, "drums", "result", recording=songs[0].key)
    assert [recording.name for recording in library.recordings()] == ["three", "two", "one"]


def test_results_are_those_of_one_recording_newest_first(library):
    one, two = keep(library, "one"), keep(library, "two")
    for name, song in (("drums", one), ("bass", two), ("vocals", one)):
        keep(library, name, "result", recording=song.key)
    assert [result.name for result in library.results(one.key)] == ["vocals", "drums"]


def test_what_is_gone_is_said_to_be_gone(library):
    song = keep(library, "one")
    assert library.open(song.key).name == "one"
    library.store.remove(song.key)
    with pytest.raises(StorageError, match="not in the library any more"):
        library.open(song.key)


def test_another_name_changes_nothing_else(library):
    song = keep(library, "one")
    renamed = library.rename(song.key, "  My song  ")
    assert (renamed.name, renamed.key, renamed.files) == ("My song", song.key, song.files)
    assert library.open(song.key).name == "My song"
    assert library.rename(song.key, "   ").name == "My song"  # an empty name is no name
