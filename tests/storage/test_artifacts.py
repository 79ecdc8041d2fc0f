from __future__ import annotations

import errno
import hashlib
import sqlite3
import time
import tomllib
from datetime import datetime, timedelta

import pytest
from diskcache import Cache, Timeout

from separation.results.store import NewItem
from storage import ArtifactStore, StorageError, data_folder
from storage.disk import PlainDisk
from storage.index import Index
from storage.locks import SCRATCH_PREFIX
from storage.sweep import ABANDONED_AFTER_S
from tests.support.store_files import artifacts_folder, database_of, index_of, kept_files, without_copies


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home", limit_bytes=1000, version="1.2.3")


def keep(store, name, size=100, **about):
    key = store.key("result", name=name)
    with store.scratch() as folder:
        (folder / "a").write_bytes(name[:1].encode() * size)
        return store.put(key, NewItem(kind="result", name=name, files={"audio": folder / "a"}, **about))


def names(store):
    return [artifact.name for artifact in store.list()]


# What goes in comes out


def test_files_are_moved_in_and_come_back_with_all_that_is_known_of_them(store):
    key = store.key("result", x=1)
    with store.scratch() as folder:
        (folder / "0.wav").write_bytes(b"drums")
        (folder / "0.peaks").write_bytes(b"\x00\x01")
        new = NewItem(
            kind="result",
            name="drums",
            files={"0": folder / "0.wav", "0.peaks": folder / "0.peaks"},
            command="audio-playground extract auto song.mp3 --prompt drums",
            inputs={"recording": "ab" * 32},
            config={"seed": 0, "model": None},
            info={"rtf": 0.1},
        )
        put = store.put(key, new)
        assert not list(folder.iterdir())
    got = store.get(key)
    assert got == put
    assert got.files["0"].read_bytes() == b"drums"
    assert got.files["0.peaks"].read_bytes() == b"\x00\x01"
    assert (got.name, got.info) == ("drums", {"rtf": 0.1})
    manifest = got.manifest
    assert (manifest.kind, manifest.version) == ("result", "1.2.3")
    assert manifest.command == "audio-playground extract auto song.mp3 --prompt drums"
    age = datetime.now().astimezone() - datetime.fromisoformat(manifest.created)
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert manifest.inputs == {"recording": "ab" * 32}
    assert manifest.outputs["0"].sha256 == hashlib.sha256(b"drums").hexdigest()
    assert manifest.size_bytes == store.size_bytes() == 7
    assert tomllib.loads(manifest.to_toml())["config"] == {"seed": 0}


def test_another_process_finds_what_one_has_kept(store, tmp_path):
    kept = keep(store, "a")
    assert ArtifactStore(tmp_path / "home").get(kept.key) == kept


def test_what_was_never_kept_is_not_there(store):
    assert store.get("0" * 64) is None
    assert store.remove("0" * 64) is False


def test_what_is_replaced_stays_for_a_while_for_those_who_were_handed_it(store, monkeypatch):
    old = keep(store, "a", 100)
    store.pin(old.key)
    new = keep(store, "a", 50)
    assert store.get(old.key) == new and store.pinned(old.key)
    assert old.files["audio"].read_bytes() == b"a" * 100
    store.sweep()
    assert kept_files(store) == {old.files["audio"], new.files["audio"]}
    assert store.size_bytes() == 150 and names(store) == ["a"] and store.list("replaced") == []
    monkeypatch.setattr("storage.eviction.REPLACED_STAYS_S", 0)
    keep(store, "b", 50)
    assert store.size_bytes() == 100 and not old.files["audio"].exists()


def test_what_is_replaced_goes_with_the_chunks_when_room_is_needed(store):
    old, other = keep(store, "a", 400), keep(store, "b", 300)
    new = keep(store, "a", 200)
    keep(store, "c", 200)
    assert kept_files(store) >= {new.files["audio"], other.files["audio"]} and not old.files["audio"].exists()


def test_files_of_the_same_content_are_not_exchanged_and_what_is_said_of_them_is(store):
    old = keep(store, "a", info={"rtf": 0.5})
    new = keep(store, "a", info={"rtf": 0.1})
    assert store.get(old.key) == new and new.info == {"rtf": 0.1}
    assert new.files == old.files
    assert kept_files(store) == set(new.files.values()) and store.size_bytes() == 100


def test_a_file_of_the_same_content_that_lost_bytes_is_exchanged(store):
    old = keep(store, "a")
    old.files["audio"].write_bytes(b"a" * 99)
    new = keep(store, "a")
    assert store.get(old.key) == new and new.files["audio"].read_bytes() == b"a" * 100


def test_removing_removes_the_files(store):
    kept = keep(store, "a")
    store.pin(kept.key)
    assert store.remove(kept.key) is True
    assert store.get(kept.key) is None
    assert not store.pinned(kept.key)
    assert kept_files(store) == set()


def test_no_name_that_a_person_chose_becomes_part_of_a_path(store):
    store.limit_bytes = 10_000
    for name in ("../../evil", "/etc/passwd", "a\x00b", "con", "é" * 300):
        with store.scratch() as folder:
            (folder / "a").write_bytes(b"x")
            new = NewItem(kind="result", name=name, files={name: folder / "a"})
            kept = store.put(store.key("result", n=name), new)
        inside = kept.files[name].relative_to(artifacts_folder(store))
        assert set("".join(inside.parts)) <= set("0123456789abcdef.vl")
        assert kept.name == name


def test_scratch_is_gone_afterwards_whatever_happened(store):
    with pytest.raises(RuntimeError), store.scratch() as folder:
        (folder / "half").write_bytes(b"x")
        raise RuntimeError
    assert not folder.exists()


def test_scratch_may_lie_elsewhere(tmp_path):
    store = ArtifactStore(tmp_path / "home", scratch=tmp_path / "elsewhere")
    with store.scratch() as folder:
        assert folder.parent == tmp_path / "elsewhere"
        (folder / "a").write_bytes(b"x")
        kept = store.put("k", NewItem(kind="result", name="a", files={"audio": folder / "a"}))
    assert kept.files["audio"].is_relative_to(tmp_path / "home")


@pytest.mark.parametrize("how", ["lost", "cut short, as after a power cut"])
def test_a_damaged_file_makes_the_artifact_absent(store, how):
    kept = keep(store, "a")
    kept.files["audio"].unlink()
    if how != "lost":
        kept.files["audio"].write_bytes(b"a" * 10)
    assert names(store) == []
    assert store.get(kept.key) is None
    assert store.size_bytes() == (0 if how == "lost" else 10), "what is left of it is set aside"


def test_an_artifact_that_is_replaced_while_it_is_read_is_read_again_and_not_dropped(store, monkeypatch):
    old = keep(store, "a", 100)
    usual, replaced = PlainDisk.path_of, []

    def path_after_replacing(disk, entry):
        if entry == old.manifest.outputs["audio"].entry and not replaced:
            replaced.append(True)
            replaced.append(keep(store, "a", 50))
            old.files["audio"].unlink()  # its room was needed
        return usual(disk, entry)

    monkeypatch.setattr(PlainDisk, "path_of", path_after_replacing)
    got = store.get(old.key)
    assert got == replaced[1]
    assert got.files["audio"].stat().st_size == 50


# The limit


def test_what_was_not_used_for_the_longest_time_goes_first(store):
    a, b, c = (keep(store, name, 300) for name in "abc")
    store.get(a.key)
    keep(store, "d", 300)
    assert store.get(b.key) is None
    assert store.get(a.key) and store.get(c.key)


def test_listing_does_not_count_as_a_use(store):
    a, b = keep(store, "a", 400), keep(store, "b", 400)
    store.get(b.key)
    store.list()
    keep(store, "c", 400)
    assert store.get(a.key) is None
    assert store.get(b.key) is not None


def test_pinned_artifacts_survive_and_unpinned_ones_do_not(store):
    a, b = keep(store, "a", 400), keep(store, "b", 400)
    store.pin(a.key)
    assert store.pinned(a.key) and not store.pinned(b.key)
    keep(store, "c", 400)
    assert sorted(names(store)) == ["a", "c"]
    store.pin(a.key, False)
    keep(store, "d", 400)
    assert sorted(names(store)) == ["c", "d"]


def test_the_limit_is_never_passed(store):
    for index in range(30):
        keep(store, f"{index}", 37 * (index % 9) + 1)
        assert store.size_bytes() <= 1000
        assert sum(path.stat().st_size for path in kept_files(store)) == store.size_bytes()


def test_an_artifact_may_take_the_limit_to_the_byte(store):
    keep(store, "a", 1000)
    assert keep(store, "b", 1000).manifest.size_bytes == store.size_bytes() == 1000


def test_what_cannot_fit_is_refused_and_nothing_is_removed_for_it(store):
    keep(store, "a", 400), keep(store, "b", 400)
    with pytest.raises(StorageError, match="no room"):
        keep(store, "c", 1001)
    assert sorted(names(store)) == ["a", "b"]
    assert len(kept_files(store)) == 2


def test_what_fits_only_beside_nothing_pinned_is_refused_and_nothing_is_removed_for_it(store):
    a = keep(store, "a", 400)
    keep(store, "b", 400)
    store.pin(a.key)
    with pytest.raises(StorageError, match="pinned"):
        keep(store, "c", 700)
    assert sorted(names(store)) == ["a", "b"]


def test_replacing_needs_room_for_the_difference_only(store):
    keep(store, "a", 400), keep(store, "b", 600)
    keep(store, "b", 590)
    assert sorted(names(store)) == ["a", "b"]


def test_no_more_is_evicted_than_has_to_be(store):
    for name in "abcd":
        keep(store, name, 250)
    keep(store, "e", 260)
    assert sorted(names(store)) == ["c", "d", "e"]


# A store of a version that had no table of artifacts


def test_an_older_store_is_taken_over_with_its_uses_and_pins(store, tmp_path):
    kept = [keep(store, name, 250) for name in "abcd"]
    index, database = index_of(store), database_of(store)
    database.execute("DROP TABLE Artifact")
    for used, artifact in enumerate(kept):
        index.set(f"used:{artifact.key}", 1e9 - used)
        index.set(artifact.manifest.outputs["audio"].entry, b"")
    index.set(f"pin:{kept[3].key}", 1)
    database.execute("UPDATE Cache SET value = '{' WHERE key = ?", (f"manifest:{kept[0].key}",))
    without_copies(store)
    older = ArtifactStore(tmp_path / "home", limit_bytes=1000)
    assert names(older) == ["d", "c", "b"] and older.get(kept[3].key) == kept[3]
    assert [older.used_s(artifact.key) for artifact in kept[1:3]] == [1e9 - 1, 1e9 - 2]
    keep(older, "e", 400)
    assert sorted(names(older)) == ["b", "d", "e"]
    assert [entry for entry in index.iterkeys() if not entry.startswith("manifest:")] == ["tended"]


# Nothing half-made


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("failing", [(PlainDisk, "move_in"), (Cache, "set"), (Index, "enter")])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("full"),
                                   Timeout(), KeyboardInterrupt()])  # fmt: skip
def test_a_put_that_fails_half_way_leaves_nothing_and_what_was_there_before_is_intact(
    store, monkeypatch, failing, error
):
    before = keep(store, "a", 100)
    usual = getattr(*failing)

    def once_too_often(*args, **kwargs):
        usual(*args, **kwargs)
        raise error

    monkeypatch.setattr(*failing, once_too_often)
    with pytest.raises((StorageError, KeyboardInterrupt)) as caught:
        keep(store, "a", 50)
    with pytest.raises((StorageError, KeyboardInterrupt)):
        keep(store, "b", 950)  # would evict
    monkeypatch.undo()
    if isinstance(caught.value, StorageError):
        assert "could not be kept" in caught.value.what and caught.value.todo
    assert store.get(before.key) == before
    assert names(store) == ["a"]
    assert kept_files(store) == {before.files["audio"]}


def test_a_full_disk_while_moving_a_file_in_leaves_nothing(store, monkeypatch):
    monkeypatch.setattr("storage.disk.shutil.move", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        keep(store, "a")
    assert kept_files(store) == set()
    assert names(store) == []


def test_before_the_first_artifact_old_scratch_is_swept_and_once_a_day_the_store_itself(store, tmp_path):
    kept = keep(store, "kept")
    half_made = index_of(store).disk.path_of("file:half:audio:1")
    abandoned, foreign = store.scratch_folder / f"{SCRATCH_PREFIX}old", store.scratch_folder / "foreign"
    for path in (half_made, abandoned / "half.wav", foreign / "theirs.wav"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")

    again = ArtifactStore(tmp_path / "home")
    first = keep(again, "first")
    assert kept_files(again) == {
        kept.files["audio"], first.files["audio"], half_made, foreign / "theirs.wav",
    }  # fmt: skip
    assert not abandoned.exists()
    a_day_ago = time.time() - ABANDONED_AFTER_S - 60
    index_of(store).set("tended", a_day_ago)
    keep(ArtifactStore(tmp_path / "home"), "second")
    assert not half_made.exists() and not half_made.parent.exists()
    assert again.get(kept.key) == kept and index_of(store).get("tended") > a_day_ago


# Folders that cannot be used


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be opened") as caught:
        ArtifactStore(tmp_path / "file" / "home")
    assert caught.value.why and caught.value.todo


def test_a_scratch_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    store = ArtifactStore(tmp_path / "home", scratch=tmp_path / "file")
    with pytest.raises(StorageError, match="in the making"), store.scratch():
        pass


def test_an_index_that_breaks_later_is_a_sentence(store):
    kept = keep(store, "a")
    database_of(store).executescript("DROP TABLE Cache; DROP TABLE Artifact")
    for use in (store.list, store.size_bytes, lambda: store.get(kept.key), lambda: store.remove(kept.key)):
        with pytest.raises(StorageError, match="no such table"):
            use()


def test_the_data_folder_is_the_persons_choice_or_in_their_home(monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", "~/music")
    monkeypatch.setenv("HOME", "/somewhere")
    assert str(data_folder()) == "/somewhere/music"
    monkeypatch.delenv("AUDIO_PLAYGROUND_HOME")
    assert str(data_folder()) == "/somewhere/.audio-playground"


def test_a_closed_connection_opens_again(store):
    kept = keep(store, "a")
    store.close()
    assert store.get(kept.key) == kept


def test_what_was_kept_is_returned_even_if_someone_evicts_it_at_once(store, monkeypatch, tmp_path):
    key, usual = "ab" * 32, PlainDisk.path_of

    def path_of_what_is_lost(disk, entry):
        if store.manifest(key) is not None:
            assert store.remove(key)  # as another process that needs room would
        return usual(disk, entry)

    monkeypatch.setattr(PlainDisk, "path_of", path_of_what_is_lost)
    path = tmp_path / "stem.wav"
    path.write_bytes(b"sound")
    new = NewItem(kind="result", name="gone already", files={"0": path})
    assert store.put(key, new).name == "gone already"
    assert store.get(key) is None
