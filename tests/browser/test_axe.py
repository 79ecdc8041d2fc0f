"""Every page, in every state a person meets, has no fault that axe-core can find, at any of its levels."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome, Keys

from tests.support.browser import DESKTOP, PHONE, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser


@pytest.fixture(params=["dark", "light", "phone", "light phone"])
def studio(request: pytest.FixtureRequest, browser: Chrome, shared_server: RunningServer) -> Studio:
    """An open Studio in one of the looks."""
    resize(browser, PHONE if "phone" in request.param else DESKTOP)
    studio = Studio(browser, shared_server.url).open()
    scheme = "light" if "light" in request.param else "dark"
    studio.js(f"document.cookie = 'scheme={scheme}; path=/'")
    return studio.reload()


# Whether something fades or moves that comes to an end.
MOVING = """
    const ends = (animation) => animation.effect?.getComputedTiming().iterations !== Infinity;
    return document.getAnimations().some((animation) => animation.playState === "running" && ends(animation))
        || !!document.querySelector("[class*='-enter-active'], [class*='-leave-active']");
"""

PASSING = ("q-portal--menu", 'class="tip"')  # what is open for a moment lies in no part of the page
OPENED = "return !!document.querySelector('.q-menu, .q-dialog, dialog[open], :popover-open:not(.tip)')"
HEARD = "return document.querySelectorAll('.track').length > 1"


@cache
def axe() -> str:
    """The checker itself, from the package that carries it; that package's own code drives another browser."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None and found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text("utf-8")


def faults(studio: Studio) -> list[str]:
    """What axe-core finds: level, rule, what it asks, and the first elements.

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
        f"{fault['impact']} {fault['id']}: {fault['help']} {[node['html'][:160] for node in fault['nodes'][:3]]}"
        for fault in found
        if not all(any(mark in node["html"] for mark in PASSING) for node in fault["nodes"])
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
        studio.one(".sheet-button").click()
    studio.set("Separator", "SAM-Audio (PyTorch)")
    for label in ("Stereo", "Method", "Length", "Device"):
        studio.setting(label)
    assert faults(studio) == []
    studio.set("Separator", "Automatic")


def test_panels_and_dialogs(studio: Studio) -> None:
    studio.one('[aria-label^="Queue"]').click()
    wait_until(lambda: studio.texts(".queue h2"), "the queue")
    assert faults(studio) == []
    studio.reload()
    studio.js("document.querySelector('.recipe .button:last-of-type').click()")
    wait_until(lambda: studio.texts(".recipe-dialog h2"), "the dialog")
    assert faults(studio) == []


def test_several_files_one_of_which_is_refused(studio: Studio, tmp_path: Path) -> None:
    paths = noises(tmp_path, "one.flac", "two.flac")
    (tmp_path / "three.flac").write_text("no sound")
    studio.one(".upload-area input[type=file]").send_keys("\n".join(map(str, [*paths, tmp_path / "three.flac"])))
    wait_until(lambda: "Not taken" in "".join(studio.texts(".file-tab-body")), "all three", RUN_S)
    wait_until(lambda: "three.flac" in studio.messages, "why")
    assert faults(studio) == []


def test_a_run_its_end_and_what_opens_then(studio: Studio, tmp_path: Path) -> None:
    (long,) = noises(tmp_path, "long.flac", seconds=60)
    studio.bring(long).ask("drums").start()
    wait_until(lambda: studio.texts(".shell-actions .job") and studio.js(HEARD), "its first chunk", RUN_S)
    assert faults(studio) == [], "while it runs"
    studio.button("Cancel").click()
    wait_until(lambda: "Go on" in studio.texts(".shell-actions button"), "it cancelled")
    assert faults(studio) == [], "after it was cancelled"
    studio.button("Go on").click()
    studio.finish("drums", "everything else")
    studio.js("document.querySelector('[popovertarget=export]').click()")
    assert faults(studio) == [], "with the panel of the export"


def test_menus_and_the_keys(studio: Studio) -> None:
    for opener in ('[aria-label="Dark or light"]', '[aria-label="Recent"]', ".pages-button", ".keymap > button"):
        button = next(iter(studio.all(opener)), None)
        if button is not None and button.is_displayed():
            button.click()
            wait_until(lambda: studio.js(OPENED), f"what {opener} opens")
            assert faults(studio) == [], opener
            studio.reload()


def test_two_results_beside_each_other(studio: Studio, tmp_path: Path) -> None:
    (song,) = noises(tmp_path, "song.flac")
    for sound in ("drums", "bass"):
        studio.bring(song) if studio.title != song.name else None
        studio.ask(sound).start().finish(sound, "everything else")
    address = studio.js("return location.search.match(/recording=([0-9a-f]+)/)[1]")
    studio.open(f"/compare?recording={address}")
    wait_until(lambda: studio.texts(".shell-main .track"), "both")
    assert faults(studio) == []
    studio.open("/library")
    wait_until(lambda: studio.all(".lib-check input"), "the list")
    studio.one(".lib-check input").click()
    assert faults(studio) == [], "with something chosen"


def noises(folder: Path, *names: str, seconds: float = 2) -> list[Path]:
    """Files of noise, no two alike."""
    paths = [folder / name for name in names]
    for path in paths:
        soundfile.write(path, np.random.default_rng().uniform(-0.3, 0.3, int(seconds * 44_100)), 44_100)
    return paths


@pytest.mark.parametrize("page", ["/models", "/library", "/settings", "/compare", "/benchmark"])
def test_the_other_pages(studio: Studio, page: str) -> None:
    studio.try_demo().open(page)
    wait_until(lambda: not studio.texts(".skeleton"), "what the page shows")
    assert faults(studio) == []
