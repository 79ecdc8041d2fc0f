"""How busy other programs are: by figures that are known, and by programs that really compute."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import namedtuple
from contextlib import contextmanager

import psutil
import pytest

from separation.hardware import others
from separation.hardware.others import OtherPrograms

SPIN = "import time\nend_s = time.time() + 240\nwhile time.time() < end_s: pass"  # should nobody end it
FOR_A_WHILE = "import time\nwhile time.process_time() < {}: pass"


@contextmanager
def program(code, n=1):
    """So many children that run this, ended after it."""
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(n)]
    try:
        yield started
    finally:
        for one in started:
            one.kill()
            one.wait()


def spin(cpu_s):
    began_s = time.process_time()
    while time.process_time() - began_s < cpu_s:
        pass


class System:
    """A computer whose clock and counters a test sets, in place of psutil's and the real clock's."""

    Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")

    def __init__(self, patch):
        self.now_s = 100.0
        self.all = self.Times(*[10.0] * 10)
        self.family = {1: (5.0, 5.0, 0.0, 0.0)}
        patch.setattr(others.time, "monotonic", lambda: self.now_s)
        patch.setattr(others.psutil, "cpu_times", lambda: self.all)
        patch.setattr(others.psutil, "Process", lambda: self.process(1))

    def process(self, pid):
        system = self
        Own = namedtuple("Own", "user system children_user children_system")

        class Process:
            def cpu_times(self):
                if system.family.get(pid) is None:
                    raise psutil.NoSuchProcess(pid)
                return Own(*system.family[pid])

            def children(self, recursive):
                assert recursive
                return [system.process(other) for other in system.family if other != 1]

        return Process()

    def passes(self, seconds, **more):
        self.now_s += seconds
        self.all = self.all._replace(**{name: getattr(self.all, name) + value for name, value in more.items()})


@pytest.fixture
def system(monkeypatch):
    return System(monkeypatch)


def test_an_idle_computer_has_no_others(system):
    watched = OtherPrograms()
    system.passes(10, idle=39, iowait=1)
    assert watched.cores() == 0


@pytest.mark.parametrize("kind", ["user", "system", "nice", "irq", "softirq", "steal"])
def test_all_that_the_processors_compute_counts(system, kind):
    watched = OtherPrograms()
    system.passes(10, **{kind: 20}, idle=20)
    assert watched.cores() == pytest.approx(2, abs=0.01)


def test_what_virtual_machines_compute_counts_once(system):
    watched = OtherPrograms()
    system.passes(10, user=10, guest=10, nice=5, guest_nice=5)
    assert watched.cores() == pytest.approx(1.5, abs=0.01)


def test_what_this_process_and_its_children_compute_does_not_count(system):
    system.family[2] = (100.0, 0.0, 0.0, 0.0)
    watched = OtherPrograms()
    system.family = {1: (7.0, 6.0, 0.0, 0.0), 2: (103.0, 2.0, 0.0, 0.0), 3: (2.0, 0.0, 0.0, 0.0)}
    system.passes(10, user=15)
    assert watched.cores() == pytest.approx(0.5, abs=0.01)


def test_what_children_had_computed_when_they_ended_does_not_count(system):
    system.family[2] = (100.0, 0.0, 0.0, 0.0)
    watched = OtherPrograms()
    system.family = {1: (5.0, 5.0, 100.0, 8.0), 2: None}
    system.passes(10, user=8)
    assert watched.cores() == 0


def test_counters_in_hundredths_of_a_second_make_no_short_run_busy(system):
    watched = OtherPrograms()
    system.passes(0.02, user=0.02)
    assert watched.cores() == 0
    watched = OtherPrograms()
    system.passes(1, user=1)
    assert watched.cores() == pytest.approx(0.98)


def test_more_of_our_own_than_of_all_is_nothing_and_no_time_is_no_fault(system):
    watched = OtherPrograms()
    system.family = {1: (50.0, 5.0, 0.0, 0.0)}
    assert watched.cores() == 0
    system.passes(0, user=1000)
    assert watched.cores() > 0


def test_each_answer_is_of_the_time_since_it_was_made(system):
    watched = OtherPrograms()
    system.passes(10, user=10)
    assert watched.cores() == pytest.approx(1, abs=0.01)
    system.passes(10)
    assert watched.cores() == pytest.approx(0.5, abs=0.01)


# Real ones. What else this computer does is not known: the processors' own counters are set by the test, or only what
# has to be is asked of them.

OWN_S = 0.5  # of computing, whatever time that takes on a busy computer
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts children that ended")


@pytest.fixture
def others_s(monkeypatch):
    """Seconds that others seem to have computed while something worked, if the processors computed so many in all."""

    def found(work, all_s):
        times = psutil.cpu_times()
        monkeypatch.setattr(others.psutil, "cpu_times", lambda: times)
        watched, began_s = OtherPrograms(), time.monotonic()
        work()
        monkeypatch.setattr(others.psutil, "cpu_times", lambda: times._replace(user=times.user + all_s))
        cores = watched.cores()
        return cores * (time.monotonic() - began_s)

    return found


def test_what_this_process_computes_in_threads_is_its_own(others_s):
    def work():
        threads = [threading.Thread(target=spin, args=(OWN_S,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert others_s(work, OWN_S) < 0.1
    assert others_s(work, OWN_S + 1) == pytest.approx(1, abs=0.3)


@on_linux
def test_what_a_child_and_a_grandchild_compute_is_our_own(others_s):
    shell = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {FOR_A_WHILE.format(OWN_S)!r}])"

    def work():
        with program(shell, n=2) as running:
            for one in running:
                one.wait()

    assert others_s(work, 2 * OWN_S) < 0.1


def test_what_a_child_computes_that_goes_on_is_our_own(others_s):
    with program(SPIN) as (child,):
        own = psutil.Process(child.pid)

        def work():
            before_s = own.cpu_times().user
            while own.cpu_times().user < before_s + OWN_S:
                time.sleep(0.02)

        assert others_s(work, OWN_S) < 0.1


@on_linux
def test_a_child_that_had_computed_before_and_is_reaped_meanwhile_does_not_seem_to_be_another(others_s):
    with program(FOR_A_WHILE.format(OWN_S)) as (child,):
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert others_s(child.wait, 0) == 0
    with program(FOR_A_WHILE.format(OWN_S)) as (child,):
        assert others_s(child.wait, OWN_S + 0.75) > 0.5, "nor does it hide others"


def test_a_program_that_is_no_child_counts():
    code = (
        "import sys, time, psutil\n"
        "from separation.hardware.others import OtherPrograms\n"
        "other = psutil.Process(int(sys.argv[1]))\n"
        "watched, began_s, before_s = OtherPrograms(), time.monotonic(), other.cpu_times().user\n"
        "while other.cpu_times().user - before_s < 0.5: time.sleep(0.02)\n"
        "print(watched.cores() * (time.monotonic() - began_s))\n"
    )
    with program(SPIN) as (burning,):
        seen = subprocess.run(
            [sys.executable, "-c", code, str(burning.pid)], capture_output=True, text=True, check=True
        )
    assert float(seen.stdout) > 0.4
