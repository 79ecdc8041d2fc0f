"""The guard in front of the studio itself: a real server, shared on all addresses, behind a passcode."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.server import RunningServer, running_server

PASSCODE = "four calling birds"
SOCKET = "/_nicegui_ws/socket.io/"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server("--share", env={"AUDIO_PLAYGROUND_PASSCODE": PASSCODE}, asks_for_token=True) as running:
        yield running


@pytest.fixture
def stranger(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=20) as client:
        yield client


@pytest.fixture
def guest(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=20) as client:
        answer = client.post("/login", data={"passcode": PASSCODE})
        assert answer.status_code in (200, 302, 303)
        yield client


def test_a_stranger_is_sent_to_the_login_page(stranger: httpx.Client) -> None:
    answer = stranger.get("/", headers={"Accept": "text/html"})
    assert answer.status_code in (302, 303, 307)
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", [f"/media/{'a' * 64}/audio/pcm?start=0&count=1", f"/media/{'a' * 64}/all.zip"])
def test_a_stranger_hears_nothing(stranger: httpx.Client, path: str) -> None:
    assert stranger.get(path).status_code == 401


def test_a_stranger_uploads_nothing(stranger: httpx.Client, guest: httpx.Client) -> None:
    assert stranger.put("/api/uploads", params={"name": "x.wav"}, content=b"RIFF").status_code == 401
    assert stranger.post("/api/demo").status_code == 401
    assert guest.post("/api/demo").status_code == 200


def test_only_a_guest_gets_a_socket(server: RunningServer, stranger: httpx.Client, guest: httpx.Client) -> None:
    polling = {"EIO": "4", "transport": "polling"}
    assert stranger.get(SOCKET, params=polling).status_code == 401
    assert guest.get(SOCKET, params=polling).status_code == 200

    address = server.url.replace("http", "ws") + SOCKET + "?EIO=4&transport=websocket"
    with pytest.raises(InvalidStatus):
        connect(address, origin=Origin(server.url)).close()
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in guest.cookies.items())}
    with connect(address, origin=Origin(server.url), additional_headers=cookies) as socket:
        assert str(socket.recv(timeout=10)).startswith("0{")  # Engine.IO's opening packet


def test_a_guest_who_knows_the_passcode_hears_and_brings_audio(guest: httpx.Client) -> None:
    assert guest.get("/").status_code == 200
    key = guest.post("/api/demo").json()["key"]
    pcm = guest.get(f"/media/{key}/audio/pcm", params={"start": 0, "count": 100})
    assert len(pcm.content) == 100 * 2 * 4  # stereo float32


def test_samples_travel_as_they_are(guest: httpx.Client) -> None:
    key = guest.post("/api/demo").json()["key"]
    answer = guest.get(f"/media/{key}/audio/pcm?start=0&count=88200", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "identity"
    assert int(answer.headers["content-length"]) == len(answer.content) == 88200 * 2 * 4


def test_the_models_page_is_the_hosts_and_guests_are_told_so(server: RunningServer, guest: httpx.Client) -> None:
    assert "You are a guest here" in guest.get("/models").text, "from the same computer, too"
    with httpx.Client(base_url=server.url, timeout=20) as host:
        host.get("/", params={"token": (server.home / "host_token").read_text()}, headers={"Accept": "text/html"})
        assert "You are a guest here" not in host.get("/models").text


def test_what_a_guest_hears_stays_in_no_cache_of_his_browser(server: RunningServer, guest: httpx.Client) -> None:
    key = guest.post("/api/demo").json()["key"]
    addresses = [f"/media/{key}/audio/{rest}" for rest in ("pcm?start=0&count=9", "peaks", "file?format=flac")]
    for address in addresses:
        answer = guest.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), address
    with httpx.Client(base_url=server.url, timeout=20) as host:
        host.get("/", params={"token": (server.home / "host_token").read_text()}, headers={"Accept": "text/html"})
        assert "immutable" in host.get(addresses[0]).headers["cache-control"]


def test_who_asks_for_the_head_of_something_gets_that_of_the_whole(stranger: httpx.Client, guest: httpx.Client) -> None:
    key = guest.post("/api/demo").json()["key"]
    for path in ("/", "/library", f"/media/{key}/audio/file?format=wav16", f"/media/{key}/audio/peaks"):
        whole, head = guest.get(path), guest.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
        assert stranger.head(path).status_code == 401
    assert int(guest.head(f"/media/{key}/audio/file").headers["content-length"]) > 44
    assert guest.head("/no-such-page").status_code == 403, "what is unknown is the host's"
    assert guest.head("/api/demo").status_code == 403


@pytest.mark.parametrize("path", ["/", "/compare", "/benchmark", "/library", "/models", "/settings"])
def test_a_guest_gets_all_styles_and_scripts_of_a_page_and_his_browser_keeps_them(
    guest: httpx.Client, path: str
) -> None:
    page = guest.get(path).text
    parts = {part for part in re.findall(r'"(/(?:_nicegui|static)/[^"\\\s]+)"', page) if not part.endswith("/")}
    assert len(parts) > 30
    for part in parts:
        answer = guest.get(part)
        assert answer.status_code not in (401, 403), part
        if part.startswith("/static/"):
            assert answer.status_code == 200 and "no-store" not in answer.headers["cache-control"], part
