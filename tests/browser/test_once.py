"""In a real browser: a double click is one job, and a number that is put right says so and stands in its field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer, tmp_path: Path) -> Iterator[Studio]:
    """A minute of noise on the desk, with drums asked of it."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 60 * 44_100), 44_100)
    resize(browser, DESKTOP)
    console_errors(browser)
    yield Studio(browser, shared_server.url).open().bring(path).ask("drums")
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def test_a_double_click_on_separate_is_one_job(studio: Studio) -> None:
    wait_until(studio.run_button.is_enabled, "a run button that is ready")
    ActionChains(studio.browser).double_click(studio.run_button).perform()
    queue = lambda: studio.one(".queue-button").get_attribute("aria-label")  # noqa: E731 (asked for again and again)
    wait_until(lambda: "running" in (queue() or ""), "a job that runs")
    assert queue() == "Queue: 1 running"
    wait_until(lambda: studio.job and "queue" not in studio.job, "the job that runs, on the page")
    studio.button("Cancel").click()
    wait_until(lambda: queue() == "Queue: empty", "an empty queue")


def test_a_number_that_is_put_right_stands_in_its_field_and_says_so(studio: Studio) -> None:
    assert not studio.texts(".settings [aria-label=Preset]"), "presets make no difference here"
    length = studio.setting("Length")
    for _ in range(2):  # the second time nothing else changes
        typed(length, "-5")
        wait_until(lambda: length.get_attribute("value") == "0.5", "the least length")
        wait_until(lambda: "At least 0.5 s; set to 0.5." in "".join(studio.texts(".settings .said")), "why")
    described = studio.js("return document.getElementById(arguments[0].getAttribute('aria-describedby'))", length)
    spoken = studio.js("return arguments[0].closest('.settings').querySelector('[role=status]').textContent", length)
    assert described.text in spoken and described.text.startswith("At least 0.5 s; set to 0.5.")
    assert studio.browser.switch_to.active_element == length, "the cursor stays"
    typed(length, "7")
    wait_until(lambda: not studio.texts(".settings .said"), "nothing to say")
    assert length.get_attribute("value") == "7"


def typed(field: WebElement, words: str) -> None:
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(words, Keys.ENTER)
