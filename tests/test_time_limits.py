"""A test that waits for ever fails at its limit; what not even that ends is ended, and it is said where it waited."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEAF = """
import asyncio, subprocess, sys, threading, time
import pytest

def deaf():
    threading.Event().wait()

@pytest.fixture
def worker():
    thread = threading.Thread(target=deaf, daemon=True)
    thread.start()
    yield thread
    if "deaf_tear_down" in sys.argv[-1]:
        thread.join()

def test_deaf_thread(worker):
    worker.join()

def test_deaf_process():
    subprocess.run([sys.executable, "-c", "import threading; threading.Event().wait()"])

async def test_deaf_task():
    await asyncio.Event().wait()

def test_after_it():
    pass

def test_deaf_tear_down(worker):
    pass

def test_slow():
    time.sleep(1.5)

def test_left_running():
    threading.Thread(target=deaf).start()
"""


def run(root: Path, *names: str, places: Sequence[str] = ("tests",), grace_s: int = 1) -> tuple[int, str]:
    """The exit status and the words of a run with a limit of one second, otherwise by the project's own settings."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "tests.support.time_limits"]
    command += ["--rootdir", str(root), "-p", "no:cacheprovider", "-o", "timeout=1", "-o", f"timeout_grace={grace_s}"]
    command += ["--import-mode", "importlib"]  # the files have one name
    for place in places:
        (root / place).mkdir(parents=True, exist_ok=True)
        (root / place / "test_deaf.py").write_text(DEAF, "utf-8")
        command += [f"{root / place / 'test_deaf.py'}::{name}" for name in names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_test_that_waits_for_ever_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    names = ("test_deaf_thread", "test_deaf_process", "test_deaf_task", "test_after_it")
    status, words = run(tmp_path, *names, grace_s=60)  # Python itself may take more than a second on a busy machine
    assert status == 1
    assert "3 failed, 1 passed" in words
    assert words.count("Failed: Timeout (>1.0s)") >= 3


@pytest.mark.parametrize("name", ["test_deaf_tear_down", "test_left_running"])
def test_what_cannot_be_interrupted_ends_the_run_and_shows_where_it_waited(name: str, tmp_path: Path) -> None:
    status, words = run(tmp_path, name)
    assert status == 1
    assert "in deaf" in words


def test_browsers_and_clusters_have_longer(tmp_path: Path) -> None:
    # On a busy machine Python itself may take more than a second to end.
    status, words = run(tmp_path, "test_slow", places=("tests", "tests/browser", "tests/cluster"), grace_s=60)
    assert status == 1
    assert "1 failed, 2 passed" in words
    assert re.search(rf"FAILED \S*{tmp_path.name}/tests/test_deaf.py::test_slow", words)
