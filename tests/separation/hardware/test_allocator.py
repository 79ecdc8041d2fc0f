"""Freed memory stays for the next operator, or is returned to the system."""

from __future__ import annotations

import mmap
import platform
import subprocess
import sys

import pytest

from separation.hardware import allocator

PAGE_FAULTS = """
import resource
from separation.hardware.allocator import keep_freed_memory

assert keep_freed_memory()
for _ in range(3):
    block = b"x" * (64 << 20)
    del block
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    block = b"x" * (64 << 20)
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    if platform.libc_ver()[0] != "glibc":
        assert not allocator.keep_freed_memory()
        return
    finished = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, text=True, check=True)
    n_pages = 5 * (64 << 20) // mmap.PAGESIZE
    assert int(finished.stdout) < n_pages / 100


RETURNED = """
import resource, sys
from pathlib import Path
from separation.hardware.allocator import return_freed_memory

def held_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20

first = b"x" * (8 << 20)
del first  # blocks up to this size come from the heap from now on
before = held_mb()
blocks, between = [], []
for _ in range(50):
    blocks.append(b"x" * (4 << 20))
    between.append(b"x" * 100_000)  # what lies above a block keeps the heap from shrinking
blocks.clear()
print(held_mb() - before)
return_freed_memory()
print(held_mb() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left as they are")
def test_freed_memory_is_returned_to_the_system() -> None:
    finished = subprocess.run([sys.executable, "-c", RETURNED], capture_output=True, text=True, check=True)
    kept_mb, returned_mb = map(int, finished.stdout.split())
    assert kept_mb > 190 and returned_mb < 20
