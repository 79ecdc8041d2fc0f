"""Freed memory stays for the next operator."""

from __future__ import annotations

import mmap
import os
import platform
import subprocess
import sys

from separation.hardware import allocator

PAGE_FAULTS = """
import resource, sys, threading
from separation.hardware.allocator import keep_freed_memory

def churn():
    for _ in range(3):
        block = b"x" * (64 << 20)
        del block
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        block = b"x" * (64 << 20)
        del block
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if "keep" in sys.argv:
    assert keep_freed_memory()
if "thread" in sys.argv:
    worker = threading.Thread(target=churn)
    worker.start()
    worker.join()
else:
    churn()
"""


def page_faults(*arguments: str, environment: dict[str, str] | None = None) -> int:
    command = [sys.executable, "-c", PAGE_FAULTS, *arguments]
    finished = subprocess.run(command, env=os.environ | (environment or {}), capture_output=True, text=True, check=True)
    return int(finished.stdout)


def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    if platform.libc_ver()[0] != "glibc":
        assert not allocator.keep_freed_memory()
        return
    n_pages = 5 * (64 << 20) // mmap.PAGESIZE
    assert page_faults("keep") < n_pages / 100
    assert page_faults("keep", "thread") < n_pages / 100
    assert page_faults("thread", environment=allocator.environment()) < n_pages / 100
