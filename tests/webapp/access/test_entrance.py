"""Signing in: by the host's token, by the passcode, by a one-time link; and what is kept of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from storage.records import SessionTable
from tests.support.clock import Clock
from webapp.access.guard import install
from webapp.access.host_token import HostToken, kept_secret
from webapp.access.login import LARGEST_FORM, local_path
from webapp.access.passcode import Passcode
from webapp.access.roles import Right, Role
from webapp.access.rules import access_rules
from webapp.access.sessions import IDLE_S, Session, Sessions
from webapp.access.sharing import LINK_HOLDS_S, Sharing

PASSCODE, TOKEN = "correct horse", "t" * 43
HASHED = Passcode.of(PASSCODE)
HTML = {"Accept": "text/html"}


def studio(*, shared: bool = True, home: Path | None = None, port: int = 8080) -> tuple[FastAPI, Sessions, Sharing]:
    """A guarded app with a page, its sessions, and what was decided about sharing."""
    app, sharing = FastAPI(), Sharing(home)
    if shared:
        sharing.set_passcode(HASHED)
    rules = access_rules("127.0.0.1", sharing, port=port, token=HostToken(TOKEN))
    sessions = install(app, rules, None if home is None else SessionTable(home))
    app.add_api_route("/library", lambda: "reached")
    return app, sessions, sharing


def client(app: FastAPI, address: str = "127.0.0.1", url: str = "http://127.0.0.1:8080") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=url, headers={"Origin": url})


async def is_in(browser: httpx.AsyncClient) -> bool:
    answer = await browser.get("/library")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def test_the_printed_address_signs_in_and_the_browser_goes_on_without_the_token() -> None:
    app, sessions, _ = studio()
    async with client(app) as browser:
        answer = await browser.get(f"/library?sort=name&token={TOKEN}&order=up", headers=HTML)
        assert answer.status_code == 200 and TOKEN not in answer.text
        assert 'href="/library?sort=name&amp;order=up"' in answer.text and "location.replace" in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert await is_in(browser)
        again = await browser.get(f"/?token={TOKEN}", headers=HTML)
        assert "set-cookie" not in again.headers, "a bookmark with the token opens no second session"
    (session,) = sessions
    assert session.is_host


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "t", TOKEN.upper(), "t%00"])
async def test_another_token_opens_nothing(token: str) -> None:
    app, sessions, _ = studio()
    async with client(app) as browser:
        answer = await browser.get(f"/library?token={token}", headers=HTML)
        assert answer.status_code == 401 and "no longer" in answer.text
        assert not await is_in(browser)
    assert not list(sessions)


async def test_without_a_token_a_page_says_how_to_get_in_and_takes_the_pasted_link() -> None:
    app, _, _ = studio(shared=False)
    async with client(app) as browser:
        to = await browser.get("/library", headers=HTML)
        assert to.headers["location"] == "/login?next=%2Flibrary"
        page = await browser.get("/login?next=%2Flibrary")
        assert "The link was printed where the studio was started" in page.text
        for text in (PASSCODE, "http://127.0.0.1:8080/?token=wrong", ""):
            assert (await browser.post("/login", data={"passcode": text})).status_code == 401
        link = f" http://127.0.0.1:8080/?token={TOKEN} "
        answer = await browser.post("/login", data={"passcode": link, "next": "/library"})
        assert answer.headers["location"] == "/library"
        assert await is_in(browser)


@pytest.mark.parametrize(("url", "warned"), [("http://127.0.0.1:8080", True), ("https://127.0.0.1:8080", False)])
async def test_a_host_from_another_computer_is_warned_where_nothing_is_encrypted(url: str, warned: bool) -> None:
    app, sessions, _ = studio()
    async with client(app, "192.0.2.7", url) as browser:
        page = await browser.get(f"/library?token={TOKEN}", headers=HTML)
        assert ("not\nencrypted" in page.text) is warned
        assert await is_in(browser) is not warned
        typed = await browser.post("/login", data={"passcode": TOKEN})
        assert typed.status_code == (200 if warned else 303)
        form = {"passcode": TOKEN, "unencrypted": "yes", "next": "/library"}
        assert (await browser.post("/login", data=form)).headers["location"] == "/library"
        assert await is_in(browser)
    assert [session.role for session in sessions] == [Role.HOST]


async def test_a_guest_gives_the_passcode_and_a_name() -> None:
    app, sessions, _ = studio()
    async with client(app, "192.0.2.7") as guest:
        page = await guest.get("/login")
        assert "Your name" in page.text and TOKEN not in page.text
        form = {"passcode": PASSCODE, "name": "  Ana\n<b>  \u202e" + "x" * 50}
        assert (await guest.post("/login", data=form)).status_code == 303
        assert await is_in(guest)
    (session,) = sessions
    assert (session.role, session.address) == (Role.GUEST, "192.0.2.7")
    assert session.name == ("Ana <b> " + "x" * 50)[:40]


async def test_too_many_wrong_passcodes_make_even_the_right_one_wait_but_never_the_owner() -> None:
    app, _, _ = studio()
    async with client(app) as guest:
        for _ in range(5):
            assert (await guest.post("/login", data={"passcode": "wrong guess"})).status_code == 401
        refused = await guest.post("/login", data={"passcode": PASSCODE})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert "Try again in 1 second." in refused.text
        assert (await guest.get(f"/?token={TOKEN}", headers=HTML)).status_code == 200
        assert await is_in(guest)


async def test_a_link_lets_one_person_in_once() -> None:
    app, sessions, sharing = studio(shared=False)
    path = f"/join/{sharing.new_link()}"
    async with client(app, "192.0.2.7") as guest, client(app, "192.0.2.8") as late:
        for _ in range(2):  # a chat program looks at links, too
            assert "Join" in (await guest.get(path)).text
        assert (await guest.post(path, data={"name": "Bo"})).headers["location"] == "/"
        assert await is_in(guest)
        for answer in (await late.get(path), await late.post(path, data={"name": "Eve"}), await late.get("/join/x")):
            assert answer.status_code == 410 and "Ask the host for a new one" in answer.text
        assert not await is_in(late)
    assert [(session.name, session.role) for session in sessions] == [("Bo", Role.GUEST)]


def test_a_link_holds_for_a_quarter_of_an_hour() -> None:
    clock = Clock()
    sharing = Sharing(clock=clock)
    secret, other = sharing.new_link(), sharing.new_link()
    clock.now_s += LINK_HOLDS_S - 1
    assert sharing.has_link(secret) and sharing.use_link(secret) and not sharing.use_link(secret)
    clock.now_s += 1
    assert not sharing.has_link(other) and not sharing.use_link(other)


async def test_what_costs_is_refused_to_who_has_not_the_right_and_at_once() -> None:
    app, _, sharing = studio()
    app.add_api_route("/api/demo", lambda: "made", methods=["POST"])
    app.add_api_route("/tests/1/answers.csv", lambda: "answers")
    async with client(app) as guest:
        await guest.post("/login", data={"passcode": PASSCODE})
        assert (await guest.post("/api/demo")).status_code == 200
        sharing.grant([])
        for path in ("/benchmark", "/models", "/benchmarks/x/table.csv"):
            assert (await guest.get(path)).status_code == 403, path
        visited = await guest.get("/models", headers=HTML)
        assert visited.status_code == 403 and "nothing that the host lets guests see or do" in visited.text
        assert visited.headers["content-type"].startswith("text/html"), "a person reads it"
        sharing.grant([Right.LISTEN])
        assert (await guest.get("/library")).status_code == 200
        assert (await guest.post("/api/demo")).status_code == 403
        assert (await guest.get("/tests/1/answers.csv")).status_code == 403
        await guest.get(f"/?token={TOKEN}", headers=HTML)
        assert (await guest.post("/api/demo")).status_code == 200
        assert (await guest.get("/tests/1/answers.csv")).status_code == 200


async def test_another_sites_page_may_not_even_read() -> None:
    app, _, _ = studio()
    async with client(app) as browser:
        await browser.get(f"/?token={TOKEN}", headers=HTML)
        for site, status in (("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)):
            assert (await browser.get("/library", headers={"Sec-Fetch-Site": site})).status_code == status
        visit = {"Sec-Fetch-Site": "cross-site", **HTML}
        assert (await browser.get("/library", headers=visit)).status_code == 200, "a link may lead here"
        assert (await browser.get("/media/x/all.zip", headers=visit)).status_code == 403, "but not to what costs"


async def test_that_the_server_is_up_is_no_secret() -> None:
    app, _, _ = studio()
    async with client(app) as stranger:
        assert (await stranger.get("/healthz")).json() == {"status": "ok"}
        assert (await stranger.get("/healthz", headers={"Host": "evil.example"})).status_code == 421


async def test_sessions_and_what_was_decided_outlive_the_server(tmp_path: Path) -> None:
    app, sessions, sharing = studio(home=tmp_path)
    async with client(app, "192.0.2.7") as guest:
        await guest.post("/login", data={"passcode": PASSCODE, "name": "Ana"})
        sharing.grant([Right.LISTEN, Right.RUN])
        cookies = guest.cookies
    (before,) = sessions
    app, sessions, sharing = studio(shared=False, home=tmp_path)
    async with client(app, "192.0.2.7") as guest:
        guest.cookies = cookies
        assert await is_in(guest)
        assert (await guest.post("/api/demo")).status_code == 403
        assert sharing.passcode is not None and sharing.passcode.matches(PASSCODE)
        (session,) = sessions
        assert (session.key, session.name, session.person) == (before.key, "Ana", before.person)
        await guest.post("/logout")
        assert not await is_in(guest)
    _, sessions, _ = studio(shared=False, home=tmp_path)
    assert not list(sessions)
    (kept,) = tmp_path.glob("sharing.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and PASSCODE not in kept.read_text()
    everything = b"".join(file.read_bytes() for file in (tmp_path / "sessions").iterdir() if file.is_file())
    for token in cookies.values():
        assert token.encode() not in everything, "a thief of the files has no cookie"


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"passcode": "x", "guests_may": [], "names": []}'])
def test_with_a_damaged_file_nobody_may_more_than_before(tmp_path: Path, damage: str) -> None:
    (tmp_path / "sharing.json").write_text(damage)
    sharing = Sharing(tmp_path)
    assert sharing.passcode is None and sharing.guests_may == frozenset()


def test_what_cannot_be_written_down_does_not_count(tmp_path: Path) -> None:
    sharing = Sharing(tmp_path / "home")
    sharing.grant([Right.LISTEN])
    (tmp_path / "home" / "sharing.json").unlink()
    (tmp_path / "home" / "sharing.json").mkdir()
    with pytest.raises(Exception, match="written"):
        sharing.grant(Right)
    assert sharing.guests_may == {Right.LISTEN}


def test_a_damaged_session_is_passed_over(tmp_path: Path) -> None:
    table = SessionTable(tmp_path)
    table.write("a" * 64, {"role": "emperor"})
    table.write("b" * 64, {"role": "host"})
    token, session = Sessions("c", table).open(Role.GUEST, "192.0.2.7", "Ana")
    assert [kept.key for kept in Sessions("c", SessionTable(tmp_path))] == [session.key]
    assert token not in json.dumps(table.sessions())


@pytest.mark.parametrize("role", Role)
def test_a_session_that_is_not_used_ends_by_itself(role: Role) -> None:
    clock = Clock()
    sessions = Sessions("session", clock=clock)
    _, session = sessions.open(role, "192.0.2.1")
    clock.now_s += IDLE_S[role] - 1
    assert not sessions.is_over(session)
    sessions.use(session)
    clock.now_s += IDLE_S[role] - 1
    assert not sessions.is_over(session)
    clock.now_s += 1
    assert sessions.is_over(session) and not session.may(Right.LISTEN)
    assert not list(sessions)


async def test_a_guest_becomes_a_host_and_all_but_one_are_signed_out() -> None:
    sessions = Sessions("session")
    _, ana = sessions.open(Role.GUEST, "192.0.2.1")
    _, bo = sessions.open(Role.GUEST, "192.0.2.2")
    await sessions.promote(ana)
    assert ana.is_host and not bo.is_host
    await sessions.end_all(spared=ana)
    assert list(sessions) == [ana] and bo.over and bo.hung_up.is_set()


async def test_the_server_keeps_no_token_only_its_hash() -> None:
    sessions = Sessions("session")
    token, session = sessions.open(Role.GUEST, "192.0.2.1")
    other_token, other = sessions.open(Role.GUEST, "192.0.2.1")
    assert token != other_token and session.person != other.person
    assert token not in repr(vars(sessions))
    assert len(bytes.fromhex(session.key)) * 8 == 256


def test_rights_are_those_of_now() -> None:
    sharing = Sharing()
    sessions = Sessions("session", guests_may=lambda: sharing.guests_may)
    guest: Session = sessions.open(Role.GUEST, "192.0.2.1")[1]
    host: Session = sessions.open(Role.HOST, "192.0.2.1")[1]
    assert {right for right in Right if guest.may(right)} == set(Right)
    sharing.grant([])
    assert not any(guest.may(right) for right in Right) and all(host.may(right) for right in Right)


async def test_a_form_too_large_for_a_passcode_is_not_read() -> None:
    app, _, _ = studio()
    async with client(app) as guest:
        oversized = {"passcode": PASSCODE, "more": "x" * LARGEST_FORM}
        assert (await guest.post("/login", data=oversized)).status_code == 413
        for n_fields, status in ((10, 401), (11, 413)):
            assert (await guest.post("/login", data={f"field {n}": "x" for n in range(n_fields)})).status_code == status


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
async def test_the_cookie_is_strict_hidden_from_scripts_and_secure_under_tls(scheme: str, secure: bool) -> None:
    app, _, _ = studio(port=8443)
    async with client(app, "127.0.0.1", f"{scheme}://127.0.0.1:8443") as guest:
        answer = await guest.post("/login", data={"passcode": PASSCODE})
    name, *attributes = (part.strip().lower() for part in answer.headers["set-cookie"].split(";"))
    assert name.startswith("audio_playground_8443=")
    assert {"httponly", "samesite=strict", "path=/"} <= set(attributes)
    assert ("secure" in attributes) is secure


@pytest.mark.parametrize("path", ["/", "/library", "/listen/a%20b?trial=1&x=y#z"])
def test_a_path_of_ours_is_followed_after_login(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "evil",
        "//evil",
        "///evil",
        "/\\evil",
        "\\\\evil",
        "/\t/evil",
        "/\n/evil",
        "https://evil",
        "javascript:alert(1)",
    ],
)
def test_anything_else_leads_to_the_start_page(path: str) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize("path", ["/login", "/login?next=/", "/logout", '/"><script>'])
def test_login_leads_neither_back_to_itself_nor_out_of_its_markup(path: str) -> None:
    assert local_path(path) == "/"


def test_a_secret_is_made_once_and_private(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    secret = kept_secret(home, "host_token")
    assert len(secret) >= 43
    assert kept_secret(home, "host_token") == secret
    assert stat.S_IMODE((home / "host_token").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["host_token"]  # no half-written file is left
    assert secret not in (kept_secret(home, "storage_secret"), kept_secret(tmp_path / "other", "host_token"))


def test_a_damaged_or_open_secret_is_repaired(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path, "storage_secret")
    path = tmp_path / "storage_secret"
    path.chmod(0o644)
    assert kept_secret(tmp_path, "storage_secret") == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for damaged in (b"", secret.encode()[:42] + b"\xe1", b"\xff" * 43):
        path.write_bytes(damaged)
        made = kept_secret(tmp_path, "storage_secret")
        assert len(made) >= 43 and made.isascii()
        assert kept_secret(tmp_path, "storage_secret") == made


def test_the_page_that_a_browser_is_started_with_is_private_and_leads_in(tmp_path: Path) -> None:
    page = HostToken(TOKEN).redirect_file(tmp_path, "http://127.0.0.1:8080", 8080)
    assert f'url=http://127.0.0.1:8080/?token={TOKEN}"' in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
