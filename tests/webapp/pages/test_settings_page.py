"""What the Settings page says, and what its switches and buttons do, for a host and for a guest."""

from __future__ import annotations

import json
import sys

import pytest

from separation.errors import SeparationError, SettingsError
from tests.support.simulated import simulated_studio
from webapp.access.lan_server import LanServer
from webapp.pages.settings.people_card import ago
from webapp.state.doctor import Doctor

PASSCODE = "four calling birds"
GUESTS = ("listen", "run", "upload", "manage")


@pytest.fixture
async def host(tmp_path, monkeypatch):
    """The page as somebody sees it who sits at the computer, of a studio that is not shared."""
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        yield await page.open("/settings")


@pytest.fixture
async def shared(tmp_path, monkeypatch):
    """The page of a studio that was shared from its start."""
    monkeypatch.setattr("webapp.access.listening.network_addresses", lambda versions=(4,): ["192.168.7.5"])
    async with simulated_studio(tmp_path / "home", monkeypatch, passcode=PASSCODE) as page:
        yield await page.open("/settings")


async def is_signed_in(browser):
    """Whether its page offers to sign out; who sits at the computer needs no session for it."""
    return "/logout" in (await browser.get("/settings", headers={"Accept": "text/html"})).text


def chosen(tmp_path):
    return json.loads((tmp_path / "home" / "preferences.json").read_text())


def kept(tmp_path):
    return json.loads((tmp_path / "home" / "sharing.json").read_text())


async def test_of_a_studio_of_this_computer_alone_that_is_said_and_nothing_of_guests_links(host):
    assert "Only browsers of this computer reach the studio." in host.of("Sharing")
    assert host.setting("sharing.on")["value"] is False
    assert "Passcode" not in host.of("Sharing") and "Invitation" not in host.of("Sharing")


async def test_the_addresses_of_a_shared_studio_are_shown_and_why_it_cannot_be_turned_off(shared):
    assert "http://192.168.7.5:8080" in shared.of("Addresses")
    assert shared.setting("sharing.on")["value"] and shared.setting("sharing.on")["disabled"]
    assert "It was started like that" in shared.of("Sharing")
    assert "others on this network can listen in" in shared.of("Sharing"), "it has no certificate"


async def test_a_new_passcode_is_shown_until_the_page_is_left_and_kept_as_a_hash_only(shared, tmp_path):
    assert "kept so that nobody can read it" in shared.of("Sharing")
    before = kept(tmp_path)["passcode"]
    shared.press("New passcode", of="Sharing")
    await shared.until(lambda: shared.of("New passcode"), "the passcode")
    passcode = shared.of("New passcode")
    assert kept(tmp_path)["passcode"] != before and passcode not in (tmp_path / "home" / "sharing.json").read_text()
    await shared.log_in(passcode)
    await shared.log_out()
    await shared.open("/settings")
    assert passcode not in shared.text


async def test_a_passcode_of_ones_own_needs_ten_characters(shared, tmp_path):
    before = kept(tmp_path)["passcode"]
    shared.press("Choose one…")
    field = "Passcode of your own"
    shared.enter(field, "ninechars")
    await shared.until(lambda: "too short" in shared.of("Sharing"), "the refusal")
    assert kept(tmp_path)["passcode"] == before
    shared.enter(field, "five golden rings")
    await shared.until(lambda: shared.of("New passcode") == "five golden rings", "the passcode")
    assert "too short" not in shared.of("Sharing")
    await shared.log_in("five golden rings")


async def test_a_link_lets_one_person_in_once(shared):
    shared.press("Invite one person")
    await shared.until(lambda: shared.of("Invitation"), "the link")
    address, _, secret = shared.of("Invitation").partition("/join/")
    assert address == "http://192.168.7.5:8080" and len(secret) >= 32
    await shared.join(secret, "Ada")
    await shared.open("/settings")
    assert "You are here as Ada" in shared.text
    await shared.log_out()
    with pytest.raises(AssertionError):
        await shared.join(secret, "Ben")


async def test_what_guests_may_do_is_kept_and_holds_at_once(shared, tmp_path):
    usual = {right: shared.setting(f"guests.{right}")["value"] for right in GUESTS}
    assert usual == {"listen": True, "run": True, "upload": True, "manage": True}
    shared.set("guests.upload", False)
    await shared.until(lambda: "upload" not in kept(tmp_path)["guests_may"], "the change")
    assert sorted(kept(tmp_path)["guests_may"]) == ["listen", "manage", "run"]
    assert shared.setting("guests.upload")["value"] is False
    await shared.log_in(PASSCODE)
    assert await shared.status("POST", "/api/demo") == 403
    await shared.open("/settings")
    assert "you may not upload recordings; the host decides that" in shared.of("You").lower()
    await shared.log_out()
    await shared.open("/settings")
    shared.set("guests.upload", True)
    await shared.until(lambda: "upload" in kept(tmp_path)["guests_may"], "the change")


async def test_a_change_that_cannot_be_kept_is_said_and_does_not_hold(shared, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("webapp.access.sharing.write_private", full)
    shared.set("guests.run", False)
    await shared.until(lambda: "No space left on device" in shared.of("Guests may"), "what went wrong")
    assert shared.setting("guests.run")["value"] is True


async def test_a_guest_sees_who_he_is_and_what_he_may_do_and_changes_nothing(shared):
    await shared.log_in(PASSCODE)
    await shared.open("/settings")
    assert "You are here as Guest" in shared.text and "Sign out" in shared.text
    assert "run jobs, upload recordings and rename, share and delete what you have brought" in shared.text
    for foreign in ("Sharing", "Guests may", "Who is here", "192.168.7.5", "10.1.2.3", "What is kept", "Doctor"):
        assert foreign not in shared.text
    assert not shared.setting("guests.run") and not shared.setting("limit")


async def test_the_findings_of_the_doctor_are_here_too_and_a_test_is_started(host, monkeypatch):
    begun = []
    monkeypatch.setattr(Doctor, "run", lambda doctor: begun.append(doctor))
    assert "sends two seconds of sound" in host.of("Doctor").lower()
    host.press("Run the self-test", of="Doctor")
    (doctor,) = begun
    doctor.verdicts = {"builtin": SeparationError("It found no sound.")}
    doctor.changed.emit()
    await host.until(lambda: "It found no sound." in host.of("What was found"), "what was found")


async def test_who_comes_is_listed_without_a_reload_and_can_be_made_a_host_or_signed_out(shared, tmp_path):
    assert "Nobody else is signed in." in shared.of("Who is here")
    ada, ben = await shared.elsewhere(PASSCODE, "Ada"), await shared.elsewhere(PASSCODE, "Ben")
    await shared.until(lambda: shared.of("Ben"), "who came")
    assert "Guest" in shared.of("Ada") and "from 127.0.0.1" in shared.of("Ada") and "just now" in shared.of("Ada")
    shared.press("Make a host…", of="Ada")
    assert "could then do everything here" in shared.of("Ada")
    shared.press("Make a host", of="Ada")
    await shared.until(lambda: "Host" in shared.of("Ada"), "the promotion")
    shared.press("Sign out", of="Ben")
    await shared.until(lambda: not shared.of("Ben"), "the end of a session")
    assert await is_signed_in(ada) and not await is_signed_in(ben)
    await shared.elsewhere(PASSCODE, "Cyd")
    await shared.until(lambda: shared.of("Cyd"), "who came")
    shared.press("Sign out everywhere else")
    await shared.until(lambda: "Nobody else is signed in." in shared.text, "the end of all sessions")
    assert not await is_signed_in(ada)


async def test_an_open_page_of_somebody_who_is_no_host_changes_nothing(shared, tmp_path, monkeypatch):
    def no_host(_):
        return type("Visitor", (), {"over": False, "is_host": False, "key": "x"})()

    before = kept(tmp_path)
    monkeypatch.setattr(sys.modules["webapp.pages.settings.host_actions"], "visitor_of", no_host)  # of this studio
    shared.set("guests.run", False)
    await shared.until(lambda: "Only a host may change this." in shared.of("Guests may"), "the refusal")
    shared.press("New passcode", of="Sharing")
    shared.press("Invite one person", of="Sharing")
    await shared.until(lambda: "Only a host may change this." in shared.of("Sharing"), "the refusal")
    assert kept(tmp_path) == before and not shared.of("Invitation")


async def test_sharing_that_cannot_be_turned_on_says_why_and_stays_off(host, tmp_path, monkeypatch):
    async def refuse(_):
        raise SettingsError("This computer is not on a network.", "It has no address.", "Connect it.")

    monkeypatch.setattr(LanServer, "open", refuse)
    host.set("sharing.on", True)
    await host.until(lambda: "This computer is not on a network." in host.of("Sharing"), "the refusal")
    assert host.setting("sharing.on")["value"] is False


async def test_the_limit_of_what_is_kept_holds_at_once_and_is_put_right(host, tmp_path):
    assert host.setting("limit")["value"] == 20
    host.set("limit", 7)
    await host.until(lambda: host.setting("limit")["value"] == 7, "the limit")
    assert chosen(tmp_path)["limit_bytes"] == 7 * 10**9
    host.set("limit", 0)
    await host.until(lambda: host.setting("limit").get("said"), "what was made of it")
    assert host.setting("limit")["said"] == "At least 0.1 GB; set to 0.1." and host.setting("limit")["value"] == 0.1
    await host.open("/settings")
    assert host.setting("limit")["value"] == 0.1


async def test_a_new_draft_begins_with_the_chosen_separator(host):
    host.set("separator", "builtin")
    await host.until(lambda: host.setting("separator")["value"] == "builtin", "the separator")
    await host.open("/")
    assert host.setting("backend")["value"] == "builtin"


async def test_what_can_run_code_is_shown_and_names_are_added_and_removed(host, tmp_path):
    assert "tcp://10.1.2.3:8786" in host.of("This computer") and "no page changes them" in host.of("This computer")
    assert await host.status("GET", "/healthz", host="studio.example") == 421
    host.enter("A further name", "https://studio.example/")
    await host.until(lambda: "no name of a computer" in host.of("This computer"), "the refusal")
    host.enter("A further name", "Studio.example")
    await host.until(lambda: "studio.example" in host.of("Further names"), "the name")
    assert kept(tmp_path)["names"] == ["studio.example"]
    assert await host.status("GET", "/healthz", host="studio.example") == 200
    host.press("", of="Remove studio.example")
    await host.until(lambda: "studio.example" not in host.of("Further names"), "its end")
    assert await host.status("GET", "/healthz", host="studio.example") == 421


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (119, "just now"),
        (120, "2 minutes ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (7200, "2 hours ago"),
        (86_400, "1 day ago"),
        (180_000, "2 days ago"),
    ],
)
def test_how_long_ago_is_as_exact_as_it_is_known(seconds, words):
    assert ago(seconds) == words
