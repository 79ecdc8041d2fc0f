"""Measures the upload of two hours of stereo: `python -m tests.support.long_file wav` or `mp3`.

Says when the waveform is drawn, how fluently it scrolls and zooms (by Chromium's own trace), and what memory is taken.
Nothing else should be running. A second argument names a file to bring instead of one that is made.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import websocket
from selenium.webdriver import Chrome

from assets.demo_recording import load_demo
from tests.support.browser import DESKTOP, chromium, resize, wait_until
from tests.support.server import running_server
from tests.support.studio_steps import Studio

DURATION_S = 2 * 3600
PLAYED_S = 20

# When the file leaves, and how many peaks are there two frames after each answer that brings some.
WATCH = """
    window.seen = [];
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) { window.left = performance.now(); return send.call(this, body); };
    const usual = window.fetch;
    let pairs = 0;
    window.fetch = async (url, how) => {
      const answer = await usual(url, how);
      if (!String(url).includes("/peaks")) return answer;
      const bytes = await answer.clone().arrayBuffer();
      pairs += bytes.byteLength / 2;
      const now = pairs;
      const note = () => window.seen.push([performance.now() - window.left, now]);
      requestAnimationFrame(() => requestAnimationFrame(note));
      return answer;
    };
"""

# For some seconds the wheel turns at every frame: closer, along, back.
GESTURES = """
    const stage = document.querySelector(".wave-stage"), box = stage.getBoundingClientRect();
    const end = performance.now() + arguments[0], done = arguments[1];
    let n = 0;
    const turn = () => {
      const how = n % 240 < 80 ? {deltaY: -30} : n % 240 < 160 ? {deltaX: 40} : {deltaY: 30};
      const at = {clientX: box.left + box.width * 0.4, clientY: box.top + 80, bubbles: true, cancelable: true};
      stage.dispatchEvent(new WheelEvent("wheel", {...at, ...how}));
      n += 1;
      performance.now() < end ? requestAnimationFrame(turn) : done(n);
    };
    requestAnimationFrame(turn);
"""


class Trace:
    """Chromium's trace of the page a browser shows."""

    def __init__(self, browser: Chrome) -> None:
        address = browser.capabilities["goog:chromeOptions"]["debuggerAddress"]
        with urllib.request.urlopen(f"http://{address}/json/version") as answer:
            self._socket = websocket.create_connection(
                json.load(answer)["webSocketDebuggerUrl"], suppress_origin=True, timeout=30
            )
        categories = "devtools.timeline,disabled-by-default-devtools.timeline.frame"
        self._send("Tracing.start", {"categories": categories, "transferMode": "ReportEvents"})

    def _send(self, method: str, params: dict[str, Any] | None = None) -> None:
        self._socket.send(json.dumps({"id": 1, "method": method, "params": params or {}}))

    def frames_ms(self) -> list[float]:
        """End it; how long each frame was on screen."""
        self._send("Tracing.end")
        drawn_us: list[float] = []
        with closing(self._socket):
            while (message := json.loads(self._socket.recv())).get("method") != "Tracing.tracingComplete":
                events = message.get("params", {}).get("value", []) if "method" in message else []
                drawn_us += [event["ts"] for event in events if event["name"] == "DrawFrame"]
        return [float(gap) / 1e3 for gap in np.diff(sorted(drawn_us))]


def memory_mb(pid: int, field: str) -> float:
    """A line of a process's status: VmRSS is what it has, VmHWM the most it had."""
    found = re.search(rf"{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def heap_mb(browser: Chrome) -> float:
    """What scripts hold."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")) / 2**20


def make(path: Path) -> Path:
    """The demo again and again, never at the same level twice."""
    demo = load_demo()
    rng = np.random.default_rng(0)
    kind = {"format": "MP3"} if path.suffix == ".mp3" else {"subtype": "PCM_16"}
    with soundfile.SoundFile(path, "w", demo.sample_rate, 2, **kind) as file:
        while file.tell() < DURATION_S * demo.sample_rate:
            file.write(demo.mixture.T * rng.uniform(0.2, 1))
    return path


def main() -> None:
    """Bring the file, turn the wheel while it is decoded and after, play it."""
    with tempfile.TemporaryDirectory() as folder, running_server() as server, chromium() as browser:
        song = Path(sys.argv[2]) if len(sys.argv) > 2 else make(Path(folder) / f"two hours.{sys.argv[1]}")
        n_pairs = soundfile.info(song).frames // 256
        resize(browser, DESKTOP)
        browser.set_script_timeout(60)
        browser.execute_cdp_cmd("Performance.enable", {})
        studio = Studio(browser, server.url).open()
        before_mb = memory_mb(server.process.pid, "VmRSS")
        studio.js(WATCH)
        studio.one("input[type=file]").send_keys(str(song))
        wait_until(lambda: studio.js("return window.seen.length"), "the first peaks", 60)
        studio.js("window.early = window.seen[0][0]")
        trace = Trace(browser)
        browser.execute_async_script(GESTURES, 3000)
        print_frames("while it arrives", trace)
        wait_until(lambda: studio.js("return window.seen.at(-1)[1]") >= n_pairs, "all peaks", 300)
        seen = studio.js("return window.seen")
        all_s = next(ms for ms, n in seen if n >= n_pairs) / 1e3
        print(f"first peaks after {seen[0][0] / 1e3:.2f} s, all after {all_s:.1f} s, in {len(seen)} pieces")
        wait_until(lambda: "recording=" in browser.current_url, "the recording", 300)
        print(f"in the library after {studio.js('return performance.now() - window.left') / 1e3:.1f} s")
        print(f"server: {memory_mb(server.process.pid, 'VmHWM') - before_mb:.0f} MB more at its most")
        trace = Trace(browser)
        browser.execute_async_script(GESTURES, 10_000)
        print_frames("at rest", trace)
        studio.one("body").send_keys("k")
        wait_until(lambda: studio.player()["playing"], "the sound", 20)
        heaps_mb = []
        trace = Trace(browser)
        browser.execute_async_script(GESTURES, 10_000)
        print_frames("while it plays", trace)
        for _ in range(PLAYED_S):
            time.sleep(1)
            heaps_mb.append(heap_mb(browser))
        print(f"scripts hold up to {max(heaps_mb):.0f} MB while it plays")
        print(f"server: {memory_mb(server.process.pid, 'VmHWM') - before_mb:.0f} MB more at its most")


def print_frames(when: str, trace: Trace) -> None:
    """Say how many frames a second were drawn."""
    frames_ms = trace.frames_ms()
    mean, slow = 1e3 / np.mean(frames_ms), np.percentile(frames_ms, 95)
    print(f"{when}: {mean:.0f} frames a second, 95 % of them within {slow:.0f} ms, the longest {max(frames_ms):.0f} ms")


if __name__ == "__main__":
    main()
