"""A real Chromium for tests of pages: headless, empty profile, console errors kept.

with running_server(module="tests.support.player_app") as server, chromium() as driver:
    driver.get(server.url)
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

DESKTOP = (1440, 900)
PHONE = (390, 844)
# Chrome's “Energy Saver”, on at any charge: 30 frames a second instead of 60. Here a processor draws them, which was
# half of what the browser computed in a test.
ENERGY_SAVER = {"performance_tuning": {"battery_saver_mode": {"state": 3}}}


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
        options.add_experimental_option("localState", ENERGY_SAVER)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options=options, service=ChromeService("/usr/bin/chromedriver"))
        try:
            driver.set_page_load_timeout(60)  # of a lane that gives way to others
            driver.set_script_timeout(20)
            resize(driver, DESKTOP)
            yield driver
        finally:
            driver.quit()


def start_afresh(driver: Chrome) -> None:
    """Close every tab and go on in a new one at desktop size; cookies and old complaints are gone.

    What pages keep of themselves belongs to their port, which no two servers of a test run share; so do cached files.
    """
    old = driver.window_handles
    driver.switch_to.new_window("tab")
    new = driver.current_window_handle
    for handle in old:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(new)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    resize(driver, DESKTOP)
    console_errors(driver)


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
    """The first true value of `condition`; an AssertionError that names `what` when it does not come.

    A look takes 5 ms of computing in four processes, so what lets one wait is looked at less often.
    """
    began = time.monotonic()
    while (waited_s := time.monotonic() - began) < timeout_s:
        value = condition()
        if value:
            return value
        time.sleep(min(max(0.05, waited_s / 10), 0.2))
    raise AssertionError(f"not within {timeout_s} s: {what}")


def console_errors(driver: Chrome) -> list[str]:
    """What the console has complained about since the last call."""
    entries: list[dict[str, Any]] = driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no types
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def bars_share(driver: Chrome) -> float:
    """The share of the window's height that the bars above and below the page's main part take."""
    script = "return 1 - document.querySelector('.shell-main').clientHeight / innerHeight"
    return float(driver.execute_script(script))


def sideways_px(driver: Chrome) -> int:
    """By how many pixels the page could be scrolled sideways; also counts scrolling parts of the frame."""
    script = """
        const frame = document.querySelectorAll(".shell, .shell > :not(.sr-only)");
        const parts = [document.documentElement, document.body, ...frame];
        return Math.max(...parts.map((part) => part.scrollWidth - part.clientWidth));
    """
    return int(driver.execute_script(script))
