"""What opening the Studio costs: `python -m tests.support.page_weight`; nothing else should be running."""

from __future__ import annotations

import statistics
from pathlib import Path

from selenium.webdriver import Chrome

import webapp
from tests.support.browser import DESKTOP, chromium, resize
from tests.support.server import running_server
from tests.support.studio_steps import Studio

N_TIMES = 10

OURS = {path.name for path in Path(webapp.__file__).parent.rglob("*.js")}
SCRIPTS = """
    return performance.getEntriesByType("resource")
      .map(({name, decodedBodySize}) => [new URL(name).pathname.split("/").at(-1), decodedBodySize])
      .filter(([name]) => name.endsWith("js"));
"""


def usable_s(browser: Chrome) -> float:
    """From the start of the navigation until the page has its socket and its first button can be pressed."""
    script = """
        const done = arguments[0];
        const look = () => window.did_handshake && document.querySelector(".shell .button.primary")
          ? done(performance.now()) : requestAnimationFrame(look);
        look();"""
    return float(browser.execute_async_script(script)) / 1e3


def main() -> None:
    """Open the Studio again and again, with an empty cache first."""
    with running_server() as server, chromium() as browser:
        resize(browser, DESKTOP)
        times_s = []
        for _ in range(N_TIMES):
            browser.get(server.url)
            times_s.append(usable_s(browser))
        print(f"usable after {times_s[0]:.2f} s the first time, then {statistics.median(times_s[1:]):.2f} s")
        Studio(browser, server.url).try_demo()
        scripts = browser.execute_script(SCRIPTS)
        for name, size in sorted(scripts, key=lambda script: -script[1]):
            print(f"{size / 1e3:8.1f} kB  {name}{'' if name in OURS else ' (not ours)'}")
        print(f"our scripts: {sum(size for name, size in scripts if name in OURS) / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
