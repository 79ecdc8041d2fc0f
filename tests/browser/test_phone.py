"""The Studio under a finger: what can be reached on a phone, what a swipe does, and that nothing moves away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.support.browser import DESKTOP, PHONE, resize, sideways_px, wait_until
from tests.support.fingers import middle, swipe, tap
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    """The demo with one sound made of it, on a phone, at the top of its page."""
    resize(browser, PHONE)
    studio = (
        Studio(browser, shared_server.url).open().try_demo().ask("drums").start().finish("drums", "everything else")
    )
    still(studio)
    scroll_to(studio, 0)
    yield studio
    resize(browser, DESKTOP)


def boxes(studio: Studio, selector: str) -> list[dict[str, float]]:
    script = """return [...document.querySelectorAll(arguments[0])].filter((el) => el.checkVisibility())
        .map((el) => el.getBoundingClientRect().toJSON())"""
    found: list[dict[str, float]] = studio.js(script, selector)
    return found


def scrolled(studio: Studio) -> float:
    found: float = studio.js("return document.querySelector('.shell-main').scrollTop")
    return found


def scroll_to(studio: Studio, top_px: int) -> None:
    studio.js("document.querySelector('.shell-main').scrollTo({top: arguments[0], behavior: 'instant'})", top_px)


def still(studio: Studio) -> None:
    """Wait until the page has scrolled to the sounds that have come, and stays there."""
    seen: list[float] = []

    def stands() -> bool:
        seen.append(scrolled(studio))
        return len(seen) > 3 and len(set(seen[-4:])) == 1

    wait_until(stands, "the page to stand still")


def where(studio: Studio) -> dict[str, Any]:
    """Where the player and the mixer stand."""
    state = studio.player()
    return {"at": state["position_samples"], "mix": [(one["gain_db"], one["pan"]) for one in state["tracks"]]}


@pytest.mark.parametrize(
    "selector",
    [".wave-stage", ".loop-ruler", ".lane", ".fader input", ".pan", ".track:not(.hosting) .fader input", ".wave-strip"],
)
def test_a_finger_that_goes_up_scrolls_the_page_wherever_it_lies_and_changes_nothing(
    studio: Studio, selector: str
) -> None:
    studio.js("window.audioPlayground.player.seek(4321)")
    studio.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", studio.one(selector))
    before, head, top = where(studio), boxes(studio, ".wave-stage > .playhead")[0]["x"], scrolled(studio)
    x, y = middle(studio.browser, studio.one(selector))
    swipe(studio.browser, (x, y), by=(0, 120 if top > 160 else -120))
    wait_until(lambda: abs(scrolled(studio) - top) > 40, "the page to scroll")
    assert where(studio) == before
    assert boxes(studio, ".wave-stage > .playhead")[0]["x"] == head
    assert len({round(box["x"]) for box in boxes(studio, ".playhead")}) == 1


def test_a_finger_that_goes_sideways_seeks_and_sets_gains(studio: Studio) -> None:
    before = where(studio)
    swipe(studio.browser, middle(studio.browser, studio.one(".wave-stage")), by=(80, 0))
    wait_until(lambda: where(studio)["at"] > 0.6 * studio.js("return window.audioPlayground.player.total"), "the seek")
    swipe(studio.browser, middle(studio.browser, studio.one(".fader input")), by=(-30, 0))
    wait_until(lambda: where(studio)["mix"][0][0] < -6, "the gain")
    assert where(studio)["mix"][1:] == before["mix"][1:] and scrolled(studio) == 0


def test_zooming_moves_nothing_and_the_whole_recording_is_one_touch_away(studio: Studio) -> None:
    parts = ".card, .track, .hosting .strip, .tools .i, .wave, .wave-stage, .wave-strip"
    before = boxes(studio, parts)
    for zoom in (".tools .i-plus", ".tools .i-plus", ".tools .i-minus"):
        tap(studio.browser, studio.one(zoom))
    wait_until(lambda: studio.js("return window.audioPlayground.player.range"), "the zoom")
    assert boxes(studio, ".wave-scroll") and boxes(studio, parts) == before
    (whole,) = boxes(studio, ".tools .i-whole")
    assert whole["width"] >= 44 and whole["height"] >= 44 and whole["right"] <= PHONE[0]
    assert studio.one(".tools .i-whole").accessible_name == "Show all"
    tap(studio.browser, studio.one(".tools .i-whole"))
    wait_until(lambda: studio.js("return window.audioPlayground.player.range === null"), "the whole recording")
    assert boxes(studio, parts) == before


def test_zooming_moves_nothing_on_a_desktop(studio: Studio) -> None:
    resize(studio.browser, DESKTOP)
    parts = ".card, .track, .hosting .strip, .tools .i, .wave, .wave-stage, .wave-strip"
    seen: list[list[dict[str, float]]] = []
    # What was laid out for a phone takes a moment to stand on a desk.

    def rests() -> bool:
        seen.append(boxes(studio, parts))
        return len(seen) > 3 and seen[-1] == seen[-4]

    wait_until(rests, "the page at rest")
    before = seen[-1]
    studio.one(".tools .i-plus").click()
    wait_until(lambda: studio.js("return window.audioPlayground.player.range"), "the zoom")
    assert boxes(studio, ".wave-scroll") and boxes(studio, parts) == before
    studio.button("Show all").click()


def test_suggestions_stay_under_the_finger_while_sounds_come_and_go(studio: Studio) -> None:
    studio.ask()
    scroll_to(studio, 0)
    parts = ".suggestions .toggle, .prompts, .wave-stage"
    before, toggles = boxes(studio, parts), {one.text: one for one in studio.all(".suggestions .toggle")}
    for n_sounds, words in ((1, "bass"), (2, "vocals"), (3, "drums"), (2, "vocals")):
        tap(studio.browser, toggles[words])
        wait_until(lambda n=n_sounds: len(studio.prompts) == n, f"{n_sounds} sounds")
        assert boxes(studio, parts) == before, words
    (field,) = boxes(studio, ".named > .prompt-input")
    assert field["left"] >= 0 and field["right"] <= PHONE[0], "the field for the next sound is in sight"


def test_a_run_says_how_long_it_takes_in_a_foot_that_stays_as_high(studio: Studio, tmp_path: Path) -> None:
    path, heights = tmp_path / "long.flac", set()
    soundfile.write(path, np.random.default_rng(3).uniform(-0.3, 0.3, 60 * 44_100), 44_100)
    studio.bring(path).ask("drums").start()

    def left() -> bool:
        heights.update(one["height"] for one in boxes(studio, ".shell-actions:has(.job-place:not(.hidden))"))
        return any("left" in words for words in studio.texts(".shell-actions .job-left"))

    wait_until(left, "the time that is left", RUN_S)
    assert len(heights) == 1 and studio.texts(".shell-actions .job-title") == ["Separating"]
    studio.finish("drums", "everything else")


def test_the_export_panel_is_whole(studio: Studio) -> None:
    tap(studio.browser, studio.one("[popovertarget=export]"))
    (panel,) = wait_until(lambda: boxes(studio, ".export-panel"), "the panel")
    foot = boxes(studio, ".shell-footer")[0]
    assert panel["left"] >= 0 and panel["right"] <= PHONE[0] and panel["top"] >= 0 and panel["bottom"] <= foot["top"]
    inside = boxes(studio, ".export-panel :is(button, select)")
    assert all(panel["left"] < one["left"] and one["right"] < panel["right"] for one in inside)
    assert all(one["height"] >= 44 for one in inside) and sideways_px(studio.browser) == 0
    tap(studio.browser, studio.one('.export-panel [aria-label="Close"]'))


def test_what_is_said_of_a_result_can_be_read_to_its_end(studio: Studio) -> None:
    cut = """return [...document.querySelectorAll('.timeline-head .made, .shell-header h1')]
        .filter((el) => el.scrollWidth > el.clientWidth || el.scrollHeight > el.clientHeight)
        .map((el) => el.innerText)"""
    assert studio.js(cut) == []
    height = boxes(studio, ".timeline-head")[0]["height"]
    longest = "Built-in separator · from an earlier run, nothing had to be computed"
    studio.js("document.querySelector('.timeline-head .made').innerText = arguments[0]", longest)
    studio.js("document.querySelector('h1').innerText = 'Street interview, take 3.wav'")
    assert studio.js(cut) == [] and boxes(studio, ".timeline-head")[0]["height"] == height
