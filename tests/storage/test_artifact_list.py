from __future__ import annotations

import pytest

from storage import ArtifactList, ArtifactStore, Library, StorageError
from storage.index import Index
from tests.storage.test_trash import keep


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def read():
    """The names of the manifests that were read, in turn."""
    return []


@pytest.fixture
def artifacts(store, read):
    def about(manifest):
        read.append(manifest.name)
        return manifest.name

    return ArtifactList(store, ("recording", "result"), about)


def shown(artifacts):
    return {entry.about: entry.row for entry in artifacts.entries()}


def test_it_holds_all_of_its_kinds_also_what_is_in_the_trash_and_says_so(store, artifacts):
    song = keep(store, "song")
    drums = keep(store, "drums", "result", recording=song.key)
    keep(store, "chunk", "chunk", recording=song.key)
    store.trash(drums.key)
    store.pin(song.key)
    rows = shown(artifacts)
    assert rows.keys() == {"song", "drums"}
    assert (rows["song"].pinned, rows["song"].trashed_s, rows["song"].size_bytes) == (True, 0, 100)
    assert rows["drums"].source == song.key and rows["drums"].trashed_s > 0


def test_a_manifest_is_read_again_only_when_it_was_written_since(store, artifacts, read):
    songs = [keep(store, name) for name in ("one", "two")]
    artifacts.entries()
    store.pin(songs[0].key)
    store.get(songs[1].key)
    assert shown(artifacts)["one"].pinned and sorted(read) == ["one", "two"]
    Library(store).rename(songs[0].key, "first")
    store.remove(songs[1].key)
    assert shown(artifacts).keys() == {"first"} and sorted(read) == ["first", "one", "two"]


def test_what_another_process_does_is_seen(store, artifacts, tmp_path):
    artifacts.entries()
    keep(ArtifactStore(tmp_path / "home"), "song")
    assert shown(artifacts).keys() == {"song"}


def test_the_index_is_not_asked_again_for_what_may_be_a_moment_old(store, artifacts):
    keep(store, "one")
    assert len(artifacts.entries(reread=False)) == 1  # nothing is known yet
    keep(store, "two")
    assert len(artifacts.entries(reread=False)) == 1 and len(artifacts.entries()) == 2


def test_what_cannot_be_understood_is_not_listed_and_the_rest_is(store):
    keep(store, "song")
    keep(store, "odd")

    def about(manifest):
        return {"song": "Song"}[manifest.name]

    assert shown(ArtifactList(store, ("recording",), about)).keys() == {"Song"}


def test_a_store_that_cannot_be_read_is_a_sentence(store, artifacts, monkeypatch):
    keep(store, "song")
    monkeypatch.setattr(Index, "rows", lambda index, kind: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(StorageError, match="cannot be read"):
        artifacts.entries()
