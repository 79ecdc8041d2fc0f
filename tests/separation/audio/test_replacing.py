"""Files that appear whole or not at all: what lay there before survives whatever ends the writing, a kill too.

`python -m tests.separation.audio.test_replacing HELPER FILE` writes half of a file and then waits to be killed.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from separation.audio.files import FilesRead, new_file, put, replacing, write_private
from separation.errors import FileError, SettingsError

HELPERS = {helper.__name__: helper for helper in (replacing, new_file)}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS)
@pytest.mark.parametrize("old", [b"old", None], ids=["over another file", "where there was none"])
def test_a_file_takes_its_place_when_the_block_ends_and_not_before(tmp_path, helper, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    with helper(path) as part:
        assert part.parent == tmp_path and not part.exists()
        part.write_bytes(b"new")
        assert path.exists() == (old is not None) and (old is None or path.read_bytes() == old)
    assert path.read_bytes() == b"new" and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS)
@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, OSError, SystemExit])
def test_what_ends_the_writing_early_leaves_the_old_content_and_nothing_beside_it(tmp_path, helper, failure):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises((failure, FileError)), helper(path) as part:
        part.write_bytes(b"ne")
        raise failure("stop")
    assert path.read_bytes() == b"old" and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("helper", HELPERS)
def test_a_process_killed_half_way_leaves_the_old_content(tmp_path, helper):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    writer = subprocess.Popen([sys.executable, "-m", __name__, helper, path], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"half\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert path.read_bytes() == b"old"
    assert all(other == path or other.name.startswith(".") for other in tmp_path.iterdir())


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS)
def test_a_symbolic_link_stays_one_and_its_target_is_replaced(tmp_path, helper):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "file", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(Path("far") / "file")
    with helper(link) as part:
        assert part.parent == target.parent, "the same file system, so that it can be moved"
        part.write_bytes(b"new")
    assert link.is_symlink() and target.read_bytes() == b"new" == link.read_bytes()
    assert [*target.parent.iterdir()] == [target]


def test_a_link_that_leads_nowhere_yet_makes_the_file(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    with replacing(link) as part:
        part.write_bytes(b"new")
    assert link.is_symlink() and (tmp_path / "file").read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_an_error_of_its_kind(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(OSError, match="No such file"):
        write_private(path, "secret")
    with pytest.raises(FileError, match="'file' cannot be written"), new_file(path) as part:
        part.write_bytes(b"new")


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    with new_file(path) as part:
        part.write_bytes(b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_private_is_so_from_its_first_byte_and_whatever_it_replaces(tmp_path, umask, monkeypatch):
    path, modes, usual = tmp_path / "secret", [], os.fsync
    path.write_text("old")
    path.chmod(0o644)

    def watched(descriptor):
        modes.append([mode(file) for file in tmp_path.iterdir() if file != path])
        usual(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    before = os.umask(umask)
    try:
        write_private(path, "new")
    finally:
        os.umask(before)
    assert modes == [[0o600]]
    assert (path.read_text(), mode(path), [*tmp_path.iterdir()]) == ("new", 0o600, [path])


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS)
@pytest.mark.parametrize("before", [0o600, 0o640, 0o664, 0o777], ids=oct)
def test_what_is_replaced_passes_on_its_mode_and_owner_and_nobody_reads_more_meanwhile(tmp_path, helper, before):
    path, other = tmp_path / "file", 65_534
    path.write_bytes(b"old")
    path.chmod(before)
    owner = (other, other) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    with helper(path) as part:
        part.write_bytes(b"new")
        assert before != 0o600 or mode(part) == 0o600
    found = path.stat()
    assert (path.read_bytes(), mode(path), (found.st_uid, found.st_gid)) == (b"new", before, owner)


def test_a_write_protected_file_is_not_replaced_through_its_folder(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda file, how: how != os.W_OK)  # root, who runs tests too, may write anywhere
    with pytest.raises(FileError, match=r"'file' cannot be written\. The system says: Permission denied"):
        write_new(path)
    assert path.read_bytes() == b"old" and [*tmp_path.iterdir()] == [path]


def write_privately(path):
    write_private(path, "new")


def write_new(path):
    with new_file(path) as part:
        part.write_bytes(b"new")


@pytest.mark.parametrize("write", [write_privately, write_new])
def test_a_fifo_is_written_into_and_a_folder_a_socket_or_a_disk_refused(tmp_path, write, monkeypatch):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write(fifo)
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO(fifo.stat().st_mode) and [*tmp_path.iterdir()] == [fifo]
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="A folder of that name is there"):
        write(tmp_path / "folder")
    for kind, name in ((stat.S_IFBLK, "A disk"), (stat.S_IFSOCK, "A socket")):
        monkeypatch.setattr(stat, "S_IFMT", lambda mode, kind=kind: kind)
        with pytest.raises(FileError, match=f"{name} of that name is there"):
            write(fifo)


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS)
@pytest.mark.parametrize("early", [True, False])
def test_a_file_that_is_read_is_not_replaced_whenever_it_gets_there(tmp_path, helper, early):
    song, path, begun = tmp_path / "song", tmp_path / "file", []
    song.write_bytes(b"sound")
    read = FilesRead.of([song])
    if early:
        path.hardlink_to(song)
    with pytest.raises(SettingsError, match="is one of the files that are read"), helper(path, read) as part:
        begun.append(part)
        part.write_bytes(b"new")
        song.rename(path)
    assert path.read_bytes() == b"sound" and bool(begun) != early
    assert not [*tmp_path.glob(".*")]


def test_a_finished_file_moves_also_where_a_link_leads_to_another_disk(tmp_path, monkeypatch):
    (tmp_path / "far").mkdir()
    path, usual = tmp_path / "file", Path.replace
    path.symlink_to(Path("far") / "file")
    made = tmp_path / "made"
    made.write_bytes(b"new")

    def replace(self, target):
        if self.parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return usual(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    put(made, path)
    assert path.is_symlink() and path.read_bytes() == b"new"
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "far", tmp_path / "far" / "file", path]


def test_text_that_is_not_ascii_is_refused_and_the_old_secret_stays(tmp_path):
    path = tmp_path / "secret"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "nëw")
    assert path.read_text() == "old" and [*tmp_path.iterdir()] == [path]


if __name__ == "__main__":
    with HELPERS[sys.argv[1]](Path(sys.argv[2])) as half:
        half.write_bytes(b"ne")
        print("half", flush=True)
        time.sleep(600)
