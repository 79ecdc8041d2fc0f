"""Where a server listens, which names it answers to, whom it takes for the host, and what it believes of proxies."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from separation.errors import SettingsError
from webapp.access.guard import install
from webapp.access.host_token import HostToken
from webapp.access.passcode import Passcode
from webapp.access.routes import LIBRARY_PATHS
from webapp.access.rules import AccessRules, access_rules, is_loopback
from webapp.access.sharing import Sharing

PASSCODE = "correct horse"
TOKEN = HostToken("t" * 43)


@pytest.fixture(scope="module")
def shared() -> Sharing:
    """Sharing with a passcode."""
    sharing = Sharing()
    sharing.set_passcode(Passcode.of(PASSCODE))
    return sharing


def client(app: FastAPI, url: str = "http://127.0.0.1:8080", address: str = "192.0.2.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=url, headers={"Origin": url})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_listening_on_this_computer_only_needs_no_passcode(host: str) -> None:
    assert not access_rules(host, Sharing()).needs_session
    assert access_rules(host, Sharing(), token=TOKEN).needs_session


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "studio.example", "localhost.evil.example"])
def test_any_other_address_without_a_passcode_is_refused_with_the_way_out(host: str, shared: Sharing) -> None:
    with pytest.raises(SettingsError, match="--share"):
        access_rules(host, Sharing(), token=TOKEN)
    assert access_rules(host, shared).needs_session
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
        ("192.168.1.5", "127.0.0.1", False),  # what listens on this computer only has no other address
        ("studio:8080@evil.example", "192.168.1.5", False),
        ("studio, evil.example", "192.168.1.5", False),
        ("", "192.168.1.5", False),
    ],
)
def test_a_server_answers_to_its_own_names_and_addresses_only(
    monkeypatch: pytest.MonkeyPatch, shared: Sharing, host_header: str, arrived_at: str, answered: bool
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Studio")
    rules = access_rules("0.0.0.0", shared, extra_names=["Music.example"])
    assert rules.answers_to(host_header, arrived_at) is answered


def test_names_that_a_host_adds_count_at_once(shared: Sharing) -> None:
    rules = access_rules("127.0.0.1", shared)
    assert not rules.answers_to("studio.example", "127.0.0.1")
    shared.set_names(["Studio.Example "])
    assert rules.answers_to("studio.example:443", "127.0.0.1")
    shared.set_names([])
    assert not rules.answers_to("studio.example:443", "127.0.0.1")


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
    shared: Sharing, path: str, status: int
) -> None:
    app = FastAPI()
    install(app, access_rules("127.0.0.1", shared))
    app.add_api_route("/{anything:path}", lambda anything: anything)
    async with client(app) as guest:
        assert (await guest.get("http://127.0.0.1:8080" + path)).status_code == status
        assert (await guest.post("http://127.0.0.1:8080" + path)).status_code != 200


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1:8080", "evil.example"], ["evil.example", "127.0.0.1:8080"]])
async def test_a_request_that_names_several_hosts_or_none_is_refused_whatever_the_server_lets_through(
    hosts: list[str],
) -> None:
    app = FastAPI()
    install(app, access_rules("127.0.0.1", Sharing()))
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


def request(came_from: str = "127.0.0.1", scheme: str = "http", **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "scheme": scheme,
        "path": "/",
        "query_string": b"",
        "headers": raw,
        "client": (came_from, 50_000),
        "server": ("192.168.1.5", 8080),
    }


@pytest.mark.parametrize(
    ("came_from", "headers", "owner"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("192.168.1.5", {}, True),  # the address of this computer itself
        ("192.168.1.9", {}, False),
        ("127.0.0.1", {"x_forwarded_for": "203.0.113.4"}, False),
        ("127.0.0.1", {"x_forwarded_for": "127.0.0.1"}, False),
        ("127.0.0.1", {"x_forwarded_host": "studio"}, False),
        ("127.0.0.1", {"via": "1.1 proxy"}, False),
        ("127.0.0.1", {"forwarded": "for=203.0.113.4"}, False),
    ],
)
@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]])
def test_who_sits_at_this_computer_is_the_host_where_no_token_is_asked_for(
    shared: Sharing, came_from: str, headers: dict[str, str], owner: bool, trusted: list[str]
) -> None:
    for rules, expected in (
        (access_rules("0.0.0.0", shared, proxies=trusted), owner),
        (access_rules("0.0.0.0", shared, proxies=trusted, token=TOKEN), False),
    ):
        scope = rules.proxies.settled(request(came_from, **headers))
        assert rules.is_owner(HTTPConnection(scope)) is expected


def through(rules: AccessRules, came_from: str, **headers: str) -> HTTPConnection:
    return HTTPConnection(rules.proxies.settled(request(came_from, **headers)))


def test_only_a_trusted_proxy_says_where_a_visitor_comes_from(shared: Sharing) -> None:
    rules = access_rules("0.0.0.0", shared, proxies=["10.0.0.0/8"])
    said = {"x_forwarded_for": "127.0.0.1, 203.0.113.4, 10.9.9.9", "x_forwarded_proto": "https"}
    visitor = through(rules, "10.0.0.2", **said)
    assert visitor.client is not None and visitor.client.host == "203.0.113.4", "the one before can be invented"
    assert visitor.url.scheme == "https"
    stranger = through(rules, "192.168.1.9", **said)
    assert stranger.client is not None and stranger.client.host == "192.168.1.9"
    assert stranger.url.scheme == "http"


@pytest.mark.parametrize("came_from", ["10.0.0.2", "192.168.1.9"])
def test_nothing_that_proxies_add_reaches_the_pages(shared: Sharing, came_from: str) -> None:
    rules = access_rules("0.0.0.0", shared, proxies=["10.0.0.0/8"])
    connection = through(rules, came_from, x_forwarded_prefix="//evil.example", x_forwarded_host="evil", accept="*/*")
    assert dict(connection.headers) == {"accept": "*/*", "via": "proxy"}


def test_a_proxy_that_is_no_address_is_a_sentence(shared: Sharing) -> None:
    with pytest.raises(SettingsError, match="“my-proxy” is no address of a proxy"):
        access_rules("0.0.0.0", shared, proxies=["my-proxy"])
