"""The doctor of the server: every backend that is ready, one after another, and never beside a separation."""

from __future__ import annotations

import asyncio
import threading

import pytest

from separation import Request
from separation.doctor.self_test import Passed
from separation.engine.engine import Inline
from separation.errors import BackendUnavailable, SeparationError
from storage.records import JobTable
from tests.webapp.state.test_downloads import until
from webapp.state.doctor import Doctor
from webapp.state.queue.jobs import Jobs


@pytest.fixture
async def jobs(store):
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    yield jobs
    await asyncio.to_thread(jobs.close)


@pytest.fixture
def doctor(jobs, backend):
    doctor = Doctor(Inline(), jobs)
    yield doctor
    doctor.close()


async def test_what_works_is_said_with_what_it_took(doctor, backend):
    heard = []
    doctor.changed.subscribe(lambda: heard.append((doctor.busy, doctor.testing)))
    doctor.run()
    doctor.run()  # it goes on already
    await until(lambda: not doctor.busy)
    assert heard == [(True, None), (True, "fake"), (True, None), (False, None)]
    assert isinstance(doctor.verdicts["fake"], Passed)
    assert backend.n_loads == 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [(BackendUnavailable("It broke.", "It was glass."), "It broke. It was glass."), (ZeroDivisionError(), "Zero")],
)
async def test_what_fails_is_said_with_its_reason_and_can_be_tested_again(doctor, backend, failure, said):
    def fail():
        raise failure

    backend.before_evaluation = fail
    doctor.run()
    await until(lambda: not doctor.busy)
    assert said in str(doctor.verdicts["fake"])
    backend.before_evaluation = lambda: None
    doctor.run()
    await until(lambda: not doctor.busy)
    assert isinstance(doctor.verdicts["fake"], Passed)


async def test_it_waits_for_a_separation_that_runs(doctor, jobs, backend, recording):
    opened = threading.Event()
    backend.before_evaluation = lambda: opened.wait(60)
    job = jobs.submit(recording, Request.of("drums"))
    with pytest.raises(SeparationError, match="has to wait"):
        doctor.run()
    opened.set()
    await until(lambda: job.over and jobs.running is None)
    doctor.run()
    await until(lambda: not doctor.busy)
    assert isinstance(doctor.verdicts["fake"], Passed)
