"""One run took as long on the queue's row, in its details, in the library and in its report; loading is part of it."""

from __future__ import annotations

import asyncio

import pytest

from separation import Request
from separation.engine.engine import Inline
from separation.formatted import duration
from storage.records import JobTable
from tests.support.job_steps import until
from webapp.pages.queue.job_report import rows_of
from webapp.pages.queue.job_words import took
from webapp.state.library.rows import facts_of
from webapp.state.queue.jobs import Jobs


@pytest.fixture
async def jobs(store):
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    yield jobs
    await asyncio.to_thread(jobs.close)


async def test_a_run_took_the_same_time_everywhere(jobs, recording, backend, store):
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    report = job.result.report
    assert report["total_s"] > 0 and job.result.seconds == report["total_s"]
    said = duration(report["total_s"])
    assert took(job) == said == rows_of(report)["Took"]
    assert f"took {said}" in facts_of(store.get(job.result.key).manifest).properties


async def test_a_job_whose_result_was_kept_took_no_time_of_its_own(jobs, recording, backend, store):
    first = jobs.submit(recording, Request.of("drums"))
    await until(lambda: first.over)
    again = jobs.look_up(recording, Request.of("drums"), first.result)
    assert again is first and took(again) == duration(first.result.seconds)
    jobs.discard(first)
    assert took(jobs.look_up(recording, Request.of("drums"), first.result)) == ""


async def test_how_long_a_job_took_outlives_the_server(recording, backend, store):
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    await asyncio.to_thread(jobs.close)
    later = Jobs(store, Inline(), JobTable(store.folder))
    (found,) = later.all
    assert took(found) == took(job) != ""
    await asyncio.to_thread(later.close)
