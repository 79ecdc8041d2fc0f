"""Nothing that a browser sends ends in a traceback: the server says one line, and the person gets an answer."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import socketio
from fastapi import FastAPI

from separation.errors import fault_name
from tests.support.server import RunningServer, running_server
from webapp.access.guard import install
from webapp.access.rules import access_rules
from webapp.access.sharing import Sharing

MESSAGES = ("event", "ack", "log", "javascript_response", "handshake")
NONSENSE = (None, "x", 5, [], {}, [3], ["{"], ["null"], ['"x"'], ["-7"], ['{"id": 1}'], ['[{"number": 1e300}]'])


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


def opened(server: RunningServer, path: str) -> tuple[str, dict[str, dict]]:
    """Load a page; return its id and its elements."""
    text = httpx.get(f"{server.url}{path}", headers={"Accept": "text/html"}, timeout=60).text
    elements = json.loads(re.search(r"parseElements\(String\.raw`(.*?)`\)", text, re.DOTALL)[1])
    return re.search(r"'client_id': '([^']+)'", text)[1], elements


@asynccontextmanager
async def connected(server: RunningServer, page: str) -> AsyncIterator[socketio.AsyncClient]:
    """The socket of a page."""
    query = f"client_id={page}&document_id=d&tab_id=t&next_message_id=0&implicit_handshake=true"
    async with aiohttp.ClientSession(headers={"Origin": server.url}) as http:
        socket = socketio.AsyncClient(reconnection=False, http_session=http)
        await socket.connect(
            f"{server.url}?{query}", transports=["websocket"], socketio_path="/_nicegui_ws/socket.io/", wait_timeout=60
        )
        yield socket
        await socket.disconnect()


@pytest.mark.parametrize("address", ["/?recording={key}", "/benchmark"])
async def test_messages_that_no_page_sends_are_passed_over_with_a_line_each(
    server: RunningServer, address: str
) -> None:
    key = httpx.post(f"{server.url}/api/demo", headers={"Origin": server.url}, timeout=60).json()["key"]
    page, elements = opened(server, address.format(key=key))
    async with connected(server, page) as socket:
        for name in MESSAGES:
            for message in (*NONSENSE, {"client_id": []}, {"client_id": page}):
                await socket.emit(name, message)
            await socket.emit(name)
        n_sent = 0
        for number, element in elements.items():
            listeners = [one["listener_id"] for one in element.get("events") or [] if one["type"] not in ("click",)]
            for listener in listeners:
                for arguments in NONSENSE:
                    n_sent += 1
                    event = {"id": int(number), "client_id": page, "listener_id": listener, "args": arguments}
                    await socket.emit("event", event)
        assert n_sent > 100
        # What comes after all of them is answered when they are done.
        assert await socket.call("handshake", {"client_id": "nobody"}, timeout=60) is False
    said = server.log()
    assert "a message “event” of a page is passed over: " in said
    assert "Traceback" not in said
    assert httpx.get(server.url, timeout=60).status_code == 200


async def test_a_request_that_fails_unforeseen_is_answered_in_words_and_logged_once(caplog) -> None:
    app = FastAPI()
    install(app, access_rules("127.0.0.1", Sharing()))

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("no number")

    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as guest:
        answer = await guest.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["what"] == "The request stopped because of an error in this program."
    (error,) = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert isinstance(error, ZeroDivisionError)
    assert f"fault {fault_name(error)}" in answer.json()["todo"]


@pytest.fixture(scope="module")
def failing() -> Iterator[RunningServer]:
    with (
        tempfile.TemporaryDirectory() as home,
        running_server("--home", home, module="tests.support.guarded_app") as server,
    ):
        yield server


def fault_in(shown: str) -> str:
    return re.search("as fault ([0-9a-f]{6})", shown)[1]


def lines_on(fault: str, server: RunningServer) -> list[str]:
    return [line for line in server.log().splitlines() if f"fault {fault}: " in line]


async def test_a_handler_that_fails_is_said_on_its_page_with_the_name_it_has_in_the_log(failing: RunningServer) -> None:
    page, elements = opened(failing, "/bad-button")
    number, button = next((number, one) for number, one in elements.items() if one["tag"] == "q-btn")
    said: asyncio.Queue[str] = asyncio.Queue()
    async with connected(failing, page) as socket:
        socket.on("notify", lambda message, *_: said.put_nowait(message["message"]))
        listener = button["events"][0]["listener_id"]
        await socket.emit("event", {"id": int(number), "client_id": page, "listener_id": listener, "args": []})
        shown = await asyncio.wait_for(said.get(), 60)
    assert "The page stopped because of an error in this program." in shown
    (line,) = lines_on(fault_in(shown), failing)
    assert "ZeroDivisionError: integer division or modulo by zero at tests/support/guarded_app.py:" in line


def test_a_page_that_cannot_be_built_is_another_that_names_the_fault_and_leads_back(failing: RunningServer) -> None:
    answer = httpx.get(f"{failing.url}/no-page", headers={"Accept": "text/html"}, timeout=60)
    assert answer.status_code == 500
    assert "Back to the Studio" in answer.text
    (line,) = lines_on(fault_in(answer.text), failing)
    assert "ZeroDivisionError: while it is built" in line


def test_the_studio_logs_to_a_file_of_its_own_that_is_read_by_nobody_else(server: RunningServer) -> None:
    file = server.home / "log" / f"studio-{server.port}.log"
    assert file.stat().st_mode & 0o777 == 0o600
    assert Path(file.parent).stat().st_mode & 0o777 == 0o700
