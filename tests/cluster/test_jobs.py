"""Jobs of a server on the engine people use: a worker process of its own."""

from __future__ import annotations

import asyncio

from separation import Request
from separation.engine.dask import Cluster
from separation.results.runs import import_recording
from storage.records import JobTable
from tests.support import run_fakes
from tests.support.job_steps import until
from webapp.state.queue.jobs import Jobs, State


async def test_on_the_real_engine_a_job_is_done_and_another_cancelled(store, tmp_path):
    short = import_recording(run_fakes.song(tmp_path / "short.wav", 1.0), store)
    long = import_recording(run_fakes.song(tmp_path / "long.wav", 90.0), store)
    engine = Cluster()
    jobs = Jobs(store, engine, JobTable(tmp_path / "home"))
    try:
        done, cancelled = jobs.submit(short, Request.of("drums")), jobs.submit(long, Request.of("drums"))
        await until(lambda: done.over and cancelled.chunks and cancelled.chunks[0] == 1)
        jobs.cancel(cancelled)
        await until(lambda: cancelled.over)
    finally:
        await asyncio.to_thread(jobs.close)
        await asyncio.to_thread(engine.close)
    assert done.state is State.DONE and done.result.track_names == ("drums", "everything else")
    assert cancelled.state is State.CANCELLED and min(cancelled.chunks) == 0
    assert [result.key for result in store.list("result")] == [done.result.key]
