"""A file with several audio tracks: the page says which one it took, and another is a menu away."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser
TWO = Path(__file__).parents[1] / "golden/inputs/two.mp4"
ROW = '[aria-label="Audio track"]'


def test_the_default_track_is_said_and_the_other_is_chosen_in_a_menu(
    browser: Chrome, shared_server: RunningServer
) -> None:
    resize(browser, DESKTOP)
    console_errors(browser)
    studio = Studio(browser, shared_server.url).open().bring(TWO)
    wait_until(lambda: "the default one is used, number 2 (aac, stereo)" in studio.messages, "which one it took")
    wait_until(lambda: "Audio track 2 of 2: aac, stereo" in "".join(studio.texts(ROW)), "the track")

    studio.button("Other tracks").click()
    offered = wait_until(lambda: studio.texts(".q-menu .q-item"), "the other tracks")
    assert offered == ["1: aac, mono"]
    studio.click_in_open_menu("1: aac, mono")
    wait_until(lambda: "Audio track 1 of 2: aac, mono" in "".join(studio.texts(ROW)), "the other track")
    wait_until(lambda: studio.title == "two.mp4, audio track 1", "its name")

    studio.reload()
    wait_until(lambda: "Audio track 1 of 2: aac, mono" in "".join(studio.texts(ROW)), "the same track after a reload")
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()
