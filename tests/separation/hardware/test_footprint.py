"""What a piece of work is said to have taken, against arrays whose size is known."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from separation.errors import OutOfMemory
from separation.events import SolverStep, Warned
from separation.hardware import footprint
from separation.hardware.footprint import available_bytes, measured
from tests.support.fakes import ran

MB = 1_000_000
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells peaks of a moment")


@measured("separate")
def hold(n_bytes):
    """Touch so many bytes, and let them go."""
    held = np.ones(n_bytes, np.uint8)
    yield SolverStep(done=1, total=1)
    return int(held[-1])


@measured("separate")
def fail(error):
    yield Warned(message="about to fail")
    raise error


def took(n_bytes):
    events, result = ran(hold(n_bytes))
    assert result == 1
    assert isinstance(events[0], SolverStep)
    (event,) = events[1:]
    return event


@on_linux
def test_work_reports_at_its_end_the_memory_it_took():
    little, much = took(MB), took(300 * MB)
    assert little.step == "separate"
    assert much.peak_bytes - little.peak_bytes == pytest.approx(299 * MB, rel=0.1)
    assert much.seconds > 0
    assert little.device_bytes is None


@on_linux
def test_the_peak_is_that_of_this_work_and_not_of_an_earlier_one():
    before = took(MB).peak_bytes
    took(300 * MB)
    assert took(MB).peak_bytes - before < 50 * MB


@on_linux
def test_loading_gives_back_what_an_earlier_run_has_freed():
    """With the allocator of ours, freed memory stays with the process: it must not count for the next run."""
    code = """
from separation.hardware import allocator, footprint
from separation.hardware.footprint import measured
import numpy as np
assert allocator.keep_freed_memory()
@measured("separate")
def hold(n):
    # One block in use above those that are freed, so that the heap cannot simply shrink.
    blocks = [np.ones(1_000_000, np.uint8) for _ in range(n)]
    hold.last = blocks[-1]
    return 0
    yield
@measured("load")
def load():
    return 0
    yield
peaks = [next(work).peak_bytes for work in (load(), hold(300), hold(1), load())]
print(*(peak // 1_000_000 for peak in peaks))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    first, large, small, second = map(int, done.stdout.split())
    assert large > first + 290
    assert small > first + 290  # what the first run freed is still there
    assert second < first + 50


def test_where_the_system_has_no_peak_of_a_moment_none_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(footprint, "PROC", tmp_path / "nothing")
    assert took(MB).peak_bytes is None


def test_work_that_is_given_up_reports_nothing():
    work = hold(MB)
    next(work)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_running_out_of_memory_is_an_error_of_ours_whoever_says_it():
    with pytest.raises(OutOfMemory) as raised:
        ran(fail(MemoryError("Unable to allocate 3 TiB")))
    assert isinstance(raised.value.__cause__, MemoryError)
    with pytest.raises(ValueError, match="other"):
        ran(fail(ValueError("other")))


def test_the_work_of_the_pipeline_can_still_be_sent_to_another_process():
    import pickle

    from separation.pipeline import tasks

    assert pickle.loads(pickle.dumps(tasks.separate_windows)) is tasks.separate_windows


# Graphics cards, which are not here: what is asked of their libraries


class Card:
    """Stands for `torch.cuda` and `mlx.core`, whose words for it differ."""

    def __init__(self):
        self.peak = 7 * MB
        self.metal = types.SimpleNamespace(is_available=lambda: True)

    def is_initialized(self):
        return True

    def reset_peak_memory_stats(self):
        self.peak = 0

    reset_peak_memory = reset_peak_memory_stats

    def max_memory_allocated(self):
        self.peak += 5 * MB
        return self.peak

    get_peak_memory = max_memory_allocated


def test_of_a_graphics_card_the_peak_since_the_beginning_of_the_work_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=Card()))
    assert took(MB).device_bytes == 5 * MB
    assert took(MB).device_bytes == 5 * MB


def test_of_metal_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlx.core", Card())
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert took(MB).device_bytes == 5 * MB


@pytest.mark.parametrize(("held", "told"), [(3 * MB, 3 * MB), (0, None)])
def test_of_apples_graphics_the_pool_is_told(monkeypatch, held, told):
    torch = types.SimpleNamespace(
        cuda=types.SimpleNamespace(is_initialized=lambda: False),
        backends=types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: True)),
        mps=types.SimpleNamespace(driver_allocated_memory=lambda: held),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    assert took(MB).device_bytes == told


# Memory there is


@pytest.fixture
def computer(tmp_path, monkeypatch):
    """Files of /proc and of control groups that a test writes."""
    monkeypatch.setattr(footprint, "PROC", tmp_path / "proc")
    monkeypatch.setattr(footprint, "CGROUPS", tmp_path / "cgroup")

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("proc/meminfo", "MemTotal:       16000 kB\nMemAvailable:    8000 kB\n")
    return write


@on_linux
def test_this_computer_says_what_is_free():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < available_bytes() <= total


def test_what_the_system_has_available_is_free(computer):
    assert available_bytes() == 8000 * 1024


def test_a_container_of_either_kind_has_less(computer):
    computer("proc/self/cgroup", "0::/some/where\n")
    computer("cgroup/memory.max", "5000000\n")
    computer("cgroup/memory.current", "3000000\n")
    computer("cgroup/memory.stat", "anon 1\ninactive_file 500000\n")
    assert available_bytes() == 2_500_000
    computer("proc/self/cgroup", "7:cpu:/\n4:memory:/jail\n")
    computer("cgroup/memory/jail/memory.limit_in_bytes", "900000\n")
    computer("cgroup/memory/jail/memory.usage_in_bytes", "1000000\n")
    computer("cgroup/memory/jail/memory.stat", "total_inactive_file 0\n")
    assert available_bytes() == 0


def test_a_container_without_a_limit_has_what_the_system_has(computer):
    computer("proc/self/cgroup", "0::/\n")
    computer("cgroup/memory.max", "max\n")
    computer("cgroup/memory.current", "3000000\n")
    assert available_bytes() == 8000 * 1024


def test_what_our_own_worker_holds_will_be_free_for_the_next_model(computer):
    ours = os.getpid()
    computer(f"proc/{ours}/task/{ours}/children", "11 12 ")
    computer("proc/11/task/11/children", "13 ")
    computer("proc/12/task/12/children", "")
    for child in (11, 13):
        computer(f"proc/{child}/status", f"VmRSS:\t    {child} kB\n")
    assert available_bytes() == (8000 + 11 + 13) * 1024


def test_elsewhere_what_is_free_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setattr(footprint, "PROC", tmp_path / "nothing")
    assert available_bytes() is None


# A card that lies idle


@pytest.fixture
def torch_without_cuda(monkeypatch, tmp_path):
    """A PyTorch that sees no card, beside one that the system has."""
    card = tmp_path / "nvidia0"
    card.touch()
    monkeypatch.setattr(footprint, "NVIDIA", card)
    cuda = types.SimpleNamespace(is_available=lambda: False, is_initialized=lambda: False)
    mps = types.SimpleNamespace(is_available=lambda: False)
    torch = types.SimpleNamespace(cuda=cuda, backends=types.SimpleNamespace(mps=mps), __version__="2.9+cpu")
    monkeypatch.setitem(sys.modules, "torch", torch)
    return torch


def test_that_a_card_lies_idle_is_said_of_every_run_that_left_the_device_open(
    torch_without_cuda, tmp_path, monkeypatch
):
    from separation import Waveform, separate
    from separation.request import Request
    from tests.support import run_fakes

    run_fakes.install(monkeypatch)
    mixture = Waveform(np.ones((1, run_fakes.RATE), np.float32), run_fakes.RATE)

    def said(device):
        return [
            event.message for event in separate(mixture, Request.of("drums", device=device)) if type(event) is Warned
        ]

    for _ in range(2):
        (note,) = said("auto")
        assert "2.9+cpu" in note and "processor is used instead" in note
    assert said("cpu") == []


def test_a_card_that_is_used_or_not_there_is_not_mentioned(torch_without_cuda, tmp_path, monkeypatch):
    torch_without_cuda.cuda.is_available = lambda: True
    assert footprint.unused_card() is None
    torch_without_cuda.cuda.is_available = lambda: False
    monkeypatch.setattr(footprint, "NVIDIA", tmp_path / "none")
    assert footprint.unused_card() is None
