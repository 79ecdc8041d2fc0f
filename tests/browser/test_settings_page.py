"""The Settings page in a real browser: sharing is turned on and off at run time, and one signs out."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome

from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, resize, wait_until
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio
from webapp.access.listening import network_addresses

pytestmark = pytest.mark.browser
FINGERS_PX = 44
SMALL = """
    const shown = [...document.querySelectorAll(".settings-page :is(button, a, input:not(.switch), select, label)")];
    const boxes = shown.map((one) => [one.textContent || one.ariaLabel, one.getBoundingClientRect().height]);
    return boxes.filter(([, height]) => height > 0 && height < arguments[0]);
"""


def opened(browser: Chrome, server: RunningServer) -> Studio:
    """The page, as the host has it who has followed the printed address."""
    token = (server.home / "host_token").read_text()
    page = Studio(browser, server.url).open(f"/settings?token={token}")
    wait_until(lambda: "This device" in page.texts(".person .pill"), "the page", 30)
    return page


@pytest.mark.skipif(not network_addresses(), reason="this computer is on no network")
def test_sharing_is_turned_on_and_off_while_the_studio_runs(browser: Chrome, tmp_path: Path) -> None:
    with running_server(home=tmp_path / "home", asks_for_token=True) as server:
        page = opened(browser, server)
        page.one("#setting-sharing-on").click()
        address = wait_until(lambda: page.texts(".addresses .address"), "the addresses", 30)[0]
        passcode = wait_until(lambda: page.texts(".passcode"), "the passcode")[0]
        html = {"Accept": "text/html"}
        assert httpx.get(address, headers=html, timeout=30).headers["location"].startswith("/login")
        answer = httpx.post(
            f"{address}/login", data={"passcode": passcode, "name": "Ada"}, headers={"Origin": address}, timeout=30
        )
        assert answer.status_code == 303
        wait_until(lambda: "Ada" in page.texts(".person b"), "who came", 30)
        page.button("Invite one person").click()
        wait_until(lambda: page.texts(".invitation-link"), "the invitation")
        for size, look in ((DESKTOP, "Dark"), (DESKTOP, "Light"), (PHONE, "Light")):
            resize(browser, size)
            page.button(look).click()
            wait_until(partial(page.all, f"body.body--{look.lower()}"), look)
            assert faults(page) == [], (size, look)
        assert page.js(SMALL, FINGERS_PX) == []
        assert page.js("return document.documentElement.scrollWidth") == PHONE[0]
        resize(browser, DESKTOP)
        page.one("#setting-sharing-on").click()
        wait_until(lambda: not page.texts(".addresses .address"), "the end of sharing", 30)
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, timeout=30)
        assert httpx.get(f"{server.url}/healthz", timeout=30).status_code == 200
        page.one("#setting-sharing-on").click()
        wait_until(lambda: page.texts(".addresses .address"), "the addresses again", 30)
        server.process.send_signal(signal.SIGINT)
        server.process.wait(60)
        assert "ERROR" not in server.log(), "the server that is shared ends as any other"


def test_who_signs_out_is_at_the_login_page_and_gets_in_no_more(browser: Chrome, tmp_path: Path) -> None:
    with running_server(home=tmp_path / "home", asks_for_token=True) as server:
        page = opened(browser, server)
        page.js("[...document.querySelectorAll('form .button')].at(-1).click()")
        wait_until(lambda: "/login" in browser.current_url, "the login page", 30)
        browser.get(f"{server.url}/settings")
        wait_until(lambda: "/login" in browser.current_url, "the login page again", 30)
