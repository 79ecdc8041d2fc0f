"""The line of the Studio that says what a run would take, and the press that makes it fit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.server import running_server
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def studio(browser: Chrome) -> Iterator[Studio]:
    with running_server(module="tests.support.small_computer_app") as server:
        yield Studio(browser, server.url).open()
        assert "Traceback" not in server.log()


def facts(studio: Studio) -> dict[str, str]:
    return dict(zip(studio.texts(".cost dt"), studio.texts(".cost dd"), strict=True))


def test_the_studio_says_what_to_expect_and_one_press_makes_a_run_fit(studio: Studio) -> None:
    assert "Expected time" not in facts(studio)
    studio.try_demo().ask("drums")
    wait_until(lambda: facts(studio).get("Estimate") == "not measured here yet", "the estimate")
    assert facts(studio)["Expected time"].endswith(" s")
    assert facts(studio)["Memory"] == "470 to 820 MB"
    assert facts(studio)["On disk"] == "12 MB"
    (warning,) = [line for line in studio.texts(".warn.small") if line]
    assert warning.endswith("560 MB are free; chunks of 5 s would fit.")
    for width, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        resize(studio.browser, width)
        assert sideways_px(studio.browser) == 0, name
    studio.button("Use chunks of 5 s").click()
    wait_until(lambda: studio.setting("Length").get_attribute("value") == "5", "shorter chunks")
    wait_until(lambda: not [line for line in studio.texts(".warn.small") if line], "no warning")
    studio.start().finish("drums", "everything else")
    assert len(studio.js("return [...document.querySelectorAll('.track')]")) == 3
    wait_until(lambda: facts(studio)["Estimate"] != "not measured here yet", "what the run has taught")
    assert console_errors(studio.browser) == []
