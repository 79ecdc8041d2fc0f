"""A passage is looped by a drag on the time ruler, by fingers and by keys: every lane shows it, and it goes round."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.support.browser import DESKTOP, PHONE, console_errors, prefer, resize, sideways_px, wait_until
from tests.support.fingers import swipe, tap
from tests.support.player_app import N_SAMPLES, SAMPLE_RATE
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser
DURATION_S = N_SAMPLES / SAMPLE_RATE


class RulerPage:
    """The page with a waveform, three lanes and a transport, and what a person does on its ruler."""

    def __init__(self, driver: Chrome, address: str) -> None:
        self.driver, self.address = driver, address
        self.js = driver.execute_script

    def open(self, size: tuple[int, int] = DESKTOP) -> RulerPage:
        resize(self.driver, size)
        prefer(self.driver, "dark")
        self.driver.get(self.address)
        drawn = """return window.audioPlayground?.player.voices.size === 3 && window.did_handshake
            && !document.querySelector(".lane-note, .wave-note")"""
        wait_until(lambda: self.js(drawn), "three drawn tracks")
        console_errors(self.driver)
        return self

    # what is there

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.js("return window.audioPlayground.player.state()")
        return found

    def loop_s(self) -> tuple[float, float] | None:
        """The passage that goes round, in seconds; None if none does."""
        loop = self.state()["loop"]
        return (
            (loop["start"] / SAMPLE_RATE, loop["end"] / SAMPLE_RATE)
            if loop["on"] and loop["start"] is not None
            else None
        )

    def boxes(self, selector: str) -> list[dict[str, float]]:
        script = "return [...document.querySelectorAll(arguments[0])].map((el) => el.getBoundingClientRect().toJSON())"
        found: list[dict[str, float]] = self.js(script, selector)
        return found

    def xy(self, time_s: float) -> tuple[int, int]:
        """Where a time lies on the ruler."""
        box = self.boxes(".loop-ruler")[0]
        return round(box["left"] + time_s / DURATION_S * box["width"]), round(box["top"] + box["height"] / 2)

    # gestures

    def drag(self, *times_s: float, drop: bool = True) -> None:
        """Press the mouse on the ruler at the first time and move it over the others."""
        hand = ActionChains(self.driver, duration=0)
        mouse = hand.w3c_actions.pointer_action
        mouse.move_to_location(*self.xy(times_s[0]))
        mouse.pointer_down()
        for time_s in times_s[1:]:
            mouse.move_to_location(*self.xy(time_s))
        if drop:
            mouse.pointer_up()
        hand.perform()

    def release(self) -> None:
        hand = ActionChains(self.driver, duration=0)
        hand.w3c_actions.pointer_action.pointer_up()
        hand.perform()

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()


@pytest.fixture
def page(browser: Chrome, player_app: str) -> Iterator[RulerPage]:
    """Lets go of the mouse afterwards; nothing may have been complained about in the console."""
    yield RulerPage(browser, player_app)
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": 0, "y": 0, "button": "left"})
    assert console_errors(browser) == []


def about(start_s: float, end_s: float, within_s: float = 0.1) -> Any:
    return pytest.approx((start_s, end_s), abs=within_s)


def test_a_drag_on_the_ruler_marks_the_passage_on_every_lane_and_it_goes_round(page: RulerPage) -> None:
    page.open()
    parts = ".card, .lane, .wave-stage, .shell-footer *:not(.meter *)"
    before = page.boxes(parts)
    page.drag(6, 5, 4, drop=False)
    assert page.loop_s() is None and page.boxes(".loop-times"), "until the hand is lifted only the picture changes"
    page.release()
    assert page.loop_s() == about(4, 6)
    (band,) = page.boxes(".wave-stage .loop-band")
    assert (band["left"], band["right"]) == pytest.approx((page.xy(4)[0], page.xy(6)[0]), abs=2)
    lanes = page.boxes(".lane .loop-band")
    assert len(lanes) == 3 and len({(lane["left"], lane["right"]) for lane in lanes}) == 1
    assert page.boxes(parts) == before, "nothing else has moved"
    assert page.state()["position_samples"] / SAMPLE_RATE == pytest.approx(4, abs=0.1), "so that Space plays it"


def test_the_passage_is_played_round_without_a_gap(page: RulerPage) -> None:
    page.open().drag(3, 4)
    start, end = page.state()["loop"]["start"], page.state()["loop"]["end"]
    page.keys(Keys.SPACE)

    def rounds() -> list[dict[str, int]]:
        run: list[dict[str, int]] = next(
            track["scheduled"] for track in page.state()["tracks"] if track["id"] == "mixture"
        )
        return run if sum(piece["start_sample"] == start for piece in run) > 2 else []

    run = wait_until(rounds, "two rounds")
    assert all(b["when_frame"] == a["when_frame"] + a["count"] for a, b in itertools.pairwise(run))
    assert all(start <= piece["start_sample"] < piece["start_sample"] + piece["count"] <= end for piece in run)


def test_its_edges_and_its_middle_are_dragged_and_a_click_seeks(page: RulerPage) -> None:
    page.open().drag(4, 8)
    page.drag(8, 9, 10)
    assert page.loop_s() == about(4, 10)
    page.drag(4, 6)
    assert page.loop_s() == about(6, 10)
    page.drag(8, 9)
    assert page.loop_s() == about(7, 11)
    page.drag(9, -0.5)
    assert page.loop_s() == about(0, 4), "it stops at the beginning, as long as before"
    for click_s in (15, 2):  # beside the passage, and in it
        page.drag(click_s)
        assert page.state()["position_samples"] / SAMPLE_RATE == pytest.approx(click_s, abs=0.05)
        assert page.loop_s() == about(0, 4)
    page.drag(12, 22)
    assert page.loop_s() == about(12, DURATION_S), "a new drag beside it makes another"


def test_escape_breaks_a_drag_off_and_takes_the_passage_away(page: RulerPage) -> None:
    page.open().drag(4, 8)
    page.drag(12, 15, drop=False)
    page.keys(Keys.ESCAPE)
    page.release()
    assert page.loop_s() == about(4, 8)
    page.js("document.body.insertAdjacentHTML('beforeend', '<p popover id=menu>…'); window.menu.showPopover()")
    page.keys(Keys.ESCAPE)
    assert page.loop_s() == about(4, 8), "Escape closes what is open first"
    page.keys(Keys.ESCAPE)
    assert page.loop_s() is None and page.boxes(".loop-passage, .loop-band") == []
    page.drag(4, 8)
    page.driver.find_element("css selector", ".loop-remove").click()
    assert page.loop_s() is None and page.boxes(".loop-passage, .loop-band") == []


def test_the_keyboard_sets_moves_and_removes_it(page: RulerPage) -> None:
    page.open()
    seek = "window.audioPlayground.player.seek(arguments[0])"
    page.js(seek, 5 * SAMPLE_RATE)
    page.keys("[")
    assert page.loop_s() == about(5, DURATION_S)
    page.js(seek, 7 * SAMPLE_RATE)
    page.keys("]")
    assert page.loop_s() == (5, 7)
    assert page.state()["position_samples"] == 5 * SAMPLE_RATE, "what is looped is heard"
    page.keys("r")
    assert page.loop_s() is None
    assert page.boxes(".loop-passage.off") and page.boxes(".loop-band") == [], "it is kept, and shown as off"
    page.keys("r")
    assert page.loop_s() == (5, 7)
    edges = page.driver.find_elements("css selector", ".loop-edge")
    assert [edge.accessible_name for edge in edges] == ["Start of the loop", "End of the loop"]
    edges[1].send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert page.loop_s() == (5, 8)
    edges[0].send_keys(Keys.ARROW_LEFT)
    assert page.loop_s() == about(4.85, 8) != (5, 8)
    page.js(seek, 3 * SAMPLE_RATE)
    page.keys("]")
    assert page.loop_s() == (0, 3), "an end before the start: from the beginning"
    edges[0].send_keys(Keys.DELETE)
    assert page.loop_s() is None and page.boxes(".loop-passage") == []


def test_brackets_that_are_typed_with_other_keys_count_and_commands_of_the_browser_do_not(page: RulerPage) -> None:
    page.open()
    page.js("window.audioPlayground.player.seek(arguments[0])", 5 * SAMPLE_RATE)
    press = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '[', bubbles: true, ...arguments[0]}))"
    page.js(press, {"metaKey": True})
    page.js(press, {"ctrlKey": True})
    assert page.loop_s() is None
    page.js(press, {"ctrlKey": True, "altKey": True})  # AltGr on Windows
    assert page.loop_s() == about(5, DURATION_S)


def test_fingers_mark_it_on_a_phone_and_its_parts_are_large_enough(page: RulerPage) -> None:
    page.open(PHONE)
    (start, y), (end, _) = page.xy(6), page.xy(12)
    swipe(page.driver, (start, y), by=(end - start, 0))
    assert page.loop_s() == about(6, 12, 0.2)
    for part in page.boxes(".loop-edge, .loop-remove"):
        assert part["width"] >= 44 and part["height"] >= 44
    (before_s, _), before = page.loop_s() or (0, 0), page.boxes(".loop-passage")[0]
    swipe(page.driver, (end + 16, y), by=(44, 0))
    assert page.loop_s() == about(before_s, 12 + 44 / 368 * DURATION_S, 0.5)
    assert page.boxes(".loop-passage")[0]["left"] == before["left"]
    assert sideways_px(page.driver) == 0
    tap(page.driver, page.driver.find_element("css selector", ".loop-remove"))
    wait_until(lambda: page.loop_s() is None and not page.boxes(".loop-passage"), "it to go")


def test_the_ruler_grows_when_a_finger_takes_the_place_of_the_mouse(page: RulerPage) -> None:
    page.open()
    assert page.boxes(".loop-ruler")[0]["height"] == 24
    resize(page.driver, PHONE)
    wait_until(lambda: page.boxes(".loop-ruler")[0]["height"] == 44, "a ruler for fingers")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_in_the_studio_it_lies_over_the_sounds_and_goes_with_its_recording(
    browser: Chrome, shared_server: RunningServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / f"another of {size[0]}.wav"
    soundfile.write(path, np.random.default_rng(size[0]).uniform(-0.3, 0.3, (12 * 44_100, 2)), 44_100)
    resize(browser, size)
    studio = (
        Studio(browser, shared_server.url).open().try_demo().ask("drums").start().finish("drums", "everything else")
    )
    studio.js("window.audioPlayground.player.loopPassage(441000, 882000)")
    shown = "return [...document.querySelectorAll('.loop-band')].map((el) => Math.round(el.getBoundingClientRect().x))"
    bands = wait_until(lambda: len(bands := studio.js(shown)) == 3 and bands, "the band over three lanes")
    assert len(set(bands)) == 1, "under one ruler"
    studio.bring(path)
    assert studio.js("return window.audioPlayground.player.passage") is None and studio.js(shown) == []
    resize(browser, DESKTOP)
