"""The quick list of what is kept: it agrees with the artifacts, and reads no manifest for it."""

from __future__ import annotations

import tracemalloc

import pytest

from separation.results.store import NewItem
from storage import ArtifactStore, Library
from storage.manifest import Manifest
from tests.storage.test_trash import keep
from tests.support.store_files import change, used_at, without_copies


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home")


def damage_manifest(store, key):
    change(store, 'UPDATE Cache SET value = \'{"name": "so\' WHERE key = ?', f"manifest:{key}")


def test_it_says_what_the_artifacts_say_the_newest_first(store):
    song = keep(store, "song")
    drums = keep(store, "drums", "result", 70, recording=song.key)
    keep(store, "chunk", "chunk", recording=song.key)
    gone = keep(store, "gone")
    keep(store, "Löwe “\n”", "comparison", 30)
    store.trash(gone.key)
    store.pin(drums.key)
    used_at(store, drums.key, 1e9)
    Library(store).rename(song.key, "My song")
    artifacts = [artifact for artifact in store.list() if artifact.manifest.kind != "chunk"]
    assert [one.name for one in store.listed()] == ["Löwe “\n”", "drums", "My song"]
    assert [(one.key, one.kind, one.name, one.size_bytes) for one in store.listed()] == [
        (artifact.key, artifact.manifest.kind, artifact.name, artifact.manifest.size_bytes) for artifact in artifacts
    ]
    assert {one.name: one.pinned for one in store.listed()} == {"Löwe “\n”": False, "drums": True, "My song": False}
    assert [one.used_s for one in store.listed() if one.key == drums.key] == [1e9]


def test_what_was_replaced_a_moment_ago_is_not_listed(store):
    keep(store, "song", size=100)
    keep(store, "song", size=50)
    assert [(one.name, one.size_bytes) for one in store.listed()] == [("song", 50)]


def test_a_damaged_manifest_is_named_by_its_copy_and_left_out_without_one(store):
    keep(store, "song")
    damage_manifest(store, keep(store, "drums", "result").key)
    assert {one.name for one in store.listed()} == {"song", "drums"}
    without_copies(store)
    assert {one.name for one in store.listed()} == {"song"}


def test_the_list_of_many_reads_no_manifest_and_holds_only_what_it_says(store, monkeypatch):
    n, long_bytes = 40, 50_000
    for number in range(n):
        with store.scratch() as folder:
            (folder / "a").write_bytes(b"a")
            info = {"report": "x" * long_bytes}
            store.put(f"{number:064}", NewItem(kind="result", name=f"{number}", files={"0": folder / "a"}, info=info))

    def read(cls, text):
        raise AssertionError("a manifest is read")

    monkeypatch.setattr(Manifest, "from_json", classmethod(read))
    tracemalloc.start()
    try:
        found = store.listed()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == n
    assert peak_bytes < 2_000 * n  # 560 each; a manifest is 50 kB
