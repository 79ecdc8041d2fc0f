"""Freed memory stays for the next operator."""

from __future__ import annotations

import mmap
import platform
import subprocess
import sys

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
