"""The border of the server: whatever a handler raises ends here, as an answer in words and a line in the log."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from nicegui import App, core, ui
from socketio.exceptions import ConnectionRefusedError as Refusal  # type: ignore[import-untyped]
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from separation.errors import PlaygroundError, unforeseen

MESSAGES = ("connect", "handshake", "event", "ack", "log", "javascript_response")  # that NiceGUI takes from a page
log = logging.getLogger(__name__)


def answer_faults(app: FastAPI) -> None:
    """Have whatever fails unforeseen said to the person: what, why, what to do, and its name in the log.

    A request is answered with JSON, a page that cannot be built with another one, and an open page says it.
    """
    app.add_exception_handler(Exception, _answer)
    if isinstance(app, App):
        app.on_page_exception(_draw)
        app.on_exception(_say)


def logged(app: ASGIApp) -> ASGIApp:
    """Return the outermost application around `app`: it logs what the app raises, which Starlette passes on."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:
            if scope["type"] not in ("http", "websocket"):
                raise  # the server does not start
            log.error("%s %s met an error nobody foresaw", scope.get("method", "socket"), scope["path"], exc_info=error)

    return serve


def check_messages() -> None:
    """Have messages of pages refused, with a line in the log, that are not what NiceGUI's scripts send.

    NiceGUI takes them as they come and catches what its handlers of elements raise, so what is raised beyond those is
    the fault of the message.
    """
    handlers = core.sio.handlers["/"]
    handlers.update({name: _checked(name, handlers[name]) for name in MESSAGES})


def _checked(name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    async def take(*sent: Any) -> Any:
        try:
            answer = handler(*sent)
            return await answer if inspect.isawaitable(answer) else answer
        except Refusal:
            raise
        except Exception as error:
            log.warning("a message “%s” of a page is passed over: %s: %s", name, type(error).__name__, error)
            return False

    return take


def _say(error: Exception) -> None:
    """Say it on the page whose handler has failed, if it was one; NiceGUI has logged it."""
    try:
        if ui.context.client.page.path:  # else it is the page that says it
            ui.notify(str(_shown("page", error)), type="negative", timeout=0, close_button="Close", multi_line=True)
    except RuntimeError:  # no page: it failed in the background
        return


def _draw(error: Exception) -> None:
    """Draw the page that stands in for one that could not be built."""
    ours = _shown("page", error)
    with ui.column().style("max-width: 42rem; margin: 15vh auto; padding: 1rem"):
        ui.label(ours.what).style("font-size: 1.25rem")
        ui.label(ours.why)
        ui.label(ours.todo)
        ui.link("Back to the Studio", "/")


def _shown(task: str, error: Exception) -> PlaygroundError:
    return error if isinstance(error, PlaygroundError) else unforeseen(task, error, "Try again")


def _answer(_: Request, error: Exception) -> Response:
    ours = _shown("request", error)
    return JSONResponse({"what": ours.what, "why": ours.why, "todo": ours.todo}, 500)
