"""Tooltips: one for the page, for the mouse and for the keyboard."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.support.browser import DESKTOP, console_errors, wait_until
from tests.support.fingers import middle, tap, touch
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser
LONGER_THAN_THE_WAIT_S = 0.8
CHUNKS = "How much is processed at once"


@pytest.fixture(scope="module")
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    yield Studio(browser, shared_server.url).open()
    assert console_errors(browser) == []


def tip(studio: Studio) -> str:
    return " ".join(studio.texts(".tip"))


def test_under_the_mouse_it_says_what_a_thing_does_and_goes_with_the_mouse(studio: Studio) -> None:
    ActionChains(studio.browser).move_to_element(studio.button("Try the demo")).perform()
    wait_until(lambda: tip(studio) == "A short song made for this program", "the tip")
    ActionChains(studio.browser).move_to_element(studio.one("h1")).perform()
    wait_until(lambda: not tip(studio), "no tip")


def test_a_setting_has_one_wherever_the_mouse_is_on_its_row(studio: Studio) -> None:
    field = studio.setting("Separator")
    for place in (field, field.find_element("xpath", "..")):
        ActionChains(studio.browser).move_to_element(studio.one("h1")).move_to_element(place).perform()
        wait_until(lambda: tip(studio).startswith("SAM-Audio understands any words"), "the tip")


def test_the_keyboard_shows_it_too_and_says_it_to_screen_readers(studio: Studio) -> None:
    field = studio.setting("Length")
    ActionChains(studio.browser).move_to_element(studio.one("h1")).perform()
    studio.js("arguments[0].focus()", field.find_element("xpath", "ancestor::details/summary"))
    ActionChains(studio.browser).send_keys(Keys.TAB).perform()
    wait_until(lambda: tip(studio).startswith(CHUNKS), "the tip")
    assert field.get_attribute("aria-description").startswith(CHUNKS)
    ActionChains(studio.browser).send_keys("1").perform()
    wait_until(lambda: not tip(studio), "no tip over what is typed")


def test_it_lies_above_a_panel_and_inside_the_window(studio: Studio) -> None:
    studio.one('[aria-label^="Queue"]').click()
    close = wait_until(lambda: studio.all('.queue [aria-label="Close"]'), "the panel")[0]
    wait_until(lambda: close.rect["x"] + close.rect["width"] <= DESKTOP[0], "it to have moved in")
    ActionChains(studio.browser).move_to_element(close).perform()
    wait_until(lambda: tip(studio) == "Close", "the tip")
    box = studio.js("return document.querySelector('.tip').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0 and box["right"] <= DESKTOP[0] and box["top"] >= 0
    assert studio.js("return document.querySelector('.tip').matches(':popover-open')"), "above every dialog"


def test_a_finger_that_presses_gets_no_tip_and_one_that_rests_does(studio: Studio) -> None:
    studio.reload().try_demo()
    field, name = studio.one(".prompt-input"), studio.one("h1")
    tap(studio.browser, field)
    wait_until(lambda: studio.js("return document.activeElement === arguments[0]", field), "the focus")
    time.sleep(LONGER_THAN_THE_WAIT_S)
    assert not tip(studio)
    touch(studio.browser, "touchStart", middle(studio.browser, studio.one(".play")))
    wait_until(lambda: "Space" in tip(studio), "the tip")
    touch(studio.browser, "touchMove", middle(studio.browser, name))
    touch(studio.browser, "touchEnd")
