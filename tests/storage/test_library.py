from __future__ import annotations

import pytest

from separation.results.store import NewItem
from storage import ArtifactStore, Library, StorageError
from storage.library import newest


@pytest.fixture
def library(tmp_path):
    return Library(ArtifactStore(tmp_path / "home"))


def keep(library, name, kind="recording", **inputs):
    key = library.store.key(kind, name=name, **inputs)
    with library.store.scratch() as folder:
        (folder / "a").write_bytes(name.encode())
        new = NewItem(kind=kind, name=name, files={"audio": folder / "a"}, inputs=inputs)
        return library.store.put(key, new)


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


def test_with_a_recording_its_chunks_go_and_its_results_stay(library):
    gone, other = keep(library, "one"), keep(library, "two")
    for song in (gone, other):
        keep(library, "drums", "result", recording=song.key)
        for index in range(3):
            keep(library, f"chunk {index}", "chunk", recording=song.key)
    assert library.remove(gone.key) is True
    assert [recording.name for recording in library.recordings()] == ["two"]
    assert {chunk.manifest.inputs["recording"] for chunk in library.store.list("chunk")} == {other.key}
    (result,) = library.results(gone.key)
    assert library.open(result.key).files["audio"].read_bytes() == b"drums"
    assert library.store.size_bytes() == sum(path.stat().st_size for path in library.store.folder.rglob("*.val"))
    assert library.remove(gone.key) is False


def test_removing_a_result_takes_nothing_else(library):
    song = keep(library, "one")
    result, _ = (keep(library, name, kind, recording=song.key) for name, kind in (("drums", "result"), ("c", "chunk")))
    assert library.remove(result.key) is True
    assert library.results(song.key) == [] and len(library.store.list("chunk")) == 1


def test_what_is_removed_while_it_is_renamed_does_not_come_back(library, monkeypatch):
    song = keep(library, "one")
    opened = library.open(song.key)
    monkeypatch.setattr(library, "open", lambda key: opened)
    library.remove(song.key)
    with pytest.raises(StorageError, match="removed meanwhile"):
        library.rename(song.key, "My song")
    assert library.recordings() == [] and library.store.get(song.key) is None


def test_another_name_changes_nothing_else(library):
    song = keep(library, "one")
    renamed = library.rename(song.key, "  My song  ")
    assert (renamed.name, renamed.key, renamed.files) == ("My song", song.key, song.files)
    assert library.open(song.key).name == "My song"
    assert library.rename(song.key, "   ").name == "My song"  # an empty name is no name


def test_the_newest_are_read_and_no_others(library, monkeypatch):
    store = library.store
    keys = [keep(library, f"song {n}", kind="result").key for n in range(5)]
    keep(library, "a recording")
    store.trash(keys[4])
    read, manifest = [], store.manifest
    monkeypatch.setattr(store, "manifest", lambda key: read.append(key) or manifest(key))
    assert [one.name for one in newest(store, "result", 2)] == ["song 3", "song 2"]
    assert read == [keys[3], keys[2]]
    assert len(newest(store, "result")) == 4 and newest(store, "chunk") == []
