"""A damaged index is set aside, rebuilt from the manifests on the disk, and said; so are jobs and drafts."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from separation.results.store import NewItem
from storage import ArtifactStore, StorageError
from storage.damage import Damage
from storage.records import DraftTable, JobRecord, JobTable
from tests.support.damage import flip
from tests.support.store_files import artifacts_folder, change, database_of, without_copies
from tests.support.terminal import audio_playground

NAMES = [f"song {index}" for index in range(30)]


def keep(store, name, kind="result", **inputs):
    with store.scratch() as folder:
        (folder / "a").write_bytes(name.encode() * 100)
        item = NewItem(kind=kind, name=name, files={"0": folder / "a"}, inputs=inputs, info={"about": "x" * 700})
        return store.put(store.key(kind, name=name), item)


def truncated(database: Path) -> None:
    content = database.read_bytes()
    database.write_bytes(content[: len(content) * 3 // 4 + 100])


def header_overwritten(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"not a database at all " * 5)


def pages_overwritten(database: Path) -> None:
    with database.open("r+b") as file:
        for page in range(1, 4):
            file.seek(4096 * page)
            file.write(bytes(range(256)) * 16)


def bits_flipped(database: Path) -> None:
    content = bytearray(database.read_bytes())
    for at in range(4096, len(content), 64):
        content[at] ^= 0xFF
    database.write_bytes(content)


def emptied(database: Path) -> None:
    database.unlink()  # else it would be locked by those of this process that have it open
    database.touch()


def zeroed(database: Path) -> None:
    database.write_bytes(bytes(database.stat().st_size))


def a_folder(database: Path) -> None:
    database.unlink()
    database.mkdir()
    (database / "something").write_text("of somebody")


KINDS = [truncated, header_overwritten, pages_overwritten, bits_flipped, emptied, zeroed, a_folder]


def checkpointed(folder: Path) -> Path:
    """The SQLite file with all that its log holds."""
    with closing(sqlite3.connect(folder / "cache.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "cache.db"


@pytest.fixture
def home(folder):
    """A store of thirty results, one pinned and one in the trash."""
    store = ArtifactStore(folder / "home")
    kept = [keep(store, name) for name in NAMES]
    store.pin(kept[0].key)
    store.trash(kept[1].key)
    store.close()
    return folder / "home"


def check_whole(home, store):
    assert sorted(artifact.name for artifact in store.list()) == sorted(set(NAMES) - {"song 1"})
    assert [artifact.name for artifact in store.list(trashed=True)] == ["song 1"]
    assert [artifact.name for artifact in store.list() if store.pinned(artifact.key)] == ["song 0"]
    key = store.key("result", name="song 7")
    assert store.get(key).files["0"].read_bytes() == b"song 7" * 100
    store.sweep()
    assert len(list((home / "artifacts").rglob("*.val"))) == len(NAMES)
    assert keep(store, "another").name == "another"


@pytest.mark.parametrize("damage", KINDS, ids=lambda damage: damage.__name__)
def test_an_index_is_rebuilt_with_pins_and_trash(home, damage):
    damage(checkpointed(home / "artifacts"))
    store = ArtifactStore(home)
    check_whole(home, store)
    if damage is not emptied:
        (found,) = store.index_damages
        assert "index" in found.what and str(home / "damaged") in str(found) and "30 recordings, results" in str(found)
        assert list((home / "damaged").iterdir())
    store.close()
    assert not ArtifactStore(home).index_damages


@pytest.mark.parametrize("ending", ["-wal", "-shm", ""])
def test_an_index_whose_files_are_gone_is_rebuilt(home, ending):
    database = checkpointed(home / "artifacts")
    store = ArtifactStore(home)
    keep(store, "the last")
    copy = shutil.copytree(home, home.with_name("killed"))  # as a power failure leaves it: the log is not taken in
    database = copy / "artifacts/cache.db"
    database.with_name(f"cache.db{ending}").unlink()
    again = ArtifactStore(copy)
    again.sweep()
    assert "the last" in [artifact.name for artifact in again.list()] and len(again.list()) == len(NAMES)
    check_names = sorted(artifact.name for artifact in again.list(trashed=True))
    assert check_names == ["song 1"]


@pytest.mark.parametrize("damage", KINDS, ids=lambda damage: damage.__name__)
def test_no_command_is_refused_and_the_terminal_says_what_was_done(home, damage):
    damage(checkpointed(home / "artifacts"))
    said = audio_playground("cache", "list").output
    assert "29 kept, 1 of them pinned" in said and "1 in the trash" in said
    assert ("note: The index of what is kept was damaged." in said) == (damage is not emptied)
    damage(checkpointed(home / "artifacts"))
    assert "Deleted 29 results" in audio_playground("cache", "clear", "--yes").output
    assert "note:" not in audio_playground("cache", "list").output


def test_what_was_removed_does_not_come_back(home):
    store = ArtifactStore(home)
    store.remove(store.key("result", name="song 3"))
    store.close()
    header_overwritten(checkpointed(home / "artifacts"))
    names = [artifact.name for artifact in ArtifactStore(home).list()]
    assert "song 3" not in names and len(names) == len(NAMES) - 2


def test_damage_that_shows_later_is_mended_for_all_that_have_the_store_open(home):
    store, other = ArtifactStore(home), ArtifactStore(home)
    checkpointed(home / "artifacts")
    pages_overwritten(home / "artifacts/cache.db")
    with pytest.raises(StorageError) as said:
        while True:  # until a page is read that is not remembered
            store.close()
            store.list()
            other.close()
    assert "damaged" in said.value.why and "again" in said.value.todo
    check_whole(home, store)
    assert "another" in [artifact.name for artifact in other.list()]


def test_a_store_of_an_earlier_version_is_copied_by_its_first_sweep(home):
    store = ArtifactStore(home)
    without_copies(store)
    store.sweep()
    store.close()
    zeroed(checkpointed(home / "artifacts"))
    check_whole(home, ArtifactStore(home))


@pytest.mark.parametrize("damage", [header_overwritten, truncated])
def test_without_copies_what_the_pages_still_hold_is_found(home, damage):
    without_copies(ArtifactStore(home))
    damage(checkpointed(home / "artifacts"))
    store = ArtifactStore(home)
    found = [*store.list(), *store.list(trashed=True)]
    assert len(found) >= (len(NAMES) if damage is header_overwritten else 5)
    if damage is header_overwritten:
        check_whole(home, store)


def test_a_manifest_that_cannot_be_read_is_read_from_its_copy(home):
    store = ArtifactStore(home)
    key = store.key("result", name="song 5")
    database_of(store).execute("UPDATE Cache SET value = '{' WHERE key = ?", (f"manifest:{key}",))
    assert store.get(key).name == "song 5"


def test_a_damaged_copy_is_passed_over(home):
    for copy in list((home / "artifacts").rglob("*.json"))[:10]:
        copy.write_text("{")
    zeroed(checkpointed(home / "artifacts"))
    store = ArtifactStore(home)
    assert len(store.list()) + len(store.list(trashed=True)) == len(NAMES) - 10


def test_copies_are_private_and_nothing_is_left_of_what_is_removed(home):
    store = ArtifactStore(home)
    copies = list((home / "artifacts").rglob("*.json"))
    assert len(copies) == len(NAMES) and {path.stat().st_mode & 0o777 for path in copies} == {0o600}
    store.discard(pinned=True)
    store.sweep()
    assert not list((home / "artifacts").rglob("*.json*"))


@pytest.mark.parametrize("damage", KINDS, ids=lambda damage: damage.__name__)
def test_jobs_and_drafts_are_opened_whatever_happened_to_them(folder, damage):
    home = folder / "home"
    jobs, drafts = JobTable(home), DraftTable(home)
    for index in range(40):
        job = JobRecord(id=f"{index}", recording="a" * 64, recording_name="song", prompts=("x" * 300,), request={})
        jobs.write(job)
        drafts.write(f"{index:064}", {"prompts": ["y" * 300]})
    jobs.close()
    drafts.close()
    for table in ("jobs", "drafts"):
        damage(checkpointed(home / table))
    jobs, drafts = JobTable(home), DraftTable(home)
    n_jobs = len(jobs.take_over())
    n_drafts = sum(drafts.read(f"{index:064}") is not None for index in range(40))
    if damage is header_overwritten:
        assert n_jobs == n_drafts == 40
    if damage in (truncated, pages_overwritten):
        assert n_jobs >= 5 and n_drafts >= 5
    jobs.write(JobRecord(id="new", recording="a" * 64, recording_name="song", prompts=(), request={}))
    drafts.write("b" * 64, {"prompts": []})
    if damage is not emptied:
        assert "jobs" in jobs.damages[0].what and "drafts" in drafts.damages[0].what
        assert str(home / "damaged") in str(drafts.damages[0])


def test_what_was_set_aside_is_cleared_like_other_damaged_files(home):
    a_folder(checkpointed(home / "artifacts"))
    store = ArtifactStore(home)
    assert store.damaged.share().n
    store.damaged.clear()
    assert not list((home / "damaged").iterdir())
    assert artifacts_folder(store).is_dir()


def test_what_is_being_removed_is_not_taken_for_something_that_the_index_has_lost(home, monkeypatch):
    store, other = ArtifactStore(home), ArtifactStore(home)
    key, swept = store.key("result", name="song 3"), []
    usual = Path.unlink

    def unlink(path, missing_ok=False):
        if not swept and other.manifest(key) is None:  # the index has forgotten it, and its files are still there
            swept.append(path)
            other.sweep()
        usual(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    store.remove(key)
    assert swept and other.get(key) is None and not other.checks.found


@pytest.mark.parametrize("part", ["sha256", "entry", "size_bytes"])
@pytest.mark.parametrize("read", [True, False], ids=["read", "looked at"])
def test_what_only_the_index_has_wrong_of_a_whole_file_is_taken_from_the_manifest_on_the_disk(folder, part, read):
    store = ArtifactStore(folder / "home")
    kept = keep(store, "a song")
    output = kept.manifest.outputs["0"]
    right = json.dumps(getattr(output, part))
    wrong = right[:-2] + chr(ord(right[-2]) ^ 1) + right[-1]
    text = kept.manifest.to_json()
    change_manifest(store, kept.key, text.replace(f'"{part}": {right}', f'"{part}": {wrong}'))

    again = ArtifactStore(folder / "home")
    told: list[Damage] = []
    again.checks.on_damage = told.append
    found = again.get(kept.key, read=read)
    if part == "sha256" and not read:  # nobody has looked
        found = again.get(kept.key)
    assert found is not None and found.files == kept.files and found.manifest.outputs == kept.manifest.outputs
    assert not told and not list(again.damaged.folder.iterdir())
    assert [checked.outcome for checked in ArtifactStore(folder / "home").checks.all()] == ["whole"], "it is mended"


def test_a_check_says_that_it_has_mended_the_index(folder):
    store = ArtifactStore(folder / "home")
    kept = keep(store, "a song")
    sha256 = kept.manifest.outputs["0"].sha256
    change_manifest(store, kept.key, kept.manifest.to_json().replace(sha256, "0" * 64))
    outcomes = [[checked.outcome for checked in ArtifactStore(folder / "home").checks.all()] for _ in range(2)]
    assert outcomes == [["mended"], ["whole"]]


def test_a_file_that_is_neither_what_the_index_nor_what_the_copy_says_is_damaged(folder):
    store = ArtifactStore(folder / "home")
    kept = keep(store, "a song")
    flip(kept.files["0"])
    again = ArtifactStore(folder / "home")
    assert again.get(kept.key) is None
    assert [damage.files for damage in again.checks.found] == [("0",)]


def change_manifest(store, key, text):
    change(store, "UPDATE Cache SET value = ? WHERE key = ?", text, f"manifest:{key}")
