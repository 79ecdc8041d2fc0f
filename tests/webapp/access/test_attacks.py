"""Attacks on a real, shared studio, each with the answer it gets; `SECURITY.md` says what they stand for.

Somebody with no key at all, from the network or with another account of this computer; a listener with the link of one
test; a guest without rights; a page of another site in the host's own browser.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.engine.engine import Inline
from separation.events import EventStream
from separation.request import Request
from separation.results.kept import Recording, Result
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from storage.records import OwnerTable
from tests.support.kept_benchmarks import keep_benchmark_of
from tests.support.listening_steps import made
from tests.support.server import RunningServer, running_server

PASSCODE = "four calling birds"
HTML = {"Accept": "text/html"}
POLLING = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
EVIL = "https://evil.example"

SOUNDS = (
    "/media/{song}/audio/pcm?start=0&count=9",
    "/media/{song}/audio/peaks",
    "/media/{song}/audio/file?format=flac",
    "/media/{song}/audio/spectrogram/0/0",
    "/media/{song}/mix?format=wav16&track=audio&gain_db=0",
    "/media/{song}/all.zip",
    "/media/{result}/0/pcm?start=0&count=9",
    "/media/{result}/0/file?format=wav16",
    "/media/{result}/all.zip",
    "/media/{result}/report.yaml",
    "/media/all.zip?result={result}",
)
TABLES = (
    "/benchmarks/small/table.csv",
    "/tests/{test}/test.json",
    "/tests/{test}/answers.csv",
    "/tests/{test}/webmushra.zip",
)
PAGES = ("/", "/?recording={song}", "/compare?items={result}", "/benchmark", "/library", "/models", "/settings")
DEEDS = (("PUT", "/api/uploads?name=a.wav"), ("POST", "/api/demo"), ("POST", POLLING), ("GET", POLLING))
UNKNOWN = (
    ("DELETE", "/media/{song}/audio/file"),
    ("PATCH", "/api/uploads"),
    ("PUT", "/api/demo"),
    ("POST", "/media/{song}/mix"),
    ("GET", "/api/uploads"),
    ("GET", "/_nicegui/client/1/upload/2"),
    ("POST", "/_nicegui/client/1/upload/2"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/no/such/page"),
    ("OPTIONS", "/"),
    ("TRACE", "/"),
)
TRAVERSALS = (
    "/login/../media/{song}/all.zip",
    "/login/%2e%2e/media/{song}/all.zip",
    "/listen/../media/{song}/all.zip",
    "/listen/%2e%2e/%2e%2e/host_token",
    "/listen/{test}/files/..%2f..%2fhost_token",
    "//login",
    "/Login",
    "/login/",
    "/login;/media/{song}/all.zip",
    "/healthz/../media/{song}/all.zip",
    "/join/../api/demo",
    "/%2flogin",
)


@dataclass(frozen=True)
class Studio:
    """A served studio with a song, a result, a benchmark and a listening test."""

    server: RunningServer
    names: Mapping[str, str]
    key: str  # of the listening test

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, headers=headers, timeout=60)

    def path(self, template: str) -> str:
        return template.format(**self.names)

    @property
    def token(self) -> str:
        return (self.server.home / "host_token").read_text()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("attacked")
    home = folder / "home"
    store = ArtifactStore(home)
    tone = (0.1 * np.sin(np.arange(44_100) / 20)).astype(np.float32)
    recording, result = separated(tone, folder / "song.wav", store)
    keep_benchmark_of(store, recording, [result])
    own, own_result = separated(0.5 * tone, folder / "rehearsal.wav", store)
    anas = {"people": {"the id of Ana": "Ana"}, "shared": False}
    OwnerTable(home).write({own.key: anas, own_result.key: anas})
    store.close()
    test = made(home, folder)
    (home / "sharing.json").write_text('{"passcode": null, "guests_may": ["listen"], "names": []}')
    passcode = {"AUDIO_PLAYGROUND_PASSCODE": PASSCODE}
    with running_server("--share", env=passcode, home=home, asks_for_token=True) as server:
        names = {"song": recording.key, "result": result.key, "test": test.id}
        names |= {"own": own.key, "own_result": own_result.key}
        yield Studio(server, names, test.key)
        assert "Traceback" not in server.log()


def separated(tone: NDArray[np.float32], file: Path, store: ArtifactStore) -> tuple[Recording, Result]:
    """A recording and its drums."""
    encode(Waveform(np.stack([tone, tone]), 44_100), file)
    recording = import_recording(file, store)
    run = EventStream(separate_recording(recording, Request.of("drums", backend="builtin-dsp"), store, Inline()))
    for _ in run:
        pass
    return recording, run.result


@pytest.fixture(scope="module")
def outsider(studio: Studio) -> Iterator[httpx.Client]:
    with studio.client(Origin=studio.server.url) as client:
        yield client


@pytest.fixture(scope="module")
def listener(studio: Studio) -> Iterator[httpx.Client]:
    bearer = {"Authorization": f"Bearer {studio.key}"}
    with studio.client(Origin=studio.server.url, **bearer) as client:
        assert client.get(studio.path("/listen/{test}/about")).status_code == 200
        yield client


@pytest.fixture(scope="module")
def guest(studio: Studio) -> Iterator[httpx.Client]:
    """A guest who may do nothing but listen."""
    with studio.client(Origin=studio.server.url) as client:
        assert client.post("/login", data={"passcode": PASSCODE}).status_code == 303
        yield client


@pytest.fixture(scope="module")
def host(studio: Studio) -> Iterator[httpx.Client]:
    """The host's own browser."""
    with studio.client() as client:
        client.get("/", params={"token": studio.token}, headers=HTML).raise_for_status()
        yield client


OF_ANOTHER = tuple(path.replace("{song}", "{own}").replace("{result}", "{own_result}") for path in SOUNDS)


def ids(value: object) -> str:
    return str(value).replace("/", "-") if isinstance(value, str) else ""


@pytest.mark.parametrize("path", SOUNDS + TABLES, ids=ids)
@pytest.mark.parametrize("who", ["outsider", "listener"])
def test_without_a_session_nothing_is_heard_or_read(studio: Studio, who: str, path: str, request) -> None:
    client = request.getfixturevalue(who)
    assert client.get(studio.path(path)).status_code == 401
    assert client.head(studio.path(path)).status_code == 401


@pytest.mark.parametrize("path", PAGES, ids=ids)
@pytest.mark.parametrize("who", ["outsider", "listener"])
def test_without_a_session_a_page_is_the_sign_in_page(studio: Studio, who: str, path: str, request) -> None:
    answer = request.getfixturevalue(who).get(studio.path(path), headers=HTML)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
    assert answer.headers.keys().isdisjoint({"set-cookie"})


@pytest.mark.parametrize(("method", "path"), DEEDS + UNKNOWN, ids=ids)
@pytest.mark.parametrize("who", ["outsider", "listener"])
def test_without_a_session_nothing_is_done(studio: Studio, who: str, method: str, path: str, request) -> None:
    assert request.getfixturevalue(who).request(method, studio.path(path)).status_code == 401


@pytest.mark.parametrize("path", TRAVERSALS, ids=ids)
def test_no_detour_leads_past_the_guard(studio: Studio, outsider: httpx.Client, path: str) -> None:
    raw = httpx.URL(studio.server.url).copy_with(raw_path=studio.path(path).encode())
    answer = outsider.request("POST" if path.endswith("demo") else "GET", raw)
    assert answer.status_code in (401, 404, 410), answer.text[:200]
    assert studio.token not in answer.text and not answer.content.startswith(b"PK")


@pytest.mark.parametrize("name", ["{port}", "1", ""], ids=["its name", "another port", "no port"])
@pytest.mark.parametrize("value", ["", "x", "x" * 43, "{token}", "../../host_token", "null", '" or 1=1'])
def test_an_invented_cookie_is_no_session(studio: Studio, name: str, value: str) -> None:
    cookie = f"audio_playground_{name.format(port=studio.server.port)}={value.format(token=studio.token)}"
    with studio.client(Cookie=cookie) as client:
        assert client.get("/library").status_code == 401


@pytest.mark.parametrize(
    "token", ["", "x", "{half}", "{token}x", " {token}", "{token}%00", "%2e%2e", "{upper}", "null", "[]"]
)
def test_a_token_that_is_nearly_right_is_wrong(studio: Studio, outsider: httpx.Client, token: str) -> None:
    text = token.format(half=studio.token[:21], token=studio.token, upper=studio.token.swapcase())
    answer = outsider.get(f"/?token={text}", headers=HTML)
    assert answer.status_code == 401 and "set-cookie" not in answer.headers


def test_a_token_among_the_arguments_of_a_file_or_a_socket_opens_nothing(
    studio: Studio, outsider: httpx.Client
) -> None:
    for path in (*SOUNDS, POLLING, "/api/demo"):
        joined = studio.path(path) + ("&" if "?" in path else "?") + f"token={studio.token}"
        assert outsider.get(joined, headers=HTML).status_code in (303, 401)


@pytest.mark.parametrize(
    "called",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:{port}", "0.0.0.0", "[::ffff:7f00:1]x", "localhost.evil"],
)
def test_under_another_name_it_does_not_answer(studio: Studio, host_cookie: str, called: str) -> None:
    name = called.format(port=studio.server.port)
    headers = {"Host": name, "Origin": f"http://{name}", "Cookie": host_cookie}
    for method, path in (
        ("GET", "/library"),
        ("PUT", "/api/uploads?name=a.wav"),
        ("GET", "/login"),
        ("GET", "/healthz"),
    ):
        answer = httpx.request(method, studio.server.url + path, headers=headers, timeout=60)
        assert answer.status_code == 421 and "set-cookie" not in answer.headers


@pytest.fixture(scope="module")
def host_cookie(host: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in host.cookies.items())


@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:{port}", "https://127.0.0.1:{port}", "file://"])
@pytest.mark.parametrize(
    ("method", "path"), [*DEEDS, ("POST", "/login"), ("POST", "/logout"), ("POST", "/join/x")], ids=ids
)
def test_another_sites_page_does_nothing_in_the_hosts_browser(
    studio: Studio, host: httpx.Client, origin: str, method: str, path: str
) -> None:
    headers = {"Origin": origin.format(port=studio.server.port)}
    assert host.request(method, path, headers=headers).status_code == 403
    assert host.get("/library").status_code == 200, "the host is still signed in"


@pytest.mark.parametrize("path", [*SOUNDS, *TABLES, "/library"], ids=ids)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_embeds_nothing_from_the_hosts_browser(
    studio: Studio, host: httpx.Client, site: str, path: str
) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert host.get(studio.path(path), headers=headers).status_code == 403


@pytest.mark.parametrize("path", OF_ANOTHER, ids=ids)
def test_what_another_guest_has_brought_or_made_is_not_here(studio: Studio, guest: httpx.Client, path: str) -> None:
    refused, absent = guest.get(studio.path(path)), guest.get(path.format(own="0" * 64, own_result="0" * 64))
    assert absent.status_code in (204, 404)
    assert (refused.status_code, refused.content) == (absent.status_code, absent.content), "nor can it be told"


@pytest.mark.parametrize("path", ["/?recording={own}", "/?recording={own}&result={own_result}", "/library", "/compare"])
def test_no_page_names_what_another_guest_has_brought(studio: Studio, guest: httpx.Client, path: str) -> None:
    page = guest.get(studio.path(path), headers=HTML)
    assert page.status_code == 200 and "rehearsal" not in page.text


@pytest.mark.parametrize("path", ["/compare?recording={song}", "/compare", "/library"])
def test_only_the_hosts_pages_lead_into_a_test_that_was_left(
    studio: Studio, guest: httpx.Client, host: httpx.Client, tmp_path: Path, path: str
) -> None:
    test = made(studio.server.home, tmp_path, guided=False, recording=studio.names["song"])
    assert test.key in host.get(studio.path(path), headers=HTML).text
    assert test.key not in guest.get(studio.path(path), headers=HTML).text


def test_the_host_hears_what_guests_have_brought(studio: Studio, host: httpx.Client) -> None:
    for path in OF_ANOTHER:
        assert host.get(studio.path(path)).status_code == 200, path
    assert "rehearsal" in host.get("/", headers=HTML).text


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/api/uploads?name=a.wav"), ("POST", "/api/demo"), *[("GET", path) for path in TABLES[1:]], *UNKNOWN],
    ids=ids,
)
def test_a_guest_does_not_do_what_was_not_granted(studio: Studio, guest: httpx.Client, method: str, path: str) -> None:
    assert guest.request(method, studio.path(path)).status_code == 403


@pytest.mark.parametrize(
    "name", ["x-forwarded-for", "x-real-ip", "forwarded", "x-forwarded-host", "x-forwarded-prefix", "via"]
)
@pytest.mark.parametrize("value", ["127.0.0.1", "for=127.0.0.1;host=localhost", "//evil.example", ""])
def test_what_a_visitor_writes_as_if_he_were_a_proxy_makes_him_nobody(
    studio: Studio, outsider: httpx.Client, guest: httpx.Client, name: str, value: str
) -> None:
    assert outsider.get("/library", headers={name: value}).status_code == 401
    page = guest.get("/", headers={name: value} | HTML)
    assert page.status_code == 200 and "evil.example" not in page.text


def test_an_invitation_that_was_not_given_lets_nobody_in(outsider: httpx.Client) -> None:
    for secret in ("", "x", "null", "..", "%2e%2e", "x" * 4000):
        assert outsider.post(f"/join/{secret}").status_code in (401, 404, 410)


def test_another_account_of_this_computer_reads_no_secret(studio: Studio) -> None:
    home = studio.server.home
    for path in (home, *home.rglob("*")):
        if not path.is_symlink():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    words = " ".join(psutil.Process(studio.server.process.pid).cmdline())
    assert studio.token not in words and PASSCODE not in words


def test_the_files_hold_neither_passcode_nor_cookie(studio: Studio, host_cookie: str) -> None:
    cookie = host_cookie.partition("=")[2]
    for folder, _, files in os.walk(studio.server.home):
        for name in files:
            content = Path(folder, name).read_bytes()
            assert PASSCODE.encode() not in content and cookie.encode() not in content, name
