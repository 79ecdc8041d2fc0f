"""What work takes of the process it runs in, and what memory there is.

On Linux the kernel keeps the highest resident memory of a process and can be told to begin anew (proc(5), clear_refs),
so a peak is that of one piece of work and not of an earlier one. Other systems only have the highest since the process
began; there a peak is not told rather than told wrong.
"""

from __future__ import annotations

import ctypes
import functools
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
    """What this process takes from now on.

    Args:
        step: the name under which it is reported.
    """

    def __init__(self, step: str) -> None:
        self._step, self._started_s, self._is_fresh = step, time.monotonic(), begin_peak()

    def measured(self) -> WorkMeasured:
        """What it took until now."""
        return WorkMeasured(
            step=self._step,
            seconds=time.monotonic() - self._started_s,
            peak_bytes=peak_bytes() if self._is_fresh else None,
            device_bytes=device_peak_bytes(),
        )


def measured(step: str) -> Callable[[Work[P, Result]], Work[P, Result]]:
    """Let a piece of work report at its end what it took, as `WorkMeasured`.

    What a framework says when memory runs out or a graphics card gives up becomes an error of ours on the way.

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
    """Forget the peaks so far; False where the system cannot for this process's memory."""
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
    """The highest resident memory of this process since `begin_peak`."""
    return _status_bytes(PROC / "self/status", "VmHWM:")


def device_peak_bytes() -> int | None:
    """The most that arrays took of a graphics card since `begin_peak`; None where none is in use."""
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
    """What to say where there is an NVIDIA card that the PyTorch in use cannot use; None elsewhere."""
    torch = sys.modules.get("torch")
    if torch is None or not NVIDIA.exists() or torch.cuda.is_available():
        return None
    return (
        f"There is an NVIDIA graphics card here, and this PyTorch ({torch.__version__}) cannot use it: the processor "
        "is used instead, which is slower. A PyTorch built for CUDA and a driver it accepts would use the card."
    )


def give_back_freed_memory() -> None:
    """Let glibc return freed pages, which `separation.hardware.allocator` made it keep; nothing elsewhere."""
    if sys.platform.startswith("linux") and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def available_bytes() -> int | None:
    """Memory that a run on this computer could take now; None where that is not known.

    What our own child processes hold counts as free: a worker's next model takes the place of the one it has. A limit
    of a container counts as well.
    """
    free = _status_bytes(PROC / "meminfo", "MemAvailable:")
    if free is None:
        return None
    free = min([free, *_free_in_groups()])
    return free + sum(_status_bytes(PROC / str(child) / "status", "VmRSS:") or 0 for child in _children(os.getpid()))


def _status_bytes(path: Path, name: str) -> int | None:
    """A figure in kB of a file of /proc, in bytes."""
    try:
        line = next(line for line in path.read_text().splitlines() if line.startswith(name))
        return 1024 * int(line.split()[1])
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _free_in_groups() -> Iterator[int]:
    """What the limits of the control groups of this process, of either version, leave."""
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
    """All processes below this one."""
    for listing in (PROC / str(process) / "task").glob("*/children"):
        try:
            own = [int(child) for child in listing.read_text().split()]
        except OSError:
            continue
        for child in own:
            yield child
            yield from _children(child)


def _cuda() -> Any:
    """`torch.cuda` where it is in use in this process."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def _metal() -> Any:
    """`mlx.core` where it is loaded and has a GPU; elsewhere its arrays are in the process's own memory."""
    mlx = sys.modules.get("mlx.core")
    return mlx if mlx is not None and mlx.metal.is_available() else None
