"""Measures the response time of pages while a job runs.

`python -m tests.support.page_response`; nothing else should be running.
A browser on the same computer watches the job, as a person would, and draws it ten times a second.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import soundfile

from assets.demo_recording import load_demo
from tests.support.browser import DESKTOP, chromium, resize, wait_until
from tests.support.server import running_server
from tests.support.studio_steps import Studio

LONG_S = 40 * 60
N_TIMES = 30
PAUSE_S = 1.5


def measure(client: httpx.Client, path: str) -> str:
    """Fetch a path again and again; says how long that took."""
    times_ms = []
    for _ in range(N_TIMES):
        started_s = time.perf_counter()
        client.get(path).raise_for_status()
        times_ms.append(1e3 * (time.perf_counter() - started_s))
        time.sleep(PAUSE_S)
    return f"median {statistics.median(times_ms):4.0f} ms, longest of {N_TIMES}: {max(times_ms):4.0f} ms"


def main() -> None:
    """Measure the Studio, and a piece of sound for its player, at rest and during a job."""
    with tempfile.TemporaryDirectory() as folder, running_server() as server, chromium() as browser:
        demo = load_demo()
        song = Path(folder) / "song.flac"
        soundfile.write(song, np.resize(demo.mixture.T, (LONG_S * demo.sample_rate, 2)), demo.sample_rate)
        resize(browser, DESKTOP)
        studio = Studio(browser, server.url).open().bring(song).ask("drums")
        found = re.search(r"recording=([0-9a-f]{64})", browser.current_url)
        assert found is not None
        with httpx.Client(base_url=server.url) as client:
            paths = {"page": "/", "sound": f"/media/{found[1]}/audio/pcm?start=100000&count=88200"}
            for name, path in paths.items():
                print(f"{name:6} at rest      {measure(client, path)}")
            studio.start()
            for name, path in paths.items():
                wait_until(lambda: "hunk" in studio.job, "the job at work", 60)
                print(f"{name:6} during a job {measure(client, path)}")
            if "hunk" not in studio.job:
                sys.exit("The job was over too soon.")


if __name__ == "__main__":
    main()
