"""An evening with two guests: they join on their phones, bring, separate and listen; the host watches over them."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, chromium, console_errors, prefer, resize, sideways_px, wait_until
from tests.support.run_fakes import song
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio
from webapp.access.listening import network_addresses

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not network_addresses(), reason="this computer is on no network"),
]


@dataclass
class Evening:
    """A shared studio, its host at a desk, and two phones that nobody has signed in on."""

    server: RunningServer
    host: Studio
    ana: Studio
    bo: Studio

    @property
    def passcode(self) -> str:
        found = re.search(r"Passcode: (\S+)", self.server.log())
        assert found is not None
        return found[1]

    def restart(self, stack: ExitStack) -> None:
        """End the server as its owner would and start it again, on the same folder and port."""
        self.server.process.send_signal(signal.SIGINT)
        self.server.process.wait(60)
        again = running_server("--share", home=self.server.home, port=self.server.port, asks_for_token=True)
        stack.enter_context(again)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def evening(browser: Chrome, stack: ExitStack, tmp_path: Path) -> Evening:
    server = stack.enter_context(running_server("--share", home=tmp_path / "home", asks_for_token=True))
    phones = [stack.enter_context(chromium()) for _ in range(2)]
    for phone in phones:
        resize(phone, PHONE)
    token = (server.home / "host_token").read_text()
    host = Studio(browser, server.url).open(f"/settings?token={token}")
    wait_until(lambda: host.texts(".person"), "the host's settings", 30)
    return Evening(server, host, *(Studio(phone, server.url) for phone in phones))


def check(page: Studio) -> None:
    """What is on the screen has no fault that axe finds, in the dark and in the light, and is not wider than it."""
    for scheme in ("dark", "light"):
        prefer(page.browser, scheme)
        if page.all(".shell"):  # these have a choice of their own
            page.js(f"document.cookie = 'scheme={scheme}; path=/'")
            page.reload()
        assert faults(page) == [], (scheme, page.browser.current_url)
    assert sideways_px(page.browser) <= 0, page.browser.current_url


def fill_in(page: Studio, **fields: str) -> None:
    """Fill in the form of a plain page and send it."""
    for name, value in fields.items():
        page.browser.find_element(By.ID, name).send_keys(value)
    page.one("form button[type=submit]").click()


def lists(page: Studio, *names: str) -> bool:
    """Open the library and wait until it lists these recordings and no others."""
    page.open("/library")
    shown = lambda: page.texts(".lib-row > .lib-line .lib-name")  # noqa: E731
    done = lambda: page.texts(".lib-tools, .drop-zone") and shown() == list(names)  # noqa: E731
    return bool(wait_until(done, f"{names} in the library", 30))


def test_two_phones_join_bring_separate_listen_and_leave(evening: Evening, stack: ExitStack, tmp_path: Path) -> None:
    host, ana, bo = evening.host, evening.ana, evening.bo

    # Ana joins by a link that holds once.
    host.button("Invite one person").click()
    link = wait_until(lambda: host.texts(".invitation-link"), "the invitation", 30)[0]
    path = re.sub(r"^https?://[^/]+", "", link)
    ana.browser.get(evening.server.url + path)
    check(ana)
    fill_in(ana, name="Ana")
    ana.settled()
    wait_until(lambda: "Ana" in host.texts(".person b"), "that the host sees Ana", 30)
    bo.browser.get(evening.server.url + path)
    assert "was used already" in bo.one("main").text
    check(bo)

    # Bo has the passcode, and mistypes it first.
    bo.browser.get(evening.server.url + "/library")
    wait_until(lambda: "/login" in bo.browser.current_url, "the sign-in page")
    check(bo)
    fill_in(bo, passcode="not it")
    wait_until(lambda: bo.texts(".error"), "that it was wrong", 30)
    check(bo)
    fill_in(bo, passcode=evening.passcode, name="Bo")
    bo.settled()
    assert bo.browser.current_url.endswith("/library"), "where he wanted to go"

    # Ana brings a song and separates it; she hears it, Bo does not know of it, the host watches.
    own = song(tmp_path / "rehearsal.wav", 4.0)
    ana.open("/").bring(own)
    address = wait_until(lambda: ana.js("return location.search"), "the song in the address", 30)
    ana.ask("drums").start().finish("drums", "everything else")
    ana.js("document.querySelector('.transport [aria-label=\"Play\"]').click()")
    wait_until(lambda: ana.player()["playing"], "the sound", 30)
    ana.js("document.querySelector('.transport [aria-label=\"Pause\"]').click()")
    assert lists(bo)
    bo.open(f"/{address}")
    wait_until(lambda: "not in the library any more" in bo.messages, "that it is not here", 30)
    assert lists(host, "rehearsal.wav") and "from Ana" in host.texts(".lib-facts")[0]
    check(ana)
    assert lists(ana, "rehearsal.wav")
    check(ana)

    # The server starts again: all three are still who they were, in the pages that they had open.
    evening.restart(stack)
    for page in (host, ana, bo):
        page.reload()
    assert lists(ana, "rehearsal.wav") and lists(bo) and lists(host, "rehearsal.wav")

    # Ana shares the song; Bo listens, and cannot delete it.
    ana.one('[aria-label="Share rehearsal.wav"]').click()
    wait_until(lambda: "Shared" in ana.texts(".lib-title .pill"), "that it is shared")
    assert lists(bo, "rehearsal.wav") and not bo.all('[aria-label="Delete rehearsal.wav"]')
    check(bo)
    bo.open(f"/{address}")
    wait_until(lambda: bo.title == "rehearsal.wav", "Ana's song on Bo's phone", 30)

    # The host lets guests do less; open pages show it at once.
    host.open("/settings")
    host.one("#setting-guests-run").click()
    wait_until(lambda: "does not let guests separate" in " ".join(bo.texts(".guest-note")), "the note", 30)
    assert not bo.texts(".shell-actions") and not bo.texts(".prompt-input:not(.mix-name)")
    check(bo)
    check(host)

    # Bo becomes a host, and is signed out at last.
    host.one('[aria-label="Make Bo a host"]').click()
    host.button("Make a host").click()
    wait_until(lambda: not bo.texts(".guest-note"), "Bo's page as a host's", 30)
    bo.open("/settings")
    wait_until(lambda: "Ana" in bo.texts(".person b"), "what hosts see", 30)
    host.one('[aria-label="Sign out Bo"]').click()
    wait_until(lambda: "/login" in bo.browser.current_url, "the sign-in page", 30)
    bo.browser.get(evening.server.url + "/library")
    wait_until(lambda: "/login" in bo.browser.current_url, "the sign-in page again", 30)

    # Ana leaves.
    ana.open("/settings")
    check(ana)
    ana.button("Sign out").click()
    wait_until(lambda: "/login" in ana.browser.current_url, "the sign-in page", 30)
    resize(ana.browser, DESKTOP)
    check(ana)
    wait_until(lambda: host.texts(".person b") == ["You"], "that nobody else is here", 30)
    for page in (host, ana, bo):
        # A page complains when its server goes, and a browser of what was refused, as it should be.
        expected = ("WebSocket", "ERR_CONNECTION_REFUSED", "status of 401", "status of 410")
        complaints = [line for line in console_errors(page.browser) if not any(one in line for one in expected)]
        assert complaints == []


def test_a_host_is_warned_where_others_could_read_along(evening: Evening) -> None:
    (address, *_) = network_addresses()
    token = (evening.server.home / "host_token").read_text()
    phone = evening.ana
    phone.browser.get(f"http://{address}:{evening.server.port}/?token={token}")
    assert "the connection is not" in phone.one("[role=alert]").text
    check(phone)
    fill_in(phone)
    phone.settled()
    phone = Studio(phone.browser, f"http://{address}:{evening.server.port}").open("/settings")
    wait_until(lambda: "Host" in phone.texts(".person .pill"), "the host's settings", 30)


def test_what_is_not_for_guests_is_said_on_a_page(evening: Evening) -> None:
    evening.host.one("#setting-guests-listen").click()
    phone = evening.ana
    phone.browser.get(evening.server.url + "/models")
    fill_in(phone, passcode=evening.passcode, name="Ana")
    wait_until(
        lambda: "nothing that the host lets guests see or do" in "".join(phone.texts("main")), "the sentence", 30
    )
    check(phone)
