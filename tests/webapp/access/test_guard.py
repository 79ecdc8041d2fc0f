"""The guard against a real server process: what a stranger, another site and a signed-in client can do."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import socketio

from tests.support.guarded_app import TONE
from tests.support.server import RunningServer, running_server

PASSCODE = "correct horse"
SOCKET = "/_nicegui_ws/socket.io/"
HTML = {"Accept": "text/html"}
WITHIN_S = 30.0  # below the 48 s after which the server itself would hang up on the silent


HOMES: dict[int, Path] = {}


def token_of(server: RunningServer) -> str:
    return (HOMES[server.port] / "host_token").read_text()


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningServer]:
    """A server that asks for a passcode."""
    with tempfile.TemporaryDirectory() as home:
        arguments = ["--passcode", PASSCODE, "--home", home]
        with running_server(*arguments, module="tests.support.guarded_app") as server:
            HOMES[server.port] = Path(home)
            yield server
            assert "Traceback" not in server.log()


@pytest.fixture(scope="module")
def private() -> Iterator[RunningServer]:
    """A server for this computer only, without a passcode."""
    with (
        tempfile.TemporaryDirectory() as home,
        running_server("--home", home, module="tests.support.guarded_app") as server,
    ):
        yield server
        assert "Traceback" not in server.log()


@contextmanager
def browser(server: RunningServer, *, signed_in: bool) -> Iterator[httpx.Client]:
    """A client that sends the Origin header of the server's own pages and keeps cookies."""
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=WITHIN_S) as client:
        if signed_in:
            assert log_in(client).headers["location"] == "/"
        yield client


def log_in(client: httpx.Client, passcode: str = PASSCODE, following: str = "/") -> httpx.Response:
    return client.post("/login", data={"passcode": passcode, "next": following})


def session_cookie(client: httpx.Client) -> str | None:
    return next((cookie.value for cookie in client.cookies.jar if cookie.name.startswith("audio_playground")), None)


class OpenPage:
    """What a browser knows after loading the page: its id, its button, its upload URL."""

    def __init__(self, client: httpx.Client) -> None:
        text = client.get("/", headers=HTML).raise_for_status().text
        elements = json.loads(re.search(r"parseElements\(String\.raw`(.*?)`\)", text, re.DOTALL)[1])
        self.client_id = re.search(r"'client_id': '([^']+)'", text)[1]
        buttons = [(key, e) for key, e in elements.items() if e["tag"] == "q-btn"]
        self.button_id, self.listener_id = buttons[0][0], buttons[0][1]["events"][0]["listener_id"]
        self.host_button_id, self.host_listener_id = buttons[1][0], buttons[1][1]["events"][0]["listener_id"]
        self.upload_url = next(e["props"]["url"] for e in elements.values() if e["tag"] == "nicegui-upload")

    def socket_url(self, server: RunningServer) -> str:
        return (
            f"{server.url}?client_id={self.client_id}&document_id=d-{self.client_id}&tab_id=t-{self.client_id}"
            "&next_message_id=0&implicit_handshake=true"
        )

    def click(self) -> dict[str, object]:
        return {
            "id": int(self.button_id),
            "client_id": self.client_id,
            "listener_id": self.listener_id,
            "args": [],
        }

    def click_of_the_host(self) -> dict[str, object]:
        return self.click() | {"id": int(self.host_button_id), "listener_id": self.host_listener_id}


@asynccontextmanager
async def open_socket(
    server: RunningServer, page: OpenPage, client: httpx.Client, transport: str
) -> AsyncIterator[socketio.AsyncClient]:
    """Connect the way nicegui.js does, with the cookies of `client`."""
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Origin": server.url, "Cookie": cookies}
    # Headers given to `connect` would go with the first polling request only.
    async with aiohttp.ClientSession(headers=headers) as http:
        socket = socketio.AsyncClient(reconnection=False, http_session=http)
        await socket.connect(
            page.socket_url(server), transports=[transport], socketio_path=SOCKET, wait_timeout=int(WITHIN_S)
        )
        try:
            yield socket
        finally:
            await socket.eio.disconnect(abort=True)  # a polite goodbye would wait for the pending poll


async def websocket_status(server: RunningServer, query: str = "", **headers: str) -> int:
    """Ask for a raw WebSocket: 101 when the server accepts it, else the status of its refusal."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WITHIN_S)) as http:
        try:
            url = f"{server.url}{SOCKET}?EIO=4&transport=websocket{query}"
            async with http.ws_connect(url, headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as refusal:
            return refusal.status


async def clicks_reach(client: httpx.Client, count: int) -> bool:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if client.get("/media/clicks").json() >= count:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/media/tone"),
        ("GET", "/media/clicks"),
        ("PUT", "/api/uploads"),
        ("POST", "/logout"),
        ("GET", f"{SOCKET}?EIO=4&transport=polling"),
        ("POST", f"{SOCKET}?EIO=4&transport=polling"),
        ("GET", "/favicon.ico"),
        ("GET", "/no/such/page"),
        ("OPTIONS", "/"),
    ],
)
def test_a_stranger_is_refused_everywhere(shared: RunningServer, method: str, path: str) -> None:
    with browser(shared, signed_in=False) as stranger:
        answer = stranger.request(method, path)
    assert answer.status_code == 401
    assert answer.headers.keys().isdisjoint({"set-cookie"})


async def test_a_stranger_gets_no_websocket(shared: RunningServer) -> None:
    assert await websocket_status(shared, Origin=shared.url) == 403


def test_a_stranger_cannot_use_the_upload_box_of_an_open_page(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest, browser(shared, signed_in=False) as stranger:
        url = OpenPage(guest).upload_url
        files = {"file": ("a.wav", b"RIFF")}
        assert stranger.post(url, files=files).status_code == 401
        assert guest.post(url, files=files).status_code == 403, "the studio has none, so nobody but the host may"


def test_a_forged_or_empty_cookie_is_no_session(shared: RunningServer) -> None:
    name = f"audio_playground_{shared.port}"
    for value in ("", "x" * 43):
        answer = httpx.get(f"{shared.url}/media/tone", headers={"Cookie": f"{name}={value}"})
        assert answer.status_code == 401


def test_a_visit_to_a_page_leads_to_the_login_page_and_back(shared: RunningServer) -> None:
    with browser(shared, signed_in=False) as guest:
        answer = guest.get("/library?sort=name&order=up", headers=HTML)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/login?next=%2Flibrary%3Fsort%3Dname%26order%3Dup"
        login = guest.get(answer.headers["location"])
        assert login.status_code == 200
        following = re.search(r'name="next" value="([^"]*)"', login.text)[1].replace("&amp;", "&")
        assert log_in(guest, following=following).headers["location"] == "/library?sort=name&order=up"


@pytest.mark.parametrize(
    "following", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example"]
)
def test_login_never_leads_to_another_site(shared: RunningServer, following: str) -> None:
    with browser(shared, signed_in=False) as guest:
        assert "evil" not in guest.get("/login", params={"next": following}).text
        assert log_in(guest, following=following).headers["location"] == "/"
        # Now signed in: the login page leads on at once, by the same rule.
        assert guest.get("/login", params={"next": following}).headers["location"] == "/"


def test_a_wrong_passcode_opens_nothing_and_says_so(shared: RunningServer) -> None:
    with browser(shared, signed_in=False) as guest:
        answer = log_in(guest, "battery staple")
        assert answer.status_code == 401
        assert "not the passcode" in answer.text
        assert session_cookie(guest) is None
        assert guest.get("/media/tone").status_code == 401


def test_with_a_session_pages_media_and_uploads_work(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest:
        assert guest.get("/", headers=HTML).status_code == 200
        assert guest.get("/media/tone").content == TONE
        assert guest.put("/api/uploads", content=b"12345").json() == 5


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_with_a_session_a_click_travels_over_the_socket(shared: RunningServer, transport: str) -> None:
    with browser(shared, signed_in=True) as guest:
        page = OpenPage(guest)
        before = guest.get("/media/clicks").json()
        async with open_socket(shared, page, guest, transport) as socket:
            await socket.emit("event", page.click())
            assert await clicks_reach(guest, before + 1)


async def test_another_sites_page_is_refused_even_with_the_cookie(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest:
        cookie = f"audio_playground_{shared.port}={session_cookie(guest)}"
        for origin in (
            "https://evil.example",
            "null",
            f"http://localhost:{shared.port}",
            f"https://127.0.0.1:{shared.port}",
            f"http://127.0.0.1:{shared.port}.evil.example",
        ):
            assert await websocket_status(shared, Origin=origin, Cookie=cookie) == 403
            headers = {"Origin": origin}
            assert guest.put("/api/uploads", content=b"1", headers=headers).status_code == 403
            assert guest.post("/login", data={"passcode": PASSCODE}, headers=headers).status_code == 403
            assert guest.post("/logout", headers=headers).status_code == 403
            assert guest.get(SOCKET, params={"EIO": 4, "transport": "polling"}, headers=headers).status_code == 403
        assert await websocket_status(shared, Origin=shared.url, Cookie=cookie) == 101


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Referer": "OWN/"}, 403),
        ({"Referer": "OWN/studio"}, 200),
        ({"Referer": "OWN.evil.example/"}, 403),
    ],
)
def test_polling_without_an_origin_needs_other_evidence_of_our_own_page(
    private: RunningServer, evidence: dict[str, str], status: int
) -> None:
    # Browsers send no Origin with a GET to their own site.
    headers = {name: value.replace("OWN", private.url) for name, value in evidence.items()}
    answer = httpx.get(f"{private.url}{SOCKET}", params={"EIO": 4, "transport": "polling"}, headers=headers)
    assert answer.status_code == status


async def test_a_page_answers_only_to_the_session_it_was_built_for(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest, browser(shared, signed_in=True) as other:
        page = OpenPage(guest)
        query = f"&client_id={page.client_id}"
        for client, status in ((other, 403), (guest, 101)):
            cookie = f"audio_playground_{shared.port}={session_cookie(client)}"
            assert await websocket_status(shared, query, Origin=shared.url, Cookie=cookie) == status


async def test_without_a_passcode_a_foreign_host_name_is_refused(private: RunningServer) -> None:
    # DNS rebinding: evil.example now resolves to 127.0.0.1, so host and origin agree.
    for host in (
        f"evil.example:{private.port}",
        f"192.168.7.7:{private.port}",
        f"127.0.0.1.evil.example:{private.port}",
    ):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert httpx.get(f"{private.url}/", headers=headers).status_code == 421
        assert httpx.put(f"{private.url}/api/uploads", content=b"1", headers=headers).status_code == 421
        assert await websocket_status(private, **headers) == 403


async def test_without_a_passcode_this_computer_needs_no_session(private: RunningServer) -> None:
    with browser(private, signed_in=False) as owner:
        page = OpenPage(owner)
        before = owner.get("/media/clicks").json()
        async with open_socket(private, page, owner, "websocket") as socket:
            await socket.emit("event", page.click())
            assert await clicks_reach(owner, before + 1)
        assert owner.put("/api/uploads", content=b"123").json() == 3
        assert httpx.get(f"http://localhost:{private.port}/", headers=HTML).status_code == 200


async def test_without_a_passcode_other_sites_are_still_refused(private: RunningServer) -> None:
    headers = {"Origin": "https://evil.example"}
    assert await websocket_status(private, **headers) == 403
    assert await websocket_status(private) == 403
    assert httpx.put(f"{private.url}/api/uploads", content=b"1", headers=headers).status_code == 403
    assert httpx.put(f"{private.url}/api/uploads", content=b"1").status_code == 403


def test_only_library_files_are_open_and_nothing_behind_them(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest:
        page = guest.get("/", headers=HTML).text
    paths = set(re.findall(r'"(/_nicegui/[^"]+)"', page))
    library = next(path for path in paths if "/static/" in path)
    assert httpx.get(shared.url + library).status_code == 200
    version = library.split("/")[2]
    for path in (
        f"/_nicegui/{version}/dynamic_resources/x",
        f"/_nicegui/{version}/resources/x/y",
        "/_nicegui/client/1/upload/2",
    ):
        assert httpx.get(shared.url + path).status_code == 401
    assert httpx.get(f"{shared.url}/_nicegui/{version}/static/%2e%2e/%2e%2e/media/tone").status_code in (401, 404)


def test_each_login_gets_a_new_session_and_ends_the_one_before(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest:
        first = session_cookie(guest)
        log_in(guest)
        second = session_cookie(guest)
    assert first != second
    for token, status in ((first, 401), (second, 200)):
        cookie = {"Cookie": f"audio_playground_{shared.port}={token}"}
        assert httpx.get(f"{shared.url}/media/tone", headers=cookie).status_code == status


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_logout_reloads_open_pages_and_closes_their_sockets(shared: RunningServer, transport: str) -> None:
    with browser(shared, signed_in=True) as guest, browser(shared, signed_in=True) as other:
        cookies = dict(guest.cookies)
        page, others_page = OpenPage(guest), OpenPage(other)
        heard: list[str] = []
        hung_up = asyncio.Event()
        async with (
            open_socket(shared, page, guest, transport) as socket,
            open_socket(shared, others_page, other, "websocket") as others_socket,
        ):
            socket.on("run_javascript", lambda message: heard.append(message["code"]))
            socket.on("disconnect", lambda *_: hung_up.set())
            assert guest.post("/logout").headers["location"] == "/login"
            await asyncio.wait_for(hung_up.wait(), WITHIN_S)
            assert heard == ["location.reload()"]
            assert others_socket.connected
            before = other.get("/media/clicks").json()
            await others_socket.emit("event", page.click())  # the page of the ended session is gone
            await others_socket.emit("event", others_page.click())
            assert await clicks_reach(other, before + 1)
            assert other.get("/media/clicks").json() == before + 1
        assert session_cookie(guest) is None
        guest.cookies.update(cookies)
        assert guest.get("/media/tone").status_code == 401


def test_every_answer_carries_the_security_headers(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest, browser(shared, signed_in=False) as stranger:
        answers = [
            guest.get("/", headers=HTML),
            guest.get("/media/tone"),
            stranger.get("/login"),
            stranger.get("/media/tone"),
            stranger.get("/", headers=HTML),
            stranger.get("/", headers={"Host": "evil.example"}),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 401, 303, 421]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"


async def test_a_message_counts_for_pages_of_its_own_session_alone(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest, browser(shared, signed_in=True) as other:
        page, others_page = OpenPage(guest), OpenPage(other)
        async with (
            open_socket(shared, page, guest, "websocket") as socket,
            open_socket(shared, others_page, other, "websocket") as others_socket,
        ):
            heard: list[object] = []
            others_socket.on("update", heard.append)
            before = guest.get("/media/clicks").json()
            foreign = others_page.click()
            taken = {"client_id": others_page.client_id, "tab_id": "t", "document_id": "d", "next_message_id": 0}
            answers = [
                await socket.call("handshake", taken, timeout=30),
                await socket.call("event", foreign, timeout=30),
                await socket.call("ack", {"client_id": others_page.client_id, "next_message_id": 10**6}, timeout=30),
                await socket.call(
                    "log", {"client_id": others_page.client_id, "level": "error", "message": "x"}, timeout=30
                ),
                await socket.call(
                    "javascript_response", {"client_id": others_page.client_id, "request_id": "x"}, timeout=30
                ),
            ]
            assert answers == [False] * 5
            await socket.emit("event", page.click())
            assert await clicks_reach(guest, before + 1)
            assert guest.get("/media/clicks").json() == before + 1
    assert "the page was opened by another session" in shared.log()


async def test_a_handler_asks_for_its_right_at_each_event(shared: RunningServer) -> None:
    with browser(shared, signed_in=True) as guest:
        page = OpenPage(guest)
        async with open_socket(shared, page, guest, "websocket") as socket:
            before = guest.get("/media/clicks").json()
            assert await socket.call("event", page.click_of_the_host(), timeout=30) is False, "nothing was said of it"
            guest.get("/media/rights/listen+upload+manage").raise_for_status()
            try:
                assert await socket.call("event", page.click(), timeout=30) is False
            finally:
                guest.get("/media/rights/listen+run+upload+manage").raise_for_status()
            await socket.emit("event", page.click())
            assert await clicks_reach(guest, before + 1)
            assert guest.get("/media/clicks").json() == before + 1
    with httpx.Client(base_url=shared.url, headers={"Origin": shared.url}, timeout=WITHIN_S) as host:
        host.get("/", params={"token": token_of(shared)}, headers=HTML).raise_for_status()
        page = OpenPage(host)
        async with open_socket(shared, page, host, "websocket") as socket:
            await socket.emit("event", page.click_of_the_host())
            assert await clicks_reach(host, before + 2)
