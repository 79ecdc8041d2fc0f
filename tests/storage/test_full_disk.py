"""A store on a disk that is full, a real one: a sentence, nothing half-made, and all works again once there is room."""

from __future__ import annotations

from separation.results.store import NewItem
from storage import ArtifactStore, StorageError
from tests.support.store_files import check_consistent
from tests.support.terminal import audio_playground


def keep(store, name, size_bytes=50_000):
    with store.scratch() as folder:
        (folder / "a").write_bytes(name.encode() * size_bytes)
        return store.put(store.key("result", name=name), NewItem(kind="result", name=name, files={"0": folder / "a"}))


def test_what_is_kept_can_be_read_and_removed_on_a_full_disk(disk):
    store = ArtifactStore(disk.home)
    kept = [keep(store, name) for name in "abcde"]
    store.pin(kept[4].key)
    disk.fill()
    assert store.get(kept[0].key) == kept[0] and len(store.list()) == 5
    assert store.sweep() == 0
    assert store.remove(kept[0].key) is True
    disk.fill()
    assert [manifest.name for manifest in store.discard(unused_for_s=0)] == ["b", "c", "d"]
    assert [artifact.name for artifact in store.list()] == ["e"]
    assert keep(store, "f").files["0"].read_bytes() == b"f" * 50_000
    check_consistent(disk.home)


def test_a_store_can_be_opened_on_a_full_disk_so_that_room_can_be_made_in_it(disk):
    store = ArtifactStore(disk.home)
    kept = [keep(store, name) for name in "ab"]
    store.close()
    disk.fill()
    again = ArtifactStore(disk.home)
    assert again.get(kept[0].key) == kept[0]
    again.close()
    assert "Deleted 2 results" in audio_playground("cache", "clear", "--yes").output
    (disk.folder / "filler").unlink()
    keep(ArtifactStore(disk.home), "c")
    check_consistent(disk.home)


def test_an_index_that_cannot_grow_is_a_sentence_and_takes_nothing(disk):
    store = ArtifactStore(disk.home)
    kept = keep(store, "a")
    refused = 0
    with store.scratch() as folder:
        for index in range(200):  # moving a file in takes no room
            (folder / f"{index}").write_bytes(b"x")
        disk.fill()
        for index in range(200):
            key = store.key("chunk", index=index)
            try:
                store.put(key, NewItem(kind="chunk", name="y" * 4000, files={"0": folder / f"{index}"}))
            except StorageError as error:
                assert "could not be kept. The system says: " in str(error) and "Make room on the disk" in error.todo
                assert store.get(key) is None
                refused += 1
    assert refused
    assert store.get(kept.key) == kept
    check_consistent(disk.home)
    (disk.folder / "filler").unlink()
    keep(store, "b")
    check_consistent(disk.home)
