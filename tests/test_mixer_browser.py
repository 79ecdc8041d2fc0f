"""The mixer: what was measured of a result, mixes under names, and what a reload finds again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.browser import DESKTOP, console_errors, resize, wait_until
from tests.server import RunningServer
from tests.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def studio(browser: Chrome, server: RunningServer) -> Iterator[Studio]:
    """The demo with drums and everything else."""
    resize(browser, DESKTOP)
    console_errors(browser)
    studio = Studio(browser, server.url).open().try_demo().ask("drums")
    yield studio.start().finish("drums", "everything else")
    assert console_errors(browser) == []
    assert "Traceback" not in server.log()


def test_a_meter_says_how_well_the_tracks_add_up(studio: Studio) -> None:
    wait_until(lambda: "dB" in "".join(studio.texts(".measure")), "the level")
    meter = studio.one(".measure [role=meter]")
    assert float(meter.get_attribute("aria-valuenow") or 0) < -100
    assert "add up to the recording" in (meter.get_attribute("aria-valuetext") or "")
    assert meter.accessible_name == "What is left without the tracks"
    shown = studio.js("return parseFloat(getComputedStyle(arguments[0], '::before').width)", meter)
    assert shown < 10, "nothing is left: a sliver"
