"""What a guest of a shared studio can press, and what a clever one can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys

from tests.support.browser import wait_until
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio

PASSCODE = "four calling birds"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server("--host", "0.0.0.0", "--passcode", PASSCODE) as running:
        yield running


@pytest.mark.browser
def test_a_guest_finds_no_button_that_changes_a_model(server: RunningServer, browser: Chrome) -> None:
    changing = """return [...document.querySelectorAll(".doctor button, .model-buttons button")]
        .filter((el) => el.checkVisibility() && el.innerText !== "Versions").map((el) => el.innerText)"""
    studio = Studio(browser, server.url)
    browser.get(f"{server.url}/login?next=/models")
    browser.find_element("name", "passcode").send_keys(PASSCODE, Keys.ENTER)
    wait_until(lambda: studio.texts(".model-row"), "the models")
    assert "Run the self-test" in studio.js(changing) and "Download" in studio.js(changing)
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"X-Forwarded-For": "192.0.2.7"}})
    studio.open("/models")
    wait_until(lambda: studio.texts(".model-row"), "the models")
    assert studio.js(changing) == [] and studio.texts(".guest-note")
    for hidden in studio.all(".doctor button, .model-buttons button"):  # what a clever guest would do
        studio.js("if (arguments[0].innerText !== 'Versions') arguments[0].click()", hidden)
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    studio.open("/models")
    wait_until(lambda: "Run the self-test" in studio.js(changing), "the host's page, and no test under way")
    assert not studio.texts(".model-progress, .doctor-found li, .steps, .model-question")
