"""Work for a worker process that says how its allocator treats threads."""

from __future__ import annotations

import ctypes
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

BLOCK_BYTES = 64 << 20
N_BLOCKS = 5


def page_faults():
    """Return how many pages the kernel had to give to a thread that frees blocks and asks for them again."""
    yield from ()
    _churn()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    _churn()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def arenas_of_two_threads():
    """Return the memory areas that two threads at work at the same time get their blocks from."""
    yield from ()
    both_are_there = Barrier(2)

    def area(_):
        both_are_there.wait()
        return _area_of_a_block()

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(area, range(2)))


def _churn():
    for _ in range(N_BLOCKS):
        block = b"x" * BLOCK_BYTES
        del block


def _area_of_a_block():
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    block = libc.malloc(100_000)
    try:
        for line in Path("/proc/self/maps").read_text().splitlines():
            start, stop = (int(address, 16) for address in line.split()[0].split("-"))
            if start <= block < stop:
                return start
    finally:
        libc.free(block)
    raise AssertionError("A block lies in no area of the process.")
