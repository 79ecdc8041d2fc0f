"""What the guard is built from: sharing rules, passcodes, the brake on guessing, sessions, the kept secret."""

from __future__ import annotations

import math
import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from separation.errors import SettingsError
from webapp.access.guard import LIBRARY_PATHS, install, is_host, is_loopback, require_sharing_rules, storage_secret
from webapp.access.login import LARGEST_FORM, local_path, login_routes
from webapp.access.passcode import READABLE, GuessLimit, Passcode, generate_passcode
from webapp.access.sessions import Sessions, attach

PASSCODE = "correct horse"


class Clock:
    """Time that stands still until told otherwise."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def client(app: FastAPI, url: str = "http://127.0.0.1:8080", address: str = "192.0.2.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=url, headers={"Origin": url})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_listening_on_this_computer_only_needs_no_passcode(host: str) -> None:
    rules = require_sharing_rules(host, None)
    assert not rules.shared
    assert rules.passcode is None


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "studio.example", "localhost.evil.example"])
def test_any_other_address_without_a_passcode_is_refused_with_the_way_out(host: str) -> None:
    with pytest.raises(SettingsError, match="--passcode auto"):
        require_sharing_rules(host, None)
    assert require_sharing_rules(host, PASSCODE).shared
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host_header", "arrived_at", "answered"),
    [
        ("192.168.1.5:8080", "192.168.1.5", True),  # the address the request came to, however we got it
        ("192.168.1.5:8080", "::ffff:192.168.1.5", True),
        ("[2001:db8::5]:8080", "2001:db8::5", True),
        ("192.168.1.9:8080", "192.168.1.5", False),
        ("localhost:8080", "127.0.0.1", True),
        ("STUDIO:8080", "192.168.1.5", True),
        ("studio.local", "192.168.1.5", True),
        ("music.example", "192.168.1.5", True),
        ("evil.example", "192.168.1.5", False),
        ("0.0.0.0:8080", "127.0.0.1", False),
        ("studio:8080@evil.example", "192.168.1.5", False),
        ("studio, evil.example", "192.168.1.5", False),
        ("", "192.168.1.5", False),
    ],
)
def test_a_shared_server_answers_to_its_own_names_and_addresses_only(
    monkeypatch: pytest.MonkeyPatch, host_header: str, arrived_at: str, answered: bool
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Studio")
    rules = require_sharing_rules("0.0.0.0", PASSCODE, extra_names=["Music.example"])
    assert rules.answers_to(host_header, arrived_at) is answered


def test_a_private_server_answers_to_loopback_names_only() -> None:
    rules = require_sharing_rules("127.0.0.1", None)
    assert rules.answers_to("localhost:9000", "127.0.0.1")
    assert rules.answers_to("[::1]:9000", "::1")
    assert not rules.answers_to("192.168.1.5", "192.168.1.5")


def test_generated_passcodes_are_readable_different_and_hard_to_guess() -> None:
    passcodes = {generate_passcode() for _ in range(50)}
    assert len(passcodes) == 50
    for passcode in passcodes:
        groups = passcode.split("-")
        assert [len(group) for group in groups] == [4, 4, 4]
        assert set("".join(groups)) <= set(READABLE)
    assert 12 * math.log2(len(set(READABLE))) >= 50  # bits
    assert not set(READABLE) & set("ilo01")


def test_a_passcode_matches_itself_and_nothing_near_it() -> None:
    passcode = Passcode("Grüße 123")
    assert passcode.matches("Grüße 123")
    assert passcode.matches(" Gru\u0308ße 123 ")  # pasted with spaces, ü as two characters
    for guess in ("", "grüße 123", "Grüße 12", "Grüße 1234"):
        assert not passcode.matches(guess)


def test_the_text_of_a_passcode_is_not_kept() -> None:
    passcode = Passcode(PASSCODE)
    assert PASSCODE not in repr(vars(passcode))
    assert not set(vars(passcode).values()) & set(vars(Passcode(PASSCODE)).values()), "salted"


@pytest.mark.parametrize("text", ["", "auto", "1234567", "  1234567  "])
def test_a_short_passcode_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="at least 8 characters"):
        require_sharing_rules("0.0.0.0", text)


def test_waits_double_after_five_wrong_guesses_and_stop_growing() -> None:
    clock = Clock()
    limit = GuessLimit(clock, longest_wait_s=60, free_overall=1000)
    assert [limit.begin("a") for _ in range(5)] == [0.0] * 5
    waits_s = []
    for _ in range(8):
        waits_s.append(limit.begin("a"))
        clock.now_s += waits_s[-1]
        assert limit.begin("a") == 0.0
    assert waits_s == [1, 2, 4, 8, 16, 32, 60, 60]


def test_asking_too_early_does_not_lengthen_the_wait() -> None:
    clock = Clock()
    limit = GuessLimit(clock)
    for _ in range(5):
        limit.begin("a")
    assert [limit.begin("a") for _ in range(3)] == [1.0] * 3


def test_one_address_cannot_keep_another_out_but_a_crowd_is_slowed() -> None:
    limit = GuessLimit(Clock(), free=5, free_overall=8)
    for _ in range(5):
        limit.begin("a")
    assert limit.begin("a") > 0
    assert [limit.begin(address) for address in "bcd"] == [0.0] * 3
    assert limit.begin("e") > 0


def test_a_right_passcode_or_a_long_silence_clears_the_count() -> None:
    clock = Clock()
    limit = GuessLimit(clock, forget_after_s=3600)
    for _ in range(4):
        limit.begin("a")
    limit.forgive("a")
    assert [limit.begin("a") for _ in range(5)] == [0.0] * 5
    assert limit.begin("a") > 0
    clock.now_s += 3600
    assert [limit.begin("a") for _ in range(5)] == [0.0] * 5


async def test_too_many_wrong_passcodes_make_even_the_right_one_wait() -> None:
    clock, app = Clock(), FastAPI()
    app.include_router(login_routes(Passcode(PASSCODE), Sessions("session"), GuessLimit(clock)))
    async with client(app) as guest:
        for _ in range(5):
            assert (await guest.post("/login", data={"passcode": "wrong guess"})).status_code == 401
        refused = await guest.post("/login", data={"passcode": PASSCODE})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert "Try again in 1 second." in refused.text
        clock.now_s += 1
        assert (await guest.post("/login", data={"passcode": PASSCODE})).status_code == 303


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 200),
        ("/loginx", 401),
        ("/login/x", 401),
        ("/logins", 401),
        ("/Login", 401),
        ("//login", 401),
        ("/x/login", 401),
        (LIBRARY_PATHS[0] + "any.js", 200),
        (LIBRARY_PATHS[0].rstrip("/"), 401),
        (LIBRARY_PATHS[0].rstrip("/") + "x/any.js", 401),
    ],
)
async def test_strangers_reach_the_login_and_the_scripts_of_the_library_and_nothing_that_begins_alike(
    path: str, status: int
) -> None:
    app = FastAPI()
    install(app, require_sharing_rules("127.0.0.1", PASSCODE))
    app.add_api_route("/{anything:path}", lambda anything: anything)
    async with client(app) as guest:
        assert (await guest.get("http://127.0.0.1:8080" + path)).status_code == status
        assert (await guest.post("http://127.0.0.1:8080" + path)).status_code != 200


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1:8080", "evil.example"], ["evil.example", "127.0.0.1:8080"]])
async def test_a_request_that_names_several_hosts_or_none_is_refused_whatever_the_server_lets_through(
    hosts: list[str],
) -> None:
    app = FastAPI()
    install(app, require_sharing_rules("127.0.0.1", None))
    app.add_api_route("/", lambda: "reached")
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", host.encode()) for host in hosts],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8080),
    }
    answer: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        answer.append(message)

    await app(scope, receive, send)
    assert answer[0]["status"] == 400


async def test_a_form_too_large_for_a_passcode_is_not_read() -> None:
    app = FastAPI()
    app.include_router(login_routes(Passcode(PASSCODE), Sessions("session"), GuessLimit()))
    async with client(app) as guest:
        oversized = {"passcode": PASSCODE, "more": "x" * LARGEST_FORM}
        assert (await guest.post("/login", data=oversized)).status_code == 413


async def test_a_form_with_more_fields_than_the_page_has_is_answered() -> None:
    app = FastAPI()
    app.include_router(login_routes(Passcode(PASSCODE), Sessions("session"), GuessLimit()))
    async with client(app) as guest:
        for n_fields, status in ((10, 401), (11, 413)):
            assert (await guest.post("/login", data={f"field {n}": "x" for n in range(n_fields)})).status_code == status


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
async def test_the_cookie_is_strict_hidden_from_scripts_and_secure_under_tls(scheme: str, secure: bool) -> None:
    app = FastAPI()
    install(app, require_sharing_rules("127.0.0.1", PASSCODE, port=8443))
    async with client(app, f"{scheme}://127.0.0.1:8443") as guest:
        answer = await guest.post("/login", data={"passcode": PASSCODE})
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=86400"} <= attributes
    assert ("secure" in attributes) is secure


async def test_a_session_ends_by_itself() -> None:
    clock = Clock()
    sessions = Sessions("session", clock, lifetime_s=60)
    app = FastAPI()
    app.include_router(login_routes(Passcode(PASSCODE), sessions, GuessLimit()))
    async with client(app) as guest:
        await guest.post("/login", data={"passcode": PASSCODE})
    (session,) = sessions
    clock.now_s += 59
    assert not sessions.is_over(session)
    clock.now_s += 1
    assert sessions.is_over(session)
    assert not list(sessions)


async def test_the_server_keeps_no_token_only_its_hash() -> None:
    sessions = Sessions("session")
    token, session = sessions.open("192.0.2.1")
    other_token, _ = sessions.open("192.0.2.1")
    assert token != other_token
    assert token not in repr(vars(sessions))
    assert len(bytes.fromhex(session.key)) * 8 == 256


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


def test_the_storage_secret_is_made_once_and_private(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    secret = storage_secret(home)
    assert len(secret) >= 43
    assert storage_secret(home) == secret
    assert stat.S_IMODE((home / "storage_secret").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["storage_secret"]  # no half-written file is left
    assert storage_secret(tmp_path / "other") != secret


def test_a_damaged_or_open_storage_secret_is_repaired(tmp_path: Path) -> None:
    secret = storage_secret(tmp_path)
    path = tmp_path / "storage_secret"
    path.chmod(0o644)
    assert storage_secret(tmp_path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for damaged in (b"", secret.encode()[:42] + b"\xe1", b"\xff" * 43):
        path.write_bytes(damaged)
        made = storage_secret(tmp_path)
        assert len(made) >= 43 and made.isascii()
        assert storage_secret(tmp_path) == made


@pytest.mark.parametrize(
    ("came_from", "headers", "signed_in", "host"),
    [
        ("127.0.0.1", {}, True, True),
        ("::1", {}, True, True),
        ("192.168.1.5", {}, True, True),  # the address of this computer itself
        ("192.168.1.9", {}, True, False),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.4"}, True, False),
        ("127.0.0.1", {"via": "1.1 proxy"}, True, False),
        ("192.168.1.9", {}, False, True),  # nobody has to sign in, so nobody is a guest
    ],
)
def test_a_guest_is_who_signed_in_from_elsewhere(came_from, headers, signed_in, host):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": raw, "client": (came_from, 50_000), "server": ("192.168.1.5", 8080)}
    if signed_in:
        sessions = Sessions(cookie="a")
        attach(sessions.open(came_from)[1], scope)
    assert is_host(HTTPConnection(scope)) is host
