"""Measures time and peak memory of work in its process, and the free memory of this computer.

On Linux the kernel keeps the peak resident memory of a process and can reset it (proc(5), clear_refs), so a peak
belongs to one piece of work and not to an earlier one. Other systems only keep the peak since the process began; there
no peak is reported, rather than a wrong one.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from separation.events import Event, WorkMeasured
from separation.hardware.failures import explain_failure

P = ParamSpec("P")
Result = TypeVar("Result")
Work = Callable[P, Generator[Event, None, Result]]

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
NVIDIA = Path("/dev/nvidia0")
log = logging.getLogger(__name__)


class Watch:
    """Measures this process from now on.

    Args:
        step: the name under which it is reported.
    """

    def __init__(self, step: str) -> None:
        self._step, self._started_s, self._is_fresh = step, time.monotonic(), begin_peak()

    def measured(self) -> WorkMeasured:
        """Return the time and memory until now."""
        return WorkMeasured(
            step=self._step,
            seconds=time.monotonic() - self._started_s,
            peak_bytes=peak_bytes() if self._is_fresh else None,
            device_bytes=device_peak_bytes(),
        )


def measured(step: str) -> Callable[[Work[P, Result]], Work[P, Result]]:
    """Decorate a work function so that it yields a `WorkMeasured` at its end.

    A framework's exception for exhausted memory or a failed graphics card is replaced by one of our errors.

    Args:
        step: the name under which it is reported. A run begins with "load", before which memory that an earlier run
            has freed is given back to the system, so that it does not count.
    """

    def wrap(work: Work[P, Result]) -> Work[P, Result]:
        @functools.wraps(work)
        def wrapped(*arguments: P.args, **options: P.kwargs) -> Generator[Event, None, Result]:
            if step == "load":
                give_back_freed_memory()
            watch = Watch(step)
            try:
                result = yield from work(*arguments, **options)
            except Exception as failure:
                if (error := explain_failure(failure, step)) is None:
                    raise
                log.warning("%s failed: %s", step, error, exc_info=failure)
                raise error from failure
            yield watch.measured()
            return result

        return wrapped

    return wrap


def begin_peak() -> bool:
    """Reset the peaks; return False where the system cannot reset this process's."""
    if (cuda := _cuda()) is not None:
        cuda.reset_peak_memory_stats()
    if (metal := _metal()) is not None:
        metal.reset_peak_memory()
    try:
        (PROC / "self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_bytes() -> int | None:
    """Return the peak resident memory of this process since `begin_peak`; None where it is unknown."""
    return _status_bytes(PROC / "self/status", "VmHWM:")


def device_peak_bytes() -> int | None:
    """Return the peak memory of arrays on the graphics card since `begin_peak`; None if none is in use."""
    if (cuda := _cuda()) is not None:
        return int(cuda.max_memory_allocated())
    if (metal := _metal()) is not None:
        return int(metal.get_peak_memory())
    torch = sys.modules.get("torch")
    if torch is not None and torch.backends.mps.is_available():
        # It has no peak; its pool keeps what was freed, so what the pool holds is close to it.
        return int(torch.mps.driver_allocated_memory()) or None
    return None


def unused_card() -> str | None:
    """Return a warning if there is an NVIDIA card that the installed PyTorch cannot use; else None."""
    torch = sys.modules.get("torch")
    if torch is None or not NVIDIA.exists() or torch.cuda.is_available():
        return None
    return (
        f"There is an NVIDIA graphics card here, and this PyTorch ({torch.__version__}) cannot use it: the processor "
        "is used instead, which is slower. A PyTorch built for CUDA and a driver it accepts would use the card."
    )


def give_back_freed_memory() -> None:
    """Make glibc return the freed pages that `separation.hardware.allocator` made it keep; elsewhere do nothing."""
    if sys.platform.startswith("linux") and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def give_back_device_memory() -> None:
    """Make PyTorch return what it keeps of a graphics card's freed memory, which may be in pieces too small to use."""
    gc.collect()  # what a failure left may hold arrays in circles
    if (cuda := _cuda()) is not None:
        cuda.empty_cache()
    torch = sys.modules.get("torch")
    if torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()


def available_bytes() -> int | None:
    """Return the bytes of memory that a run on this computer could take now; None if unknown.

    The memory of our own child processes counts as free: a worker's next model replaces the one it has. A container's
    limit counts as well.
    """
    free = _status_bytes(PROC / "meminfo", "MemAvailable:")
    if free is None:
        return None
    free = min([free, *_free_in_groups()])
    return free + sum(_status_bytes(PROC / str(child) / "status", "VmRSS:") or 0 for child in _children(os.getpid()))


def _status_bytes(path: Path, name: str) -> int | None:
    """Read a figure in kB from a file of /proc; return it in bytes."""
    try:
        line = next(line for line in path.read_text().splitlines() if line.startswith(name))
        return 1024 * int(line.split()[1])
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _free_in_groups() -> Iterator[int]:
    """Yield the bytes that each control group of this process (version 1 or 2) has left below its limit."""
    try:
        lines = (PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            files = ("", "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            files = ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        root, limit, usage, cache = files
        # In a container the group's own path is seldom mounted, and its root stands for it.
        for folder in (CGROUPS / root / group.lstrip("/"), CGROUPS / root):
            try:
                most, now = int((folder / limit).read_text()), int((folder / usage).read_text())
                stat = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
            except (OSError, ValueError):  # not there, or “max”
                continue
            # Pages of files that were not used lately go when memory is needed.
            yield max(0, most - now + int(stat.get(cache, 0)))
            break


def _children(process: int) -> Iterator[int]:
    """Yield all descendants of a process."""
    for listing in (PROC / str(process) / "task").glob("*/children"):
        try:
            own = [int(child) for child in listing.read_text().split()]
        except OSError:
            continue
        for child in own:
            yield child
            yield from _children(child)


def _cuda() -> Any:
    """Return `torch.cuda` if this process uses it, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def _metal() -> Any:
    """Return `mlx.core` if it is loaded and has a GPU; without one, its arrays are in the process's own memory."""
    mlx = sys.modules.get("mlx.core")
    return mlx if mlx is not None and mlx.metal.is_available() else None
