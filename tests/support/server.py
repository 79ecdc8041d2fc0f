"""A real server process for tests of what only a real one shows: sockets, headers, reconnects, browsers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

START_S = 60.0  # importing NiceGUI takes 1.5 s on a free computer, far longer on a busy one
STOP_S = 10.0


@dataclass(frozen=True)
class RunningServer:
    """A server that accepts connections on 127.0.0.1:`port`, with its own empty data folder `home`."""

    port: int
    process: subprocess.Popen[bytes]
    home: Path
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it and its workers at once, as a crash or a power cut would; data on disk stays."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    @contextmanager
    def work_paused(self) -> Iterator[None]:
        """Stop its workers for the time of the block, so that a run that is not over in it cannot end in it."""
        workers = psutil.Process(self.process.pid).children(recursive=True)
        for worker in workers:
            worker.suspend()
        try:
            yield
        finally:
            for worker in workers:
                worker.resume()

    def log(self) -> str:
        """All that the server has written to its standard output and error so far."""
        return self.log_file.read_text(errors="replace")


@contextmanager
def running_server(
    *args: str,
    module: str = "webapp",
    env: Mapping[str, str | None] | None = None,
    home: Path | None = None,
    port: int | None = None,
    asks_for_token: bool = False,
) -> Iterator[RunningServer]:
    """Start ``python -m module *args --port <free port>``, wait until it accepts connections, stop it at the end.

    The data folder (AUDIO_PLAYGROUND_HOME) is temporary; give the `home` and `port` of a server that has ended to start
    it again. `env` is added to the environment; None removes a variable. A studio asks for the host's token, which the
    file `host_token` of its home holds, only where a test is about that.
    The whole process group ends with the server, so no worker process is left behind.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, log_file = home or Path(folder) / "home", Path(folder) / "server.log"
        home.mkdir(exist_ok=True)
        port = port or _free_port()
        token = ("--no-token",) if module == "webapp" and not asks_for_token else ()
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *args, *token, "--port", str(port)],
                cwd=Path(__file__).parents[2],
                env=_environment(home, env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = RunningServer(port, process, home, log_file)
        try:
            _wait_until_listening(server)
            yield server
        finally:
            _stop(process)


def _environment(home: Path, changes: Mapping[str, str | None]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        # NiceGUI behaves differently when it believes that it runs inside pytest.
        if not name.startswith(("PYTEST_", "NICEGUI_"))
    }
    ours = {
        "AUDIO_PLAYGROUND_HOME": str(home),
        "NICEGUI_STORAGE_PATH": str(home / "nicegui"),
        "PYTHONUNBUFFERED": "1",
        # A network's threads wait for each other asleep. Awake they take the core from the one that still computes, as
        # soon as a browser keeps another core busy: a run beside an open page took four times as long.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    return {name: value for name, value in {**inherited, **ours, **changes}.items() if value is not None}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_listening(server: RunningServer) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise AssertionError(f"the server ended with {server.process.returncode} at its start:\n{server.log()}")
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server was not listening after {START_S:.0f} s:\n{server.log()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_S)
    except ProcessLookupError:
        pass  # it ended by itself
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_S)
