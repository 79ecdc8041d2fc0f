"""Where sound begins and where there is none: the fade of a start, and tracks that were deleted meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.support.browser import console_errors, wait_until
from tests.support.offline import rendered
from tests.support.player_app import SAMPLE_RATE, SOUNDS

pytestmark = pytest.mark.browser
FADE = round(0.012 * SAMPLE_RATE)  # samples


@pytest.fixture(scope="module")
def page(browser: Chrome, player_app: str) -> Iterator[Chrome]:
    """The studio of the test app with three tracks; the console stays silent."""
    browser.get(player_app)
    count = "return window.audioPlayground?.player.voices.size === 3 && window.did_handshake"
    wait_until(lambda: browser.execute_script(count), "three tracks")
    console_errors(browser)
    yield browser
    assert console_errors(browser) == []


def test_sound_that_begins_mid_way_rises_in_a_straight_line_of_12_ms(page: Chrome) -> None:
    page.execute_script("audioPlayground.player.setMix('target', {solo: true})")
    start = 3 * SAMPLE_RATE
    heard = rendered(page, start, 4 * FADE, fade_in=True)
    file = SOUNDS["target"][start : start + 4 * FADE].T  # (channels, samples)
    rise = np.minimum(1, np.arange(4 * FADE) / FADE)
    assert np.abs(file).max() > 0.1
    np.testing.assert_allclose(heard, file * rise, atol=1e-4)
    assert np.array_equal(rendered(page, start, 4 * FADE), file)  # the same without


def test_a_track_that_was_deleted_meanwhile_says_so_and_is_no_error(page: Chrome) -> None:
    page.execute_script("document.getElementById('gone').click()")

    def said() -> str:
        text: str = page.execute_script("return document.querySelector('.lane-note')?.textContent ?? ''")
        return text

    wait_until(lambda: "The waveform of lost is no longer there." in said(), "its row")
    page.find_element(By.CSS_SELECTOR, ".play").click()
    wait_until(lambda: "The audio of lost is no longer there." in said(), "its row")
    wait_until(lambda: page.execute_script("return audioPlayground.player.state().playing"), "the other tracks")


def test_a_browser_whose_clock_never_starts_says_that_it_has_no_output(page: Chrome, player_app: str) -> None:
    page.get(player_app)
    wait_until(lambda: page.execute_script("return window.audioPlayground?.player.voices.size === 3"), "three tracks")
    page.execute_script("""
        window.AudioContext = class extends AudioContext {
            constructor(options) { super(options); this.suspend(); }
            resume() { return new Promise(() => {}); } // as in Firefox on a computer without a sound card
        }""")
    page.find_element(By.CSS_SELECTOR, ".play").click()
    said = lambda: page.find_element(By.CSS_SELECTOR, ".transport [role=status]").text  # noqa: E731
    wait_until(lambda: said() == "waiting for audio…", "what is waited for")
    wait_until(lambda: said() == "no sound output", "what is missing")
    page.find_element(By.CSS_SELECTOR, ".play").click()
    wait_until(lambda: not said(), "nothing more to say")


def test_sound_is_music_to_a_phone_so_that_it_plays_with_the_ringer_off(page: Chrome, player_app: str) -> None:
    page.get(player_app)
    wait_until(lambda: page.execute_script("return window.audioPlayground?.player.voices.size === 3"), "three tracks")
    page.execute_script("Object.defineProperty(navigator, 'audioSession', {value: {type: 'auto'}})")  # Safari's
    page.find_element(By.CSS_SELECTOR, ".play").click()
    assert page.execute_script("return navigator.audioSession.type") == "playback"
