"""Kept files whose bytes have changed are noticed, named, set aside, and never used again."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from separation.results.store import NewItem
from storage import ArtifactStore
from storage import keys as storage_keys
from storage.damage import Damage
from tests.support.damage import flip, touched
from tests.support.small_disk import small_disk
from tests.support.store_files import artifacts_folder, database_of, kept_files


def keep(store, name, kind="result", **files):
    key = store.key(kind, name=name)
    with store.scratch() as folder:
        for file, content in (files or {"audio": name.encode() * 50}).items():
            (folder / file).write_bytes(content)
        return store.put(key, NewItem(kind=kind, name=name, files={file: folder / file for file in files or ["audio"]}))


@pytest.fixture
def told(store):
    """What a store says of damage."""
    said: list[Damage] = []
    store.checks.on_damage = said.append
    return said


@pytest.fixture
def digests(monkeypatch):
    """The files whose digest is computed."""
    computed: list[Path] = []
    usual = storage_keys.file_digest

    def counted(path):
        computed.append(path)
        return usual(path)

    monkeypatch.setattr("storage.damage.file_digest", counted)
    return computed


def set_aside(store):
    return sorted(path.read_bytes() for path in store.damaged.folder.iterdir())


def test_a_file_whose_bits_changed_is_not_given_out_but_named_and_set_aside(store, told):
    kept, other = keep(store, "drums"), keep(store, "bass")
    flip(kept.files["audio"])
    damaged = kept.files["audio"].read_bytes()
    fresh = ArtifactStore(store.folder)
    fresh.checks.on_damage = told.append
    assert fresh.get(kept.key) is None and fresh.get(other.key) == other
    assert [(one.kind, one.name, one.key, one.files) for one in told] == [("result", "drums", kept.key, ("audio",))]
    assert "drums" in str(told[0]) and str(fresh.damaged.folder) in str(told[0])
    assert set_aside(fresh) == [damaged] and not kept.files["audio"].exists()
    assert fresh.get(kept.key) is None and len(told) == 1, "it is said once"
    assert ArtifactStore(store.folder).list() == [other]


def test_it_can_be_made_again_and_is_found_then(store, told):
    kept = keep(store, "drums")
    flip(kept.files["audio"])
    touched(kept.files["audio"])
    assert store.get(kept.key) is None
    again = keep(store, "drums")
    assert store.get(kept.key) == again and again.files["audio"].read_bytes() == b"drums" * 50
    assert again.files["audio"] != kept.files["audio"]


def test_a_file_is_compared_once_by_each_process(store, digests):
    kept = keep(store, "drums", **{"0": b"a" * 9, "0.peaks": b"b"})
    digests.clear()
    for _ in range(3):
        store.get(kept.key)
    assert digests == [], "what was kept just now was read when it was kept"
    other = ArtifactStore(store.folder)
    for _ in range(3):
        other.get(kept.key)
    assert sorted(digests) == sorted(kept.files.values())


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_it_is_compared_again_when_its_size_its_time_or_its_inode_changes(store, told, change):
    kept = keep(store, "drums")
    path = kept.files["audio"]
    assert store.get(kept.key)
    if change == "size":
        with path.open("ab") as file:
            file.write(b"x")
    elif change == "time":
        flip(path)
        touched(path)
    else:
        before, copy = path.stat(), path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        flip(copy)
        os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
        copy.replace(path)
    assert store.get(kept.key) is None and [one.name for one in told] == ["drums"]


def test_rot_that_changes_no_time_is_found_by_a_check(store, told):
    kept = keep(store, "drums", **{"0": b"a" * 9, "1": b"b" * 9})
    flip(kept.files["1"])
    assert store.get(kept.key), "nothing has changed as far as the file system knows"
    assert store.check(kept.key, "0"), "only what is named is compared"
    assert store.check(kept.key) is None
    assert [one.files for one in told] == [("1",)] and set_aside(store) == [b"b" * 8 + b"c"]


def test_the_whole_files_of_a_damaged_thing_stay_for_those_who_were_handed_them(store, told):
    kept = keep(store, "drums", **{"0": b"a" * 9, "1": b"b" * 9})
    flip(kept.files["1"])
    assert store.check(kept.key) is None
    store.sweep()
    assert kept.files["0"].read_bytes() == b"a" * 9


def test_keeping_the_same_again_replaces_a_damaged_file(store, told):
    kept = keep(store, "drums")
    store.pin(kept.key)
    flip(kept.files["audio"])
    again = keep(store, "drums")
    assert again.files["audio"].read_bytes() == b"drums" * 50 and store.check(kept.key) == again
    assert [one.name for one in told] == ["drums"] and store.pinned(kept.key)
    assert len(set_aside(store)) == 1


def test_a_check_of_everything_names_what_is_damaged_in_the_trash_too(store, told):
    whole, cut, flipped, thrown = (keep(store, name) for name in ("whole", "cut", "flipped", "thrown"))
    cut.files["audio"].write_bytes(b"c")
    flip(flipped.files["audio"])
    flip(thrown.files["audio"])
    store.trash(thrown.key)
    found = {checked.manifest.name: checked.outcome for checked in store.checks.all()}
    assert found == {"whole": "whole", "cut": "damaged", "flipped": "damaged", "thrown": "damaged"}
    assert sorted(one.name for one in told) == ["cut", "flipped", "thrown"]
    assert store.list() == [whole] and store.restore(thrown.key) == ()
    assert [checked.outcome for checked in store.checks.all()] == ["whole"]


def test_what_was_kept_without_a_digest_is_read_and_said_to_be_unchecked(store, told):
    kept = keep(store, "old")
    entry = f"manifest:{kept.key}"
    database = database_of(store)
    (text,) = database.execute("SELECT value FROM Cache WHERE key = ?", (entry,)).fetchone()
    manifest = json.loads(text)
    del manifest["outputs"]["audio"]["sha256"]
    database.execute("UPDATE Cache SET value = ? WHERE key = ?", (json.dumps(manifest), entry))
    old = ArtifactStore(store.folder)
    assert old.get(kept.key).files == kept.files and old.check(kept.key)
    assert [checked.outcome for checked in old.checks.all()] == ["unknown"]
    kept.files["audio"].write_bytes(b"short")
    assert old.get(kept.key) is None


def test_what_is_set_aside_is_counted_and_can_be_cleared_and_goes_after_a_month(store, told):
    kept = keep(store, "drums")
    flip(kept.files["audio"])
    store.check(kept.key)
    assert store.usage()["damaged"] == (1, 250) and store.size_bytes() >= 250
    store.sweep()
    assert store.usage()["damaged"] == (1, 250), "it is there for a person"
    (path,) = store.damaged.folder.iterdir()
    assert kept.key[:16] in path.name
    month_ago = path.stat().st_mtime - 31 * 24 * 3600
    assert store.damaged.clear() == 250
    assert "damaged" not in store.usage()
    path.write_bytes(b"x")
    os.utime(path, (month_ago, month_ago))
    store.sweep()
    assert not path.exists()


def test_what_is_set_aside_counts_toward_the_limit_and_makes_room_when_nothing_else_can(tmp_path):
    store = ArtifactStore(tmp_path / "home", limit_bytes=1000)
    store.checks.on_damage = lambda damage: None
    kept = keep(store, "a", audio=b"a" * 400)
    flip(kept.files["audio"])
    store.check(kept.key)
    first, second = keep(store, "b", audio=b"b" * 400), keep(store, "c", audio=b"c" * 400)
    assert store.get(first.key) is None and store.get(second.key) and store.usage()["damaged"].n == 1
    store.pin(second.key)
    assert keep(store, "d", audio=b"d" * 500) and "damaged" not in store.usage()


def test_two_processes_that_find_the_same_damage_both_go_on(store, told):
    kept = keep(store, "drums")
    flip(kept.files["audio"])
    one, other = ArtifactStore(store.folder), ArtifactStore(store.folder)
    usual = other.check

    def meanwhile(damage):
        keep(one, "drums")

    one.checks.on_damage = other.checks.on_damage = told.append
    assert usual and one.get(kept.key) is None
    meanwhile(None)
    assert other.get(kept.key).files["audio"].read_bytes() == b"drums" * 50
    assert len(told) == 1 and len(set_aside(store)) == 1


def test_what_another_process_has_made_anew_while_this_one_compared_is_not_thrown_away(store, told, monkeypatch):
    kept = keep(store, "drums")
    flip(kept.files["audio"])
    other, late = ArtifactStore(store.folder), ArtifactStore(store.folder)
    usual = storage_keys.file_digest

    def slow(path):
        digest = usual(path)
        monkeypatch.setattr("storage.damage.file_digest", usual)
        other.get(kept.key)
        keep(other, "drums")
        return digest

    monkeypatch.setattr("storage.damage.file_digest", slow)
    late.checks.on_damage = told.append
    assert late.get(kept.key).files["audio"].read_bytes() == b"drums" * 50
    assert told == [] and len(set_aside(store)) == 1


def test_a_file_that_was_evicted_meanwhile_is_not_called_damaged(store, told, monkeypatch):
    kept = keep(store, "drums")
    other = ArtifactStore(store.folder)
    monkeypatch.setattr("storage.damage.file_digest", lambda path: store.remove(kept.key) and "evicted")
    other.checks.on_damage = told.append
    assert other.get(kept.key) is None and told == []


def test_a_sector_that_cannot_be_read_is_damage(store, told, monkeypatch):
    kept = keep(store, "drums")

    def broken(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("storage.damage.file_digest", broken)
    assert store.check(kept.key) is None and [one.name for one in told] == ["drums"]


def test_on_a_full_disk_damage_is_set_aside_all_the_same(tmp_path):
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        store = ArtifactStore(disk.folder / "home")
        told: list[Damage] = []
        store.checks.on_damage = told.append
        kept, whole = keep(store, "drums", audio=b"d" * 50_000), keep(store, "bass")
        flip(kept.files["audio"])
        disk.fill()
        assert disk.free_bytes == 0
        for _ in range(2):
            assert store.check(kept.key) is None and store.get(kept.key) is None
        assert [len(content) for content in set_aside(store)] == [50_000] and told
        assert store.check(whole.key) == whole and not kept.files["audio"].exists()


def test_a_large_file_is_compared_in_the_same_memory(store, told):
    kept = keep(store, "long", audio=bytes(30_000_000))
    tracemalloc.start()
    try:
        assert store.check(kept.key)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_damaged_file_is_made_again_of_what_is_whole(tmp_path, told):
    def remake(kind, files, name, target):
        if name == "count" and "audio" in files:
            target.write_bytes(str(files["audio"].stat().st_size).encode())
            return "made"
        return "spared" if name == "picture" else "lost"

    store = ArtifactStore(tmp_path / "home", remake=remake)
    store.checks.on_damage = told.append
    kept = keep(store, "song", "recording", audio=b"a" * 40, count=b"40", picture=b"x")
    store.pin(kept.key)
    flip(kept.files["count"])
    mended = store.check(kept.key)
    assert mended.files["count"].read_bytes() == b"40" and mended.files["audio"] == kept.files["audio"]
    assert store.get(kept.key) == mended and store.pinned(kept.key) and "made again" in str(told[-1])
    flip(kept.files["picture"])
    assert set(store.check(kept.key).files) == {"audio", "count"} and "without" in str(told[-1])
    flip(kept.files["audio"])
    assert store.check(kept.key) is None and "its file is brought again" in str(told[-1])
    assert len(set_aside(store)) == 3 and kept_files(store)


def test_what_is_set_aside_has_no_name_that_a_person_chose(store, told):
    kept = keep(store, "../../evil", **{"0": b"1"})
    flip(kept.files["0"])
    store.check(kept.key)
    (path,) = store.damaged.folder.iterdir()
    assert path.parent == store.folder / "damaged" and hashlib.sha256(path.read_bytes()).hexdigest()
    assert artifacts_folder(store).exists()
