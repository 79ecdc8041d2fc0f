"""Other accounts of the computer cannot read what is kept: folders are 0700 and files 0600, whatever the umask."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from separation import Request
from separation.audio.partial_file import PartialFile
from separation.engine.engine import Inline
from separation.results.runs import import_recording, separate_recording
from separation.results.store import NewItem
from storage import ArtifactStore
from storage.records import DraftTable, JobRecord, JobTable
from tests.support import run_fakes
from tests.support.store_files import in_the_making
from tests.support.terminal import audio_playground
from webapp.access.host_token import kept_secret

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
OLD_STORE = Path(__file__).parents[1] / "golden/old_store/store"


@pytest.fixture(autouse=True)
def liberal_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """Everything in a folder, and the folder, that another account may do anything with, and its mode."""
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))}
    return {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077 and not path.is_symlink()}


def made_public(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def test_nothing_of_a_store_is_open_to_others_while_things_are_made_and_kept(folder, backend, store):
    home, song = store.folder, run_fakes.song(folder / "song.wav")
    seen: list[dict[str, str]] = []
    recording = import_recording(song, store, on_decoded=lambda _: seen.append(open_to_others(home)))
    for event in separate_recording(recording, Request.of("drums"), store, Inline()):
        seen.append(open_to_others(home) if event else {})
    with store.scratch() as making:
        arriving = PartialFile(making / "upload", "song.wav")
        arriving.write(b"RIFF")
        seen.append(open_to_others(home))
        arriving.break_off()
        assert in_the_making(store)
    JobTable(home).write(JobRecord(id="a", recording="b", recording_name="", prompts=(), request={}))
    DraftTable(home).write("a", {})
    kept_secret(home, "storage_secret")
    assert (home / "artifacts/cache.db-wal").exists(), "it is looked at, too"
    assert [*filter(None, seen), open_to_others(home)] == [{}]


def test_a_file_that_comes_from_another_disk_is_private_there(store, tmp_path, monkeypatch):
    def from_another_disk(source: Path, target: Path) -> None:
        shutil.copy2(source, target)
        source.unlink()

    monkeypatch.setattr(shutil, "move", from_another_disk)
    with store.scratch() as making:
        (making / "a").write_bytes(b"x")
        (making / "a").chmod(0o666)
        kept = store.put("ab" * 32, NewItem(kind="result", name="a", files={"0": making / "a"}))
    assert kept.files["0"].exists() and open_to_others(store.folder / "artifacts") == {}


@pytest.mark.parametrize("first", [ArtifactStore, JobTable, DraftTable])
def test_whoever_makes_the_data_folder_makes_it_private(tmp_path, first):
    first(tmp_path / "home")
    assert open_to_others(tmp_path / "home") == {}


def test_a_store_of_an_earlier_version_is_mended_when_it_is_opened(tmp_path):
    home = Path(shutil.copytree(OLD_STORE, tmp_path / "home"))
    made_public(home)
    assert open_to_others(home)
    ArtifactStore(home), DraftTable(home), JobTable(home)
    assert open_to_others(home) == {}


def test_a_data_folder_in_which_a_studio_has_run_is_mended_too(tmp_path):
    home = tmp_path / "home"
    ArtifactStore(home).close()
    (home / "log").mkdir(mode=0o700)
    home.chmod(0o755)
    ArtifactStore(home).close()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_mended_store_is_not_walked_again(tmp_path, monkeypatch):
    store = ArtifactStore(tmp_path / "home")
    monkeypatch.setattr(os, "walk", lambda *_: pytest.fail("every file was looked at"))
    assert ArtifactStore(store.folder).list() == []


def test_a_link_in_the_store_takes_no_rights_from_what_it_points_to(tmp_path):
    home = tmp_path / "home"
    ArtifactStore(home).close()
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (home / "artifacts" / "link").symlink_to(outside)
    made_public(home)
    outside.chmod(0o644)
    ArtifactStore(home)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_a_folder_that_holds_other_things_too_stays_as_it_is(tmp_path):
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared" / "letters").write_text("mine")
    ArtifactStore(tmp_path / "shared")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755
    assert open_to_others(tmp_path / "shared" / "artifacts") == {}


@pytest.mark.parametrize("how", ["refused", "ignored"])
def test_a_system_without_modes_keeps_things_all_the_same(tmp_path, monkeypatch, how):
    def chmod(*_, **__):
        if how == "refused":
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", chmod)
    (tmp_path / "home").mkdir(mode=0o777)
    (tmp_path / "home" / "artifacts").mkdir(mode=0o777)
    store = ArtifactStore(tmp_path / "home")
    recording = import_recording(run_fakes.song(tmp_path / "song.wav"), store)
    assert store.get(recording.key)


def test_what_is_written_where_a_person_asks_follows_their_umask(folder, backend):
    song = run_fakes.song(folder / "song.wav")
    os.umask(0o027)
    for format_ in ("wav32f", "flac"):
        audio_playground("extract", "auto", song, "-p", "drums", "-o", f"out-{format_}", "--format", format_)
    written = list(folder.glob("out-*/*"))
    assert {oct(stat.S_IMODE(path.stat().st_mode)) for path in written} == {"0o640"} and len(written) == 4
