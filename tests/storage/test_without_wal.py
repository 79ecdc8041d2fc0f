"""A file system whose files no two processes can share as memory: SQLite's usual journal does not work there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from storage import ArtifactStore
from storage.records import DraftTable
from tests.storage.test_damaged_index import keep

# What NFS, 9p and some FUSE file systems answer when the index of the log is mapped.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
typedef void *(*Map)(void *, size_t, int, int, int, off_t);
void *mmap(void *at, size_t n, int protection, int flags, int file, off_t offset) {
    char link[64], name[4096];
    if (file >= 0 && (flags & MAP_SHARED)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, name, sizeof name);
        if (length > 4 && !memcmp(name + length - 4, "-shm", 4)) { errno = ENODEV; return MAP_FAILED; }
    }
    return ((Map)dlsym(RTLD_NEXT, "mmap"))(at, n, protection, flags, file, offset);
}
void *mmap64(void *at, size_t n, int protection, int flags, int file, off_t offset) {
    return mmap(at, n, protection, flags, file, offset);
}
"""


@pytest.fixture
def without_wal(folder):
    """Runs Python code where no file can be shared as memory."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("it takes gcc on Linux to leave out what a file system lacks")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"], check=True)

    def run(*words: str) -> str:
        environment = os.environ | {"LD_PRELOAD": str(folder / "shim.so")}
        done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


COMMAND = "from separation.cli.main import main; main(['cache', 'list'])"
WRITE = (
    "from pathlib import Path; from storage.records import DraftTable, JobTable; home = Path('home');"
    "DraftTable(home).write('a' * 64, {'of': 'there'}); JobTable(home).pause(True); print(JobTable(home).take_over())"
)


def test_a_store_is_made_and_used_there(without_wal, folder):
    assert "Nothing is kept" in without_wal("-c", COMMAND)
    without_wal("-c", WRITE)
    without_wal("-c", WRITE)
    assert DraftTable(folder / "home").read("a" * 64) == {"of": "there"}


def test_a_store_that_was_made_elsewhere_is_read_there_and_back(without_wal, folder, monkeypatch):
    store = ArtifactStore(folder / "home")
    keep(store, "song")
    shutil.copytree(folder / "home", folder / "copied")  # its log is not taken in
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(folder / "copied"))
    for _ in range(2):
        said = without_wal("-c", COMMAND)
        assert "1 kept" in said and "damaged" not in said
    again = ArtifactStore(folder / "copied")
    assert [artifact.name for artifact in again.list()] == ["song"]
    assert keep(again, "another") in again.list()
