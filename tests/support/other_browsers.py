"""Firefox and WebKitGTK for tests of pages: Debian's packages, as people get them, with an empty profile.

with running_server(module="tests.support.noting_app") as server, other_browser("firefox", folder) as driver:
    driver.get(server.url)
    assert not complaints(driver)

WebKitGTK is the engine of Safari in windows of another system; Xvfb is the screen, which nobody sees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from selenium.webdriver.firefox.options import Options as FirefoxOptions
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options as WebKitOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitService
from selenium.webdriver.webkitgtk.webdriver import WebDriver as WebKitDriver

from tests.support.browser import DESKTOP, PHONE, wait_until
from tests.support.marionette import Marionette

START_S = 60.0  # Firefox takes 3 s on a free computer
_MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), None)

# In Firefox's own window, which is never narrower than 500 pixels: give the page a place of another size, and fingers.
_FIREFOX_SIZE = """
    const [width, height, phone] = arguments;
    const place = gBrowser.selectedBrowser;
    for (const [side, px] of Object.entries({width, height}))
        for (const limit of ["min-", "max-", ""]) place.style.setProperty(limit + side, px + "px");
    place.browsingContext.inRDMPane = phone;
    place.browsingContext.touchEventsOverride = phone ? "enabled" : "none";
"""


def missing(name: str) -> list[str]:
    """The Debian packages that `name` ("firefox" or "webkit") lacks on this computer."""
    programs = {
        "firefox": {"firefox-esr": shutil.which("firefox-esr")},
        "webkit": {
            "webkit2gtk-driver": shutil.which("WebKitWebDriver") and _MINI_BROWSER,
            "xvfb": shutil.which("Xvfb"),
        },
    }
    return [package for package, found in programs[name].items() if not found]


def other_browser(name: str, downloads: Path) -> AbstractContextManager[WebDriver]:
    """A browser by its name, "firefox" or "webkit"; what it downloads goes to `downloads`, and its sound nowhere."""
    return {"firefox": _firefox, "webkit": _webkit}[name](downloads)


@contextmanager
def _firefox(downloads: Path) -> Iterator[WebDriver]:
    """Firefox without a window."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        preferences = {
            "marionette.port": "0",
            "browser.download.folderList": "2",
            "browser.download.dir": f'"{downloads}"',
            # Without a sound card the clock of its Web Audio does not start; this one has no need of a card.
            "media.cubeb.force_mock_context": "true",
        }
        lines = [f'user_pref("{name}", {value});\n' for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines))
        flags = ("--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", folder)
        process = subprocess.Popen(["firefox-esr", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = profile / "MarionetteActivePort"
            wait_until(lambda: port.exists() and port.read_text(), "Firefox", START_S)
            connection = Marionette(int(port.read_text()))
            driver = WebDriver(connection, options=FirefoxOptions(), file_detector=UselessFileDetector())
            driver.set_window_size(*DESKTOP)
            resize(driver, DESKTOP)
            yield driver
            connection.close()
        finally:
            process.terminate()
            process.wait(START_S)


@contextmanager
def _webkit(downloads: Path) -> Iterator[WebDriver]:
    """WebKitGTK's own small browser on a screen of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _screen() as display:
        home = Path(folder)
        config = home / ".config"
        (config / "gtk-3.0").mkdir(parents=True)
        # Its tool bar would keep the window at 447 pixels, though nobody sees it on a full screen.
        (config / "gtk-3.0" / "gtk.css").write_text("* { min-width: 0; min-height: 0; padding: 0; font-size: 1px; }")
        (config / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{downloads}"\n')
        options = WebKitOptions()
        options.binary_location = str(_MINI_BROWSER)
        options.add_argument("--automation")
        options.add_argument("--full-screen")
        env = {**os.environ, "DISPLAY": display, "HOME": folder, "XDG_CONFIG_HOME": str(config)}
        driver = WebKitDriver(options, WebKitService(env=env))
        try:
            resize(driver, DESKTOP)
            yield driver
        finally:
            driver.quit()


@contextmanager
def _screen() -> Iterator[str]:
    """The display of an X server that shows its screen nowhere."""
    read, write = os.pipe()
    flags = ("-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp")
    process = subprocess.Popen(["Xvfb", *flags], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as display:
            yield f":{display.readline().strip()}"
    finally:
        process.terminate()
        process.wait(START_S)


def resize(driver: WebDriver, size: tuple[int, int]) -> None:
    """Give the page exactly this many CSS pixels. In Firefox the phone has fingers, in WebKit it is a small window."""
    if driver.caps["browserName"] == "firefox":
        driver.execute("setContext", {"value": "chrome"})
        driver.execute_script(_FIREFOX_SIZE, *size, size == PHONE)
        driver.execute("setContext", {"value": "content"})
    else:
        driver.set_window_size(*size)
    shown = lambda: driver.execute_script("return [innerWidth, innerHeight]") == list(size)  # noqa: E731
    wait_until(shown, f"a page of {size} pixels")


def complaints(driver: WebDriver) -> list[str]:
    """What went wrong in this page of `noting_app` since it was opened.

    “ResizeObserver loop completed” is no such thing: a part that changed while another was measured is drawn one frame
    later. WebKit says so where the strip of chunks goes as a page is opened.
    """
    found: list[str] = driver.execute_script("return window.complaints")
    return [one for one in found if not one.startswith("ResizeObserver loop completed")]
