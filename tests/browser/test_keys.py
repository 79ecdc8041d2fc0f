"""Keys in the Studio do what they do in every audio program, and can be left to those who do not want them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.support.browser import DESKTOP, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    """The demo with two sounds made of it."""
    resize(browser, DESKTOP)
    studio = Studio(browser, shared_server.url).open().try_demo().ask("drums", "bass").start()
    studio.finish("drums", "bass", "everything else").button("All").click()  # and the field has no focus any more
    wait_until(lambda: heard(studio) == {"drums", "bass", "everything else"}, "all of them")
    yield studio
    studio.js("localStorage.clear()")


def press(studio: Studio, *keys: str) -> None:
    ActionChains(studio.browser).send_keys(*keys).perform()


def playing(studio: Studio) -> bool:
    return bool(studio.player()["phase"] != "stopped")


def heard(studio: Studio) -> set[str]:
    return {name for name, gain in studio.gains().items() if gain}


@pytest.mark.parametrize(
    "selector",
    [
        '[aria-label="Mute drums"]',
        '[aria-label="Solo bass"]',
        ".play",
        '[aria-label="Loop"]',
        ".lane",
        ".wave-stage",
        ".chip-body",
        ".suggestions .toggle:last-child",
        '[aria-label="Spectrogram of bass"]',
    ],
)
def test_space_plays_after_a_click_anywhere(studio: Studio, selector: str) -> None:
    studio.one(selector).click()
    before = playing(studio)
    press(studio, Keys.SPACE)
    wait_until(lambda: playing(studio) is not before, "playing or the pause")


def test_space_presses_what_the_keyboard_has_reached_and_writes_in_a_field(studio: Studio) -> None:
    studio.js("document.querySelector('[aria-label=\"Mute drums\"]').focus()")
    press(studio, Keys.SPACE)
    wait_until(lambda: "drums" not in heard(studio), "the mute")
    assert not playing(studio)
    studio.one(".prompt-input").send_keys("a b")
    assert studio.one(".prompt-input").get_attribute("value") == "a b"
    assert not playing(studio)


def test_digits_hear_one_sound_alone_and_all_again(studio: Studio) -> None:
    press(studio, "2")
    wait_until(lambda: heard(studio) == {"bass"}, "the second sound alone")
    press(studio, "1")
    wait_until(lambda: heard(studio) == {"drums"}, "the first instead")
    press(studio, "1")
    wait_until(lambda: heard(studio) == {"drums", "bass", "everything else"}, "all of them")


def test_m_and_s_are_of_the_track_that_was_touched_last(studio: Studio) -> None:
    studio.one('.track[aria-label="bass"] .lane').click()
    press(studio, "m")
    wait_until(lambda: "bass" not in heard(studio), "the mute")
    press(studio, "ms")
    wait_until(lambda: heard(studio) == {"bass"}, "the solo")


def test_the_recording_is_heard_while_a_key_is_held(studio: Studio) -> None:
    before = heard(studio)
    ActionChains(studio.browser).key_down("o").perform()
    wait_until(lambda: heard(studio) == {"Mixture"}, "the recording")
    ActionChains(studio.browser).key_up("o").perform()
    wait_until(lambda: heard(studio) == before, "what was heard before")


def test_arrows_go_a_second_back_and_on(studio: Studio) -> None:
    press(studio, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    rate = studio.player()["sample_rate"]
    wait_until(lambda: studio.player()["position_samples"] == rate, "a second")


def test_ctrl_enter_separates_what_is_being_typed_too(studio: Studio) -> None:
    studio.one(".prompt-input").send_keys("vocals", Keys.CONTROL, Keys.ENTER)
    studio.finish("drums", "bass", "vocals", "everything else")


def test_three_tabs_from_the_field_of_sounds_to_running(studio: Studio) -> None:
    studio.type("vocals")
    field = studio.one(".prompt-input")
    field.send_keys(Keys.TAB)
    assert studio.browser.switch_to.active_element.get_attribute("aria-pressed"), "the suggestions, one stop"
    press(studio, Keys.ARROW_RIGHT)
    assert studio.browser.switch_to.active_element.text == "bass"
    press(studio, Keys.TAB, Keys.ENTER, Keys.TAB)
    assert studio.browser.switch_to.active_element.text == "Separate 3 sounds"


def test_single_keys_can_be_switched_off(studio: Studio) -> None:
    press(studio, "?")
    studio.one("dialog[open] input[type=checkbox]").click()
    studio.button("Close").click()
    press(studio, "1", Keys.SPACE)
    assert heard(studio) == {"drums", "bass", "everything else"} and not playing(studio)
    studio.reload().finish("drums", "bass", "everything else")
    press(studio, "1", Keys.SPACE)
    assert heard(studio) == {"drums", "bass", "everything else"} and not playing(studio), "it is remembered"


def test_an_open_dialog_keeps_its_keys_to_itself(studio: Studio) -> None:
    studio.type("vocals")
    studio.confirmed().js("document.activeElement.blur()")
    before = heard(studio)
    press(studio, "?")
    wait_until(lambda: studio.all("dialog[open]"), "the list of keys")
    press(studio, "1", "m", "k", Keys.CONTROL + Keys.ENTER)
    press(studio, Keys.ESCAPE)
    wait_until(lambda: not studio.all("dialog[open]"), "it to close")
    assert (heard(studio), playing(studio), studio.job) == (before, False, "")
    assert studio.run_button.text == "Separate 3 sounds"


def test_the_page_can_be_skipped_to(studio: Studio) -> None:
    studio.reload()
    press(studio, Keys.TAB)
    assert studio.browser.switch_to.active_element.text == "Skip to the page"
    press(studio, Keys.ENTER)
    assert studio.browser.switch_to.active_element.get_attribute("id") == "main"
