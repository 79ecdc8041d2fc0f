"""A store's folder that came from someone else, or was damaged: nothing in it runs, and nothing outside is touched."""

from __future__ import annotations

import os
import pickle

import pytest

from storage import ArtifactStore, StorageError
from tests.storage.test_artifacts import keep, names
from tests.support.store_files import database_of, index_of, without_copies


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home", limit_bytes=1000)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("where", ["value", "file"])
def test_a_planted_pickle_is_refused_and_does_not_run(store, tmp_path, where):
    kept, trap = keep(store, "a"), tmp_path / "sprung"
    poison = pickle.dumps(Trap(trap))
    filename, value = None, poison
    if where == "file":
        filename, value = f"aa/bb/{'0' * 28}.val", None
        path = tmp_path / "home" / "artifacts" / filename
        path.parent.mkdir(parents=True)
        path.write_bytes(poison)
    database_of(store).execute(
        "UPDATE Cache SET mode = 4, value = ?, filename = ? WHERE key = ?", (value, filename, f"manifest:{kept.key}")
    )
    for use in (lambda: store.get(kept.key), store.list, store.sweep, lambda: keep(store, "b", 950)):
        with pytest.raises(StorageError, match="pickle"):
            use()
    assert not trap.exists()
    pickle.loads(poison)
    assert trap.exists(), "the trap works, had it been read"


def test_a_planted_pickled_key_is_not_read(store, tmp_path):
    kept = keep(store, "a")
    poison = pickle.dumps(Trap(tmp_path / "sprung"))
    database_of(store).execute("UPDATE Cache SET key = ?, raw = 0 WHERE key LIKE 'manifest:%'", (poison,))
    assert store.list() == [] and store.get(kept.key) is None
    store.sweep()
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("elsewhere", ["../../secret", "/etc/hostname", "aa/bb/../../../../secret"])
def test_an_entry_that_points_out_of_the_store_is_neither_read_nor_deleted(store, tmp_path, elsewhere):
    kept = keep(store, "a")
    secret = tmp_path / "secret"
    secret.write_text("mine")
    database_of(store).execute("UPDATE Cache SET mode = 3, filename = ? WHERE key LIKE 'manifest:%'", (elsewhere,))
    with pytest.raises(StorageError):
        store.get(kept.key)
    with pytest.raises(StorageError):
        store.remove(kept.key)
    with pytest.raises(StorageError, match="refused"):
        index_of(store).delete(f"manifest:{kept.key}")
    assert secret.read_text() == "mine"


@pytest.mark.parametrize("value", [None, ["list"], {"a": 1}, object()])
def test_values_that_would_need_a_pickle_are_not_written(store, value):
    with pytest.raises(StorageError, match="refused"):
        index_of(store).set("key", value)


@pytest.mark.parametrize("key", [1, ("a", 1), b"bytes", None])
def test_keys_that_are_not_text_are_refused(store, key):
    with pytest.raises(StorageError, match="refused"):
        index_of(store).set(key, "value")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"kind": "result"}'])
def test_a_damaged_manifest_is_passed_over_and_can_be_replaced(store, damage):
    damaged = keep(store, "a")
    keep(store, "b")
    database_of(store).execute("UPDATE Cache SET value = ? WHERE key = ?", (damage, f"manifest:{damaged.key}"))
    without_copies(store)
    assert names(store) == ["b"]
    assert store.get(damaged.key) is None
    assert store.size_bytes() == 200, "its files are still there"
    store.sweep()
    assert store.size_bytes() == 100
    assert keep(store, "a").key == damaged.key
    assert sorted(names(store)) == ["a", "b"]
