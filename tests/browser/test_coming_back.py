"""What a person was at is not lost: a word that was typed counts, and the Studio's link leads back to the recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome, Keys

from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer, tmp_path: Path) -> Iterator[Studio]:
    """Two seconds of noise on the desk, of which nothing is asked."""
    path = tmp_path / "noise.flac"
    soundfile.write(path, np.random.default_rng().uniform(-0.3, 0.3, 2 * 44_100), 44_100)
    resize(browser, DESKTOP)
    console_errors(browser)
    yield Studio(browser, shared_server.url).open().bring(path)
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def test_a_word_that_is_being_typed_is_asked_for_by_the_press_of_separate(studio: Studio) -> None:
    assert (studio.run_button.text, studio.run_button.is_enabled()) == ("Name a sound first", False)
    studio.one(".prompt-input").send_keys("drums, Drums, bass")
    assert (studio.run_button.text, studio.run_button.is_enabled()) == ("Separate 2 sounds", True)
    studio.run_button.click()
    assert [chip.split("\n")[0] for chip in studio.prompts] == ["drums", "bass"]
    assert studio.one(".prompt-input").get_attribute("value") == ""
    studio.finish("drums", "bass", "everything else")

    studio.one(".prompt-input").send_keys("vocals")
    wait_until(lambda: studio.run_button.text == "Separate 3 sounds", "another sound to be made")
    studio.one(".prompt-input").send_keys(Keys.CONTROL + "a", Keys.BACKSPACE)
    wait_until(lambda: "Keep stems" in studio.texts(".shell-actions button"), "what was made, as nothing else is asked")


def test_the_link_of_the_studio_leads_back_to_the_recording_and_its_own_to_the_start(studio: Studio) -> None:
    address = studio.browser.current_url
    studio.one(".shell-rail a[href='/library']").click()
    wait_until(lambda: studio.title == "Library", "another page")
    studio.one(".shell-rail .rail-link:first-of-type").click()
    wait_until(lambda: studio.title == "noise.flac", "the recording")
    assert studio.browser.current_url == address
    studio.settled().one(".shell-rail .rail-link:first-of-type").click()
    wait_until(lambda: studio.texts(".drop-zone"), "the start, for another recording")
