"""Tunes glibc's allocator: to keep freed memory for a network's next operator, or to return it to the system.

A network frees and asks again for the same tens of megabytes many times a second. glibc serves blocks of that size
with fresh pages from the kernel, which zeroes each page when it is first touched. Measured on one segment (7.8 s)
through a network of htdemucs' shape, two cores, page faults per segment: 430,000 as shipped, none with
`keep_freed_memory` on the main thread, where the terminal computes. On another thread (a Dask worker's): 720,000 as
shipped, 170,000 with `keep_freed_memory`, 250,000 with the first two variables of `environment`, 8,000 with all three:
threads have arenas of their own, made when they first allocate, and those give memory back in pieces of 64 MB whatever
is set later.

One arena for all threads would hold up a library that allocates in two threads at once, as DeepFilterNet3 does: 10 s of
stereo took it 2.6 s for 1.7 s. So there are two, and the threads of a process take them in turn. In a Dask worker the
thread that computes has the first one, which gives nothing back.

A process that serves pages is at rest after a run, and what glibc keeps of the chunks it has handled is of no more use.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import threading

# Parameters of mallopt(3), from glibc's malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
M_ARENA_MAX = -8

log = logging.getLogger(__name__)


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; call it early, from the main thread if you can.

    Returns:
        Whether the allocator agreed. Elsewhere than on glibc nothing is changed.
    """
    if (libc := _glibc()) is None:
        return False
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1}  # no block by mmap; the heap never shrinks
    if threading.current_thread() is threading.main_thread():
        # Set from a thread that has its own arena already it does harm: 440,000.
        settings[M_ARENA_MAX] = 2
    agreed = [libc.mallopt(parameter, value) == 1 for parameter, value in settings.items()]
    return all(agreed)


def return_freed_memory() -> None:
    """Return to the system what was freed until now, which takes glibc about 10 ms; elsewhere nothing is changed.

    A server of 113 MB held 201 MB after three runs of 20 s of music, and 144 MB with this. To keep no large block in
    the first place (`M_TRIM_THRESHOLD`) would leave 130 MB, but cost the server a third more computing in each run.
    """
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def environment() -> dict[str, str]:
    """Return environment variables that do the same in a new process such as a Dask worker."""
    return {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**36), "MALLOC_ARENA_MAX": "2"}


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if libc is None or not hasattr(libc, "gnu_get_libc_version"):
        log.debug("this allocator is not glibc's and is left as it is")
        return None
    return libc
