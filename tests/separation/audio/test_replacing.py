"""Files that appear whole or not at all: what lay there before survives whatever ends the writing, a kill too.

`python -m tests.separation.audio.test_replacing HELPER FILE` writes half of a file and then waits to be killed.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from separation.audio.files import new_file, replacing, write_private
from separation.errors import FileError

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
