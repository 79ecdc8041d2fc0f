"""Nothing that a browser sends ends in a traceback: the server says one line, and the person gets an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import aiohttp
import httpx
import pytest
import socketio
from fastapi import FastAPI

from tests.support.server import RunningServer, running_server
from webapp.access.guard import install, require_sharing_rules

MESSAGES = ("event", "ack", "log", "javascript_response", "handshake")
NONSENSE = (None, "x", 5, [], {}, [3], ["{"], ["null"], ['"x"'], ["-7"], ['{"id": 1}'], ['[{"number": 1e300}]'])


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


async def test_messages_that_no_page_sends_are_passed_over_with_a_line_each(server: RunningServer) -> None:
    key = httpx.post(f"{server.url}/api/demo", headers={"Origin": server.url}, timeout=60).json()["key"]
    text = httpx.get(f"{server.url}/?recording={key}", headers={"Accept": "text/html"}, timeout=60).text
    elements = json.loads(re.search(r"parseElements\(String\.raw`(.*?)`\)", text, re.DOTALL)[1])
    page = re.search(r"'client_id': '([^']+)'", text)[1]
    query = f"client_id={page}&document_id=d&tab_id=t&next_message_id=0&implicit_handshake=true"
    async with aiohttp.ClientSession(headers={"Origin": server.url}) as http:
        socket = socketio.AsyncClient(reconnection=False, http_session=http)
        await socket.connect(
            f"{server.url}?{query}", transports=["websocket"], socketio_path="/_nicegui_ws/socket.io/", wait_timeout=60
        )
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
        await socket.disconnect()
    said = server.log()
    assert "a message “event” of a page is passed over: " in said
    assert "Traceback" not in said
    assert httpx.get(server.url, timeout=60).status_code == 200


async def test_a_request_that_fails_unforeseen_is_answered_in_words_and_logged_once(caplog) -> None:
    app = FastAPI()
    install(app, require_sharing_rules("127.0.0.1", None))

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("no number")

    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as guest:
        answer = await guest.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["what"] == "The request stopped because of an error in this program."
    assert {"why", "todo"} <= answer.json().keys()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
