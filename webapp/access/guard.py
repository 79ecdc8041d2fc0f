"""The guard in front of every request, for HTTP and for WebSockets alike.

NiceGUI checks a page's id and nothing else on its socket, and accepts any Host and any Origin. So one ASGI guard stands
outside everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storage.records import SessionTable
from webapp.access.faults import answer_faults, check_messages, logged
from webapp.access.guessing import GuessBrake
from webapp.access.handlers import bind_messages
from webapp.access.host_token import PARAMETER
from webapp.access.login import Entrance, login_routes
from webapp.access.login_page import not_for_guests_page
from webapp.access.routes import LIBRARY_PATHS, LOGIN_PATH, READING, SOCKET_PATH, STATIC_PATH, Asks, meets, need_of
from webapp.access.rules import AccessRules
from webapp.access.sessions import Session, Sessions, attach, owner, page_belongs_to
from webapp.access.sharing import Sharing

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# No script policy: nicegui.js evaluates code it receives.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def install(app: FastAPI, rules: AccessRules, table: SessionTable | None = None) -> Sessions:
    """Put the guard in front of `app` and add the routes of signing in and out; call before the server starts.

    Args:
        app: what is guarded.
        rules: what it asks of a browser.
        table: where sessions are written down; None keeps them in memory.

    Returns:
        The open sessions, for pages that list or end them.
    """
    # Cookies are shared by all ports of a host; the port in the name keeps two studios on one computer apart.
    sessions = Sessions(f"audio_playground_{rules.port}", table, lambda: rules.sharing.guests_may)
    entrance = Entrance(rules, sessions, GuessBrake())
    app.include_router(login_routes(entrance))
    _redraw_on_new_rights(rules.sharing, sessions)

    answer_faults(app)
    check_messages()
    bind_messages()
    build_stack: Callable[[], ASGIApp] = app.build_middleware_stack

    def build_guarded_stack() -> ASGIApp:
        return logged(Guard(build_stack(), rules, sessions, entrance))

    # `add_middleware` would not do: `ui.run` adds its own later, outside of ours. They would answer first, keep
    # storage for strangers, rewrite our redirects and mark our refusals as cacheable.
    app.build_middleware_stack = build_guarded_stack  # type: ignore[method-assign]  # the stack is built on first use
    return sessions


def _redraw_on_new_rights(sharing: Sharing, sessions: Sessions) -> None:
    known = sharing.guests_may

    async def look() -> None:
        nonlocal known
        before, known = known, sharing.guests_may
        if known != before:
            await sessions.redraw_guests()

    sharing.changed.subscribe(look)


class Guard:
    """ASGI middleware that answers for `app` whenever a request may not reach it."""

    def __init__(self, app: ASGIApp, rules: AccessRules, sessions: Sessions, entrance: Entrance) -> None:
        self._app, self._rules, self._sessions, self._entrance = app, rules, sessions, entrance
        self._owner = owner()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, one WebSocket, or the server's lifespan."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = self._rules.proxies.settled(dict(scope))
        connection = HTTPConnection(scope)
        session = self._sessions.of(connection)
        if session is None and self._rules.is_owner(connection):
            session = self._owner
        attach(session, scope)
        refusal = self._refusal(connection, session)
        if scope["type"] == "http":
            is_kept = session is None or session.is_host or scope["path"].startswith((*LIBRARY_PATHS, STATIC_PATH))
            send = _with_headers(send, kept_by_browser=is_kept)
            await (refusal or self._app)(scope, receive, send)
        elif refusal is not None or session is None:
            await send({"type": "websocket.close", "code": 1008})  # not yet accepted, so the browser gets a 403
        else:
            await self._serve_socket(session, scope, receive, send)

    def _refusal(self, connection: HTTPConnection, session: Session | None) -> Response | None:
        """Return the answer to a request that may not reach the app, or None for one that may."""
        scope, headers = connection.scope, connection.headers
        path, is_socket = scope["path"], scope["type"] == "websocket"
        method = "SOCKET" if is_socket else scope["method"]
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            return _refuse(400, "This request names no host, or several.")
        if not self._rules.answers_to(hosts[0], (scope.get("server") or ("",))[0]):
            return _refuse(421, "This server does not answer to that name. Open it by the address it printed.")

        own_origin = f"{'https' if scope['scheme'] in ('https', 'wss') else 'http'}://{hosts[0]}".lower()
        is_transport = path.startswith(SOCKET_PATH)
        if (is_socket or is_transport or method not in SAFE_METHODS) and not (
            _is_from(own_origin, connection, trust_fetch_headers=not is_socket)
        ):
            return _refuse(403, "This request comes from another site's page, which may not act here.")
        is_visit = not is_socket and _is_page_visit(connection)
        if method in SAFE_METHODS and not is_visit and _is_fetched_by_another_site(connection):
            return _refuse(403, "Another site's page asks for this, which may not have it.")

        need = need_of(method, path)
        if need is Asks.NOTHING:
            return None
        if is_visit and PARAMETER in connection.query_params:
            return self._entrance.by_token(Request(scope), session)
        if session is None:
            if is_visit:
                return RedirectResponse(f"{LOGIN_PATH}?next={quote(_target(scope), safe='')}", 303)
            return _refuse(401, "Sign in first.")
        if is_transport and not page_belongs_to(session, connection.query_params.get("client_id")):
            return _refuse(403, "This page was opened by another session.")
        if not meets(session, need):
            why = (
                "is the host's, or is not here"
                if need is Asks.HOST
                else "is nothing that the host lets guests see or do"
            )
            return not_for_guests_page(f"This page {why}.") if is_visit else _refuse(403, f"This {why}.")
        return None

    async def _serve_socket(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket for as long as its session lasts, then hang up."""
        closed = False

        async def receive_until_over() -> Message:
            message, hang_up = asyncio.ensure_future(receive()), asyncio.ensure_future(session.hung_up.wait())
            try:
                await asyncio.wait({message, hang_up}, return_when=asyncio.FIRST_COMPLETED)
                if self._sessions.is_over(session):
                    return {"type": "websocket.disconnect", "code": 1008}
                self._sessions.use(session)
                return message.result()
            finally:
                message.cancel()
                hang_up.cancel()

        async def send_once_closed(message: Message) -> None:
            nonlocal closed
            if not closed:
                closed = message["type"] == "websocket.close"
                await send(message)

        await self._app(scope, receive_until_over, send_once_closed)
        if self._sessions.is_over(session):
            await send_once_closed({"type": "websocket.close", "code": 1008})


def _is_from(own_origin: str, connection: HTTPConnection, *, trust_fetch_headers: bool) -> bool:
    """Whether the browser vouches that one of our own pages sent this request.

    Browsers leave Origin out of GET requests to their own site, such as socket.io's polling. Then Sec-Fetch-Site says
    the same, and on plain HTTP in a LAN, where that is missing too, the Referer does. Another site's page can withhold
    these headers but not forge them, so a request without any of them is refused.
    """
    headers = connection.headers
    if (origin := headers.get("origin")) is not None:
        return origin.lower() == own_origin
    if not trust_fetch_headers or connection.scope.get("method") not in SAFE_METHODS:
        return False
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    referer = urlsplit(headers.get("referer", ""))
    return f"{referer.scheme}://{referer.netloc}".lower() == own_origin


def _is_fetched_by_another_site(connection: HTTPConnection) -> bool:
    """Whether the browser says so of a request that only reads.

    Reading costs time as well (an export, a spectrogram), and its length tells what is here. Over plain HTTP in a LAN
    browsers do not say it; there the session's strict cookie does not come along.
    """
    return connection.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _is_page_visit(connection: HTTPConnection) -> bool:
    scope = connection.scope
    wants_page = "text/html" in connection.headers.get("accept", "")
    return (
        scope["method"] in READING
        and wants_page
        and not scope["path"].startswith(("/_nicegui", "/media/", "/api/", "/benchmarks/", "/tests/"))
    )


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{quote(scope['path'])}?{query}" if query else quote(scope["path"])


def _refuse(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status, headers={"Cache-Control": "no-store"})


def _with_headers(send: Send, *, kept_by_browser: bool) -> Send:
    """Add the headers of every answer; what guests are given is not kept by their browsers."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            if not kept_by_browser:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers
