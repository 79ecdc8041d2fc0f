"""A real Chromium for tests of pages: headless, empty profile, console errors kept.

with server("tests.player_app") as url, chromium() as driver:
    driver.get(url)
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

DESKTOP = (1440, 900)
PHONE = (390, 844)
ROOT = Path(__file__).parents[1]


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A browser with an empty profile; sound goes nowhere, autoplay needs a gesture as for anybody."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--window-size={},{}".format(*DESKTOP),
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options=options, service=ChromeService("/usr/bin/chromedriver"))
        try:
            driver.set_page_load_timeout(20)
            driver.set_script_timeout(20)
            resize(driver, DESKTOP)
            yield driver
        finally:
            driver.quit()


def resize(driver: Chrome, size: tuple[int, int]) -> None:
    """Give the page exactly this many CSS pixels; the phone has fingers and a dense screen."""
    width, height = size
    phone = size == PHONE
    metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})


def prefer(driver: Chrome, scheme: str) -> None:
    """What the person's system prefers: "dark" or "light"; pages with the scheme "auto" follow."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 10.0) -> Any:
    """The first true value of `condition`; an AssertionError that names `what` when it does not come."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {what}")


def console_errors(driver: Chrome) -> list[str]:
    """What the console has complained about since the last call."""
    entries: list[dict[str, Any]] = driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no types
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def sideways_px(driver: Chrome) -> int:
    """By how many pixels the page could be scrolled sideways; also counts scrolling parts of the frame."""
    script = """
        const parts = [document.documentElement, document.body, ...document.querySelectorAll(".shell, .shell > *")];
        return Math.max(...parts.map((part) => part.scrollWidth - part.clientWidth));
    """
    return int(driver.execute_script(script))


@contextmanager
def server(module: str, *arguments: str, path: str = "/") -> Iterator[str]:
    """Run `python -m module --port <free> ...` and give its address once `path` answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, "--port", str(port), *arguments]
    with tempfile.TemporaryFile() as log:
        # NiceGUI starts differently when it finds a test runner's name there; this server is a real one.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "NICEGUI"))}
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
        try:
            wait_until(lambda: process.poll() is not None or _answers(url + path), f"{module} answers", 30.0)
            if process.poll() is not None:
                log.seek(0)
                raise AssertionError(log.read().decode(errors="replace"))
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
