"""What many tests start from: folders, a store, a separator that counts, a kept recording, a server, a browser."""

from __future__ import annotations

import gc
import os
import signal
import tempfile

# Threads that outnumber the cores wait for each other; where they spin while they wait, a small network takes up to ten
# times as long. Both have to be said before torch is imported; processes that tests start inherit them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import hypothesis  # its plugin would at the end, and warn that it cannot see who holds what is frozen
import pytest
from selenium.webdriver import Chrome

from separation.models import folders
from separation.results.kept import Recording
from separation.results.runs import import_recording
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.browser import chromium, start_afresh
from tests.support.checkpoint import CHECKPOINT
from tests.support.server import RunningServer, running_server
from tests.support.small_disk import MB, SmallDisk, small_disk

# A shell that starts something in the background has it ignore Ctrl-C; tests of interrupts need the usual handler.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test writes into the data folder of the person who runs it, whatever it forgets to say.
_HOME = tempfile.TemporaryDirectory(prefix="audio-playground-tests-")
os.environ["AUDIO_PLAYGROUND_HOME"] = _HOME.name

# Processes that measure for themselves could choose differently on a busy computer, and differ in their last digits.
os.environ.setdefault("AUDIO_PLAYGROUND_PRODUCTS", "MKL")
os.environ.setdefault("AUDIO_PLAYGROUND_PRECISION", "float32")

# The person at this computer has named it. Servers and workers of a whole file start before any test and inherit it.
folders.name_folder(CHECKPOINT)

# How long an example takes is the computer's business: a deadline of 0.2 s fails on a busy one.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

pytest_plugins = ("tests.support.coverage_of_tests", "tests.support.time_limits")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spare what the imports make every search for garbage: it stays, and each test of a page searches twice."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def environment_restored() -> Iterator[None]:
    """Undo what a test did to the environment: Dask writes how many threads its workers get into this process's own."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder; the data folder is “home” in it."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """A disk of 5 MB, which can be full; the data folder is on it, the current folder is not."""
    with small_disk(tmp_path / "disk", 5 * MB) as disk:
        monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(disk.home))
        monkeypatch.chdir(tmp_path)
        yield disk


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> run_fakes.CountingBackend:
    """The only separator there is."""
    return run_fakes.install(monkeypatch)


@pytest.fixture
def recording(store: ArtifactStore, tmp_path: Path) -> Recording:
    """Two seconds of noise, kept."""
    return import_recording(run_fakes.song(tmp_path / "song.wav"), store)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """The studio as it is, one for all tests of a file, with a data folder of its own."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RunningServer]:
    """The studio for files whose tests do not mind what others keep in it: one start for all of them."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def player_app() -> Iterator[str]:
    """The address of the page with every component and synthetic audio."""
    with running_server(module="tests.support.player_app") as server:
        yield server.url


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """One browser for all files; a test asks for `browser`."""
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(chrome: Chrome) -> Iterator[Chrome]:
    """A browser for all tests of a file, as a new one would be: an empty tab, and nothing kept from the file before."""
    start_afresh(chrome)
    yield chrome
