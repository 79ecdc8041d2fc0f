"""The embedded Dask cluster: worker processes of this program, with their threads, memory, signals and priority."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from separation.hardware import allocator

if TYPE_CHECKING:
    from distributed import LocalCluster

RETRIES = 2  # of a call whose worker died, in the embedded cluster; elsewhere the scheduler's own setting counts
# In a worker's process. The caller reports errors of its calls, and who started the worker what becomes of it; Dask's
# own log adds only noise: tracebacks of workers that are stopped while they start, or whose scheduler is gone.
QUIET = (
    "import logging; logging.getLogger('distributed').setLevel(logging.CRITICAL)",
    "from separation.doctor import logs; logs.to_terminal('warning')",
)
NICENESS = 10  # of a worker beside the pages: a request takes milliseconds where an evaluation takes seconds


def cluster(folder: str, resources: Mapping[str, float], *, n_workers: int, niceness: int) -> LocalCluster:
    """Start worker processes of one thread each, which only this process can reach; return once they are ready.

    Args:
        folder: for Dask's own files, some of which stay when the cluster is closed.
        resources: the Dask resources of each worker.
        n_workers: number of workers; they share the cores.
        niceness: added to the workers' nice value, so that other processes come first.
    """
    settle_workers(n_workers)
    preloads = [*QUIET]
    if niceness and hasattr(os, "setpriority"):  # not on Windows
        niceness = min(19, os.getpriority(os.PRIO_PROCESS, 0) + niceness)
        preloads += [f"import os; os.setpriority(os.PRIO_PROCESS, 0, {niceness})"]
    from distributed import LocalCluster, Security

    with _interrupts_blocked():
        return LocalCluster(
            # Loopback is open to everybody with an account here, and who reaches a scheduler can have code run.
            security=Security.temporary(),
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            resources=resources,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # None would listen on every interface, on port 8787
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=40,
            scheduler_kwargs={"local_directory": folder},
            local_directory=folder,
            preload=preloads,
        )


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start threads and processes in this context with SIGINT blocked: this process stops them, not Ctrl-C.

    An interrupt that arrives in the context takes effect at its end. Dask starts all workers, also later ones, from a
    thread that is started here.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # starting it, here or in Dask, unblocks interrupts in that thread
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


def settle_workers(n_workers: int = 1) -> None:
    """Configure Dask for worker processes that this process starts: one call at a time each, sharing all cores."""
    import dask

    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_threads = str(max(1, n_cores // n_workers))
    dask.config.set(
        {
            "logging": {"distributed": "warning"},  # read when distributed is imported
            # Dask gives each worker one core's worth of threads, because it expects many; ours are few.
            "distributed.nanny.pre-spawn-environ": {
                "OMP_NUM_THREADS": n_threads,
                "MKL_NUM_THREADS": n_threads,
                "OPENBLAS_NUM_THREADS": n_threads,
                **allocator.environment(),
            },
            "distributed.admin.large-graph-warning-threshold": "1GB",  # a chunk of audio is some 10 MB
            # Of what Dask remembers of calls that are over, a thousand of them would add 100 MB.
            "distributed.admin.low-level-log-length": 100,
            "distributed.admin.system-monitor.log-length": 100,
            "distributed.worker.profile.enabled": False,
            "distributed.scheduler.allowed-failures": RETRIES,
            # One that died is started again, which takes a busy computer longer than Dask's 15 s; after these it would
            # be given up, for good, and every job of this process would wait for ever.
            "distributed.deploy.lost-worker-timeout": "1 day",
            "distributed.worker.memory.terminate": False,  # the operating system decides; spilling audio helps nobody
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.target": False,
        }
    )
