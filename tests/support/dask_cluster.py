"""A Dask scheduler and workers as people start them: real processes, on this computer or in namespaces of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.browser import wait_until

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-c", "from separation.cli.main import main; main()", "worker")


class Process:
    """A process with its children in a group of its own, and what it has said so far."""

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                list(words), cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, words: str) -> str:
        """The line with these words; the process must not end before it."""

        def line() -> str | None:
            found = [line for line in self.said().splitlines() if words in line]
            assert found or self._process.poll() is None, self.said()
            return found[0] if found else None

        return wait_until(line, f"{words!r} in {self._log.name}", 60)

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(30)

    def wait(self) -> int:
        """Wait until it ends by itself; returns the exit status."""
        return self._process.wait(60)

    def kill(self) -> None:
        """End it and its children at once, as if the computer were switched off."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)


@contextmanager
def scheduler(
    folder: Path, *options: str, inside: Sequence[str] = (), host: str = "127.0.0.1", port: str = "0"
) -> Iterator[str]:
    """A scheduler; gives its address. `inside` is what to put before the command, such as “ip netns exec NAME”."""
    dask = [sys.executable, "-m", "dask", "scheduler", "--host", host, "--port", port, "--no-dashboard"]
    process = Process([*inside, *dask, *options], folder / "scheduler.log")
    try:
        yield process.wait_for("Scheduler at:").split("Scheduler at:")[1].strip()
    finally:
        process.kill()


@contextmanager
def worker(folder: Path, address: str, *options: str, inside: Sequence[str] = ()) -> Iterator[Process]:
    """A worker that is ready to work."""
    number = len(list(folder.glob("worker-*.log")))
    process = Process([*inside, *WORKER, "--scheduler", address, *options], folder / f"worker-{number}.log")
    try:
        process.wait_for("Working for")
        yield process
    finally:
        process.kill()
