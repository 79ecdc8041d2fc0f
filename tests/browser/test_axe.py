"""Every page, in every state a person meets, has no serious fault that axe-core can find."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys

from tests.support.browser import DESKTOP, PHONE, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(params=["dark", "light", "phone"])
def studio(request: pytest.FixtureRequest, browser: Chrome, shared_server: RunningServer) -> Studio:
    """An open Studio in one of the looks."""
    resize(browser, PHONE if request.param == "phone" else DESKTOP)
    studio = Studio(browser, shared_server.url).open()
    scheme = "light" if request.param == "light" else "dark"
    studio.js(f"document.cookie = 'scheme={scheme}; path=/'")
    return studio.reload()


# Whether something fades or moves that comes to an end.
MOVING = """
    const ends = (animation) => animation.effect?.getComputedTiming().iterations !== Infinity;
    return document.getAnimations().some((animation) => animation.playState === "running" && ends(animation))
        || !!document.querySelector("[class*='-enter-active'], [class*='-leave-active']");
"""


@cache
def axe() -> str:
    """The checker itself, from the package that carries it; that package's own code drives another browser."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None and found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text("utf-8")


def faults(studio: Studio) -> list[str]:
    """What axe-core calls serious or critical: rule, what it asks, and the first elements it found.

    The page has to be at rest: what is half faded in has not enough contrast.
    """
    wait_until(lambda: not studio.js(MOVING), "the page at rest")
    studio.js(axe() + "; window.axe = axe")
    found: list[dict[str, Any]] = studio.browser.execute_async_script(
        """const done = arguments[0];
        axe.run(document, {resultTypes: ["violations"]}).then((report) => done(report.violations),
                                                             (error) => done([{impact: "critical", id: String(error),
                                                                               help: "", nodes: []}]))"""
    )
    return [
        f"{fault['id']}: {fault['help']} {[node['html'][:160] for node in fault['nodes'][:3]]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def test_the_empty_studio(studio: Studio) -> None:
    assert faults(studio) == []


def test_a_studio_full_of_things(studio: Studio) -> None:
    studio.try_demo().ask("drums").start().finish("drums", "everything else")
    studio.one(".mix-name").send_keys("a mix of mine", Keys.ENTER)
    wait_until(lambda: studio.texts(".mixes .chip-body"), "the mix")
    studio.js("document.querySelector('.spectrum').click()")
    assert faults(studio) == []
    if studio.one(".sheet-button").is_displayed():  # on a phone
        studio.button("Settings").click()
    studio.set("Who separates", "SAM-Audio (PyTorch)")
    for label in ("Stereo", "Method", "Length", "Device"):
        studio.setting(label)
    assert faults(studio) == []
    studio.set("Who separates", "Automatic")


def test_panels_and_dialogs(studio: Studio) -> None:
    studio.one('[aria-label^="Queue"]').click()
    wait_until(lambda: studio.texts(".queue h2"), "the queue")
    assert faults(studio) == []
    studio.reload()
    studio.js("document.querySelector('.recipe .button:last-of-type').click()")
    wait_until(lambda: studio.texts(".recipe-dialog h2"), "the dialog")
    assert faults(studio) == []


@pytest.mark.parametrize("page", ["/models", "/library", "/settings"])
def test_the_other_pages(studio: Studio, page: str) -> None:
    studio.try_demo().open(page)
    wait_until(lambda: not studio.texts(".skeleton"), "what the page shows")
    assert faults(studio) == []
