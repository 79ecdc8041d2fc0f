"""The studio's server as it is, with routes through which a test uses the queue without a browser."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import Request
from nicegui import app, ui

from separation import Request as ExtractOptions
from separation import __version__
from separation.engine.dask import Cluster
from separation.request import ChunkSettings
from storage import ArtifactStore
from storage.records import DraftTable, JobTable
from webapp.main import create_app
from webapp.state.queue.jobs import Job, Jobs


def asking_for(prompt: str) -> ExtractOptions:
    """What a test asks for: short chunks, so that there are several in a short song."""
    return ExtractOptions.of(prompt, backend="builtin", chunks=ChunkSettings(chunk_s=1, overlap_s=0.1))


def main() -> None:
    """Serve the data folder AUDIO_PLAYGROUND_HOME at the port given on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    home = Path(os.environ["AUDIO_PLAYGROUND_HOME"])
    store = ArtifactStore(home, version=__version__)
    _add_routes(create_app(store, Cluster(), JobTable(home), DraftTable(home)).jobs, store)
    ui.run(
        host="127.0.0.1",
        port=parser.parse_args().port,
        reload=False,
        show=False,
        storage_secret="test",
        timeout_graceful_shutdown=1,
    )


def _add_routes(jobs: Jobs, store: ArtifactStore) -> None:
    @app.get("/test/jobs")
    async def listed() -> dict[str, Any]:
        return {
            "jobs": [_told(job) for job in jobs.all],
            "queue": [job.record.prompts[0] for job in jobs.queue],
            "paused": jobs.paused,
        }

    @app.post("/test/submit")
    async def submit(recording: str, prompt: str) -> dict[str, Any]:
        artifact = store.get(recording)
        assert artifact is not None
        return _told(jobs.submit(artifact, asking_for(prompt)))

    @app.post("/test/{verb}")
    async def act(verb: str, request: Request) -> None:
        """One of the queue's verbs, on the job named in the query if there is one."""
        names = request.query_params.getlist("job")
        getattr(jobs, verb)(*[job for job in jobs.all if job.id in names])


def _told(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "prompt": job.record.prompts[0],
        "state": job.state,
        "n_done": job.record.n_done,
        "kept": sorted(job.kept),
        "result": job.record.result,
        "log": [line.text for line in job.record.log],
    }


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
