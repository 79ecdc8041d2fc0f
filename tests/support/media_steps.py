"""Steps for tests of routes: fetch a window of samples, upload a file."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
from fastapi.testclient import TestClient

from separation.results.kept import KeptSound
from webapp.state.queue.job import Job


class Making:
    """What is being made: one job at most."""

    job: Job | None = None

    def partial(self, key: str) -> Any:
        job = self._making(key)
        return {} if job is None or job.ended.is_set() else job.partial

    def wait(self, key: str, timeout_s: float) -> bool:
        job = self._making(key)
        return job is None or not job.partial or job.ended.wait(timeout_s)

    def _making(self, key: str) -> Job | None:
        opened = None if self.job is None else self.job.opened
        return self.job if opened is not None and opened.key == key else None


def window(client: TestClient, kept: KeptSound, start: int, count: int, track: str = "audio") -> Any:
    """Samples of a track, shape (channels, samples)."""
    answer = client.get(f"/media/{kept.key}/{track}/pcm", params={"start": start, "count": count})
    assert answer.status_code == 200
    return np.frombuffer(answer.content, "<f4").reshape(-1, kept.n_channels).T


def upload(client: TestClient, content: bytes, name: str = "song.wav", id: str = "", **options: Any) -> httpx.Response:
    """Send a file."""
    return client.put("/api/uploads", params={"name": name, "id": id}, content=content, **options)
