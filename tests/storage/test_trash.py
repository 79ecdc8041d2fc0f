"""The trash: deleted, and for a while not gone."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from separation.results.store import NewItem
from storage import ArtifactStore, Library, StorageError
from storage.index import Index
from tests.support.store_files import change, used_days_ago

DAY_S = 24 * 3600.0


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home", limit_bytes=1000)


def keep(store, name, kind="recording", size=100, **inputs):
    with store.scratch() as folder:
        (folder / "a").write_bytes(name[:1].encode() * size)
        new = NewItem(kind=kind, name=name, files={"audio": folder / "a"}, inputs=inputs)
        return store.put(store.key(kind, name=name), new)


def names(store, **which):
    return sorted(artifact.name for artifact in store.list(**which))


def in_trash(store):
    return names(store, trashed=True)


def put_there_days_ago(store, days, *keys):
    store.trash(*keys)
    for key in keys:
        change(store, "UPDATE Artifact SET trashed_s = ? WHERE key = ?", time.time() - days * DAY_S, key)


def test_what_is_in_the_trash_is_not_found_until_it_is_restored(store):
    song, other = keep(store, "song"), keep(store, "other")
    assert store.trash(song.key) == (song.key,)
    assert store.get(song.key) is None and names(store) == ["other"] and in_trash(store) == ["song"]
    assert store.trashed(song.key) and not store.trashed(other.key) and not store.trashed("0" * 64)
    with pytest.raises(StorageError, match="not in the library any more"):
        Library(store).open(song.key)
    assert store.trash(song.key, "0" * 64) == ()
    assert store.restore(song.key, other.key, "0" * 64) == (song.key,)
    assert store.get(song.key) == song and in_trash(store) == []
    assert song.files["audio"].read_bytes() == b"s" * 100


def test_it_is_the_same_for_every_process_and_after_a_restart(store, tmp_path):
    song = keep(store, "song")
    store.trash(song.key)
    other = ArtifactStore(tmp_path / "home")
    assert other.get(song.key) is None and in_trash(other) == ["song"]
    assert other.restore(song.key) == (song.key,)
    assert store.get(song.key) == song


def test_with_a_recording_go_and_come_its_results_and_not_those_deleted_before(store):
    song, other = keep(store, "song"), keep(store, "other")
    drums, bass = (keep(store, name, "result", recording=song.key) for name in ("drums", "bass"))
    keep(store, "vocals", "result", recording=other.key)
    chunk = keep(store, "chunk", "chunk", recording=song.key)
    store.trash(bass.key)
    assert set(store.trash(song.key)) == {song.key, drums.key}
    assert names(store) == ["chunk", "other", "vocals"] and store.get(chunk.key) is not None
    assert set(store.restore(song.key)) == {song.key, drums.key}
    assert in_trash(store) == ["bass"]


def test_a_result_comes_out_with_its_recording_and_with_nothing_else(store):
    song = keep(store, "song")
    drums, _ = (keep(store, name, "result", recording=song.key) for name in ("drums", "bass"))
    store.trash(song.key)
    assert set(store.restore(drums.key)) == {song.key, drums.key}
    assert in_trash(store) == ["bass"]


def test_what_is_kept_again_comes_out_and_its_files_are_the_same(store):
    song = keep(store, "song")
    store.pin(song.key)
    store.trash(song.key)
    again = keep(store, "song")
    assert store.get(song.key) == again and again.files == song.files and store.pinned(song.key)
    assert again.files["audio"].read_bytes() == b"s" * 100 and in_trash(store) == []


def test_what_is_in_the_trash_cannot_be_renamed_out_of_it(store):
    song = keep(store, "song")
    store.trash(song.key)
    with pytest.raises(StorageError, match="removed meanwhile"):
        store.amend(song.key, song.manifest)
    assert store.get(song.key) is None


def test_the_trash_is_the_first_to_go_the_oldest_first_pinned_or_not(store):
    kept = [keep(store, name) for name in "abcd"]
    keep(store, "chunk", "chunk")
    for artifact in (kept[2], kept[0]):
        store.pin(artifact.key)
        store.trash(artifact.key)
    keep(store, "x", size=600)
    assert in_trash(store) == ["a"] and names(store) == ["b", "chunk", "d", "x"]
    keep(store, "y", size=200)
    assert in_trash(store) == [] and names(store) == ["b", "d", "x", "y"]


def test_a_pin_in_the_trash_takes_no_room_from_what_is_new(store):
    song = keep(store, "song", size=900)
    store.pin(song.key)
    with pytest.raises(StorageError, match="pinned"):
        keep(store, "new", size=900)
    store.trash(song.key)
    keep(store, "new", size=900)
    assert names(store) == ["new"] and in_trash(store) == []


def test_after_thirty_days_it_goes_with_the_next_that_is_kept_and_its_chunks_with_it(store):
    old, young = keep(store, "old"), keep(store, "young")
    keep(store, "chunk", "chunk", recording=old.key)
    put_there_days_ago(store, 31, old.key)
    put_there_days_ago(store, 29, young.key)
    keep(store, "new")
    assert in_trash(store) == ["young"] and names(store) == ["new"] and not old.files["audio"].exists()


def test_what_is_kept_again_after_thirty_days_in_the_trash_stays(store):
    song = keep(store, "song")
    chunk = keep(store, "chunk", "chunk", recording=song.key)
    put_there_days_ago(store, 31, song.key)
    again = keep(store, "song")
    assert store.get(song.key) == again and again.files["audio"].read_bytes() == b"s" * 100
    put_there_days_ago(store, 31, song.key)
    again = keep(store, "chunk", "chunk", recording=song.key)
    assert store.get(chunk.key) == again and again.files["audio"].exists()


def test_emptying_it_frees_its_bytes_and_takes_nothing_else(store):
    song, other, old = (keep(store, name) for name in ("song", "other", "old"))
    keep(store, "chunk", "chunk", recording=song.key)
    store.pin(song.key)
    store.trash(song.key)
    put_there_days_ago(store, 8, old.key)
    assert [gone.name for gone in store.empty_trash(older_than_s=7 * DAY_S)] == ["old"]
    assert sorted(gone.name for gone in store.empty_trash()) == ["chunk", "song"]
    assert store.size_bytes() == 100 and store.get(other.key) == other
    assert store.restore(song.key) == ()


def test_a_sweep_leaves_it_alone(store):
    song = keep(store, "song")
    store.trash(song.key)
    assert store.sweep() == 0
    assert store.restore(song.key) and store.get(song.key) == song


def test_discarding_takes_it_too_and_what_is_only_unused_does_not(store):
    song = keep(store, "song")
    store.pin(song.key)
    used_days_ago(store, song.key, 40)
    store.trash(song.key)
    assert store.discard(unused_for_s=30 * DAY_S) == () and in_trash(store) == ["song"]
    assert [gone.name for gone in store.discard("recording")] == ["song"]


def test_usage_says_what_each_kind_takes_and_what_is_not_used(store):
    song, _, gone = (keep(store, name) for name in ("song", "other", "gone"))
    chunk = keep(store, "chunk", "chunk", size=50, recording=song.key)
    keep(store, "pinned", "result")
    store.trash(gone.key)
    store.pin(store.key("result", name="pinned"))
    for key in (song.key, chunk.key, gone.key, store.key("result", name="pinned")):
        used_days_ago(store, key, 10)
    assert store.usage() == {"recording": (2, 200), "chunk": (1, 50), "result": (1, 100), "trash": (1, 100)}
    unused = store.usage(unused_for_s=7 * DAY_S)
    assert unused == {"recording": (1, 100), "chunk": (1, 50)}
    assert {gone.kind for gone in store.discard(unused_for_s=7 * DAY_S)} == set(unused)


def test_a_store_of_a_version_without_trash_is_taken_over(store, tmp_path):
    song = keep(store, "song")
    with sqlite3.connect(tmp_path / "home" / "artifacts" / "cache.db") as index:
        index.execute("DROP INDEX Artifact_in_trash")
        index.execute("ALTER TABLE Artifact DROP COLUMN trashed_s")
    index.close()
    newer = ArtifactStore(tmp_path / "home")
    newer.trash(song.key)
    assert newer.get(song.key) is None and newer.restore(song.key) == (song.key,)


def test_an_index_that_breaks_is_a_sentence_and_nothing_is_half_done(store, monkeypatch):
    songs = [keep(store, name) for name in "ab"]
    put = Index.trash

    def breaks(index, key, when_s):
        if key == songs[1].key:
            raise sqlite3.OperationalError("disk I/O error")
        return put(index, key, when_s)

    monkeypatch.setattr(Index, "trash", breaks)
    with pytest.raises(StorageError, match="put into the trash"):
        store.trash(*(song.key for song in songs))
    assert names(store) == ["a", "b"] and in_trash(store) == []


class Shelves(RuleBasedStateMachine):
    """Whatever is done in whatever order, everything is in one place, and its files are there."""

    songs, sounds = st.sampled_from("abc"), st.sampled_from("xyz")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = ArtifactStore(Path(self.folder.name) / "home")
        self.live: set[str] = set()
        self.trash: dict[str, int] = {}
        self.n_trashings = 0

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    def key(self, name):
        return self.store.key("recording" if len(name) == 1 else "result", name=name)

    @rule(song=songs)
    def bring(self, song):
        keep(self.store, song, size=1)
        self.live.add(song)
        self.trash.pop(song, None)

    @rule(song=songs, sound=sounds)
    def separate(self, song, sound):
        keep(self.store, song + sound, "result", size=1, recording=self.key(song))
        self.live.add(song + sound)
        self.trash.pop(song + sound, None)

    @rule(song=songs, sound=st.none() | sounds)
    def delete(self, song, sound):
        self.n_trashings += 1
        going = {name for name in self.live if (name[0] == song if sound is None else name == song + sound)}
        assert len(self.store.trash(self.key(song + (sound or "")))) == len(going)
        self.live -= going
        self.trash |= dict.fromkeys(going, self.n_trashings)

    @rule(song=songs, sound=st.none() | sounds)
    def undo(self, song, sound):
        name = song + (sound or "")
        coming = set()
        if name in self.trash:
            together = {other for other, when in self.trash.items() if other[0] == song and when == self.trash[name]}
            coming = {name, song} & self.trash.keys() | (together if sound is None else set())
        assert len(self.store.restore(self.key(name))) == len(coming)
        self.live |= coming
        self.trash = {name: when for name, when in self.trash.items() if name not in coming}

    @rule()
    def empty(self):
        assert {gone.name for gone in self.store.empty_trash()} == self.trash.keys()
        self.trash = {}

    @invariant()
    def everything_is_where_it_was_put(self):
        assert set(names(self.store)) == self.live and set(in_trash(self.store)) == self.trash.keys()
        assert self.store.size_bytes() == len(self.live) + len(self.trash)


Shelves.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
test_any_order_of_deleting_and_undoing = Shelves.TestCase
