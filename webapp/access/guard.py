"""Who may reach this server: where it listens, which names it answers to, and the guard in front of every request.

NiceGUI checks a page's id and nothing else on its socket, and accepts any Host and any Origin. So one ASGI guard stands
outside everything else, for HTTP and for WebSockets alike.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import nicegui
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from separation.audio.files import write_private
from separation.errors import SettingsError
from webapp.access.faults import answer_faults, check_messages, logged
from webapp.access.login import LOGIN_PATH, login_routes
from webapp.access.passcode import GuessLimit, Passcode
from webapp.access.sessions import Session, Sessions, attach, page_belongs_to, session_of

SOCKET_PATH = "/_nicegui_ws"
LISTENING_PATH = "/listen/"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # headers that proxies add
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# NiceGUI's own scripts and styles: the same files for everyone who installs this release. Its uploads, media, resources
# and dynamic resources are not among them.
LIBRARY_PATHS = tuple(
    f"/_nicegui/{nicegui.__version__}/{kind}/" for kind in ("static", "libraries", "components", "esm")
)
# No script policy: nicegui.js evaluates code it receives.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SharingRules:
    """The address the server listens on, and what it requires of a browser.

    Attributes:
        host: the address it is bound to.
        port: the port it is bound to.
        passcode: the passcode that a browser must give; None only on a loopback address.
        names: host names it answers to, lower case, beside loopback names and the address a request arrived at.
    """

    host: str
    port: int
    passcode: Passcode | None
    names: frozenset[str]

    @property
    def shared(self) -> bool:
        """Whether other computers can reach the server."""
        return not is_loopback(self.host)

    def answers_to(self, host_header: str, arrived_at: str) -> bool:
        """Whether a request with this Host header, arriving at this address of ours, is meant for us.

        A page of another site can point its own name at our address (DNS rebinding) and would then count as our
        origin. Only the name gives that away; the port may differ behind a forwarded port.
        """
        name = _host_name(host_header)
        if name is None:
            return False
        if is_loopback(name) or name in self.names:
            return True
        return self.shared and _address(name) is not None and _address(name) == _address(arrived_at)


def require_sharing_rules(
    host: str, passcode: str | None, *, port: int = 8080, extra_names: Iterable[str] = ()
) -> SharingRules:
    """Decide what listening on `host` requires.

    Args:
        host: address to bind; "" and "0.0.0.0" mean all of this computer's addresses.
        passcode: the passcode's text, or None for none.
        port: port to bind.
        extra_names: further names or addresses people use for this server, such as that of a reverse proxy.

    Raises:
        SettingsError: other computers could reach the server and no passcode is set, or the passcode is too short.
    """
    if passcode is None and not is_loopback(host):
        raise SettingsError(
            f"Listening on {host or 'all addresses'} needs a passcode.",
            "Other computers on the network can reach that address, and without a passcode anyone there could use "
            "this studio and hear its recordings.",
            "Add --passcode auto to have one generated and printed, or listen on 127.0.0.1.",
        )
    names = {host.lower(), *(name.lower() for name in extra_names)} - {""}
    if not is_loopback(host):
        own_name = socket.gethostname().lower()
        names |= {own_name, f"{own_name.removesuffix('.local')}.local"}  # the second by multicast DNS
    return SharingRules(
        host=host,
        port=port,
        passcode=None if passcode is None else Passcode(passcode),
        names=frozenset(names - {"0.0.0.0", "::"}),  # noqa: S104  these are removed here, nothing is bound
    )


def install(app: FastAPI, rules: SharingRules) -> Sessions:
    """Put the guard in front of `app` and add the login and logout routes; call before the server starts.

    Returns the open sessions, for pages that list or end them.
    """
    # Cookies are shared by all ports of a host; the port in the name keeps two studios on one computer apart.
    sessions = Sessions(cookie=f"audio_playground_{rules.port}")
    if rules.passcode is not None:
        app.include_router(login_routes(rules.passcode, sessions, GuessLimit()))

    answer_faults(app)
    check_messages()
    build_stack: Callable[[], ASGIApp] = app.build_middleware_stack

    def build_guarded_stack() -> ASGIApp:
        return logged(Guard(build_stack(), rules, sessions))

    # `add_middleware` would not do: `ui.run` adds its own later, outside of ours. They would answer first, keep
    # storage for strangers, rewrite our redirects and mark our refusals as cacheable.
    app.build_middleware_stack = build_guarded_stack  # type: ignore[method-assign]  # the stack is built on first use
    return sessions


class Guard:
    """ASGI middleware that answers for `app` whenever a request may not reach it."""

    def __init__(self, app: ASGIApp, rules: SharingRules, sessions: Sessions) -> None:
        self._app, self._rules, self._sessions = app, rules, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, one WebSocket, or the server's lifespan."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        session = self._sessions.of(connection)
        if session is not None:
            attach(session, scope)
        refusal = self._refusal(connection, session)
        if scope["type"] == "http":
            await (refusal or self._app)(scope, receive, _with_security_headers(send))
        elif refusal is not None:
            await send({"type": "websocket.close", "code": 1008})  # not yet accepted, so the browser gets a 403
        elif session is not None:
            await self._serve_socket(session, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, connection: HTTPConnection, session: Session | None) -> Response | None:
        """Return the answer to a request that may not reach the app, or None for one that may."""
        scope, headers = connection.scope, connection.headers
        path, is_socket = scope["path"], scope["type"] == "websocket"
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            return _refuse(400, "This request names no host, or several.")
        if not self._rules.answers_to(hosts[0], (scope.get("server") or ("",))[0]):
            return _refuse(421, "This server does not answer to that name. Open it by the address it printed.")

        own_origin = f"{'https' if scope['scheme'] in ('https', 'wss') else 'http'}://{hosts[0]}".lower()
        is_transport = path.startswith(SOCKET_PATH)
        if (is_socket or is_transport or scope["method"] not in SAFE_METHODS) and not (
            _is_from(own_origin, connection, trust_fetch_headers=not is_socket)
        ):
            return _refuse(403, "This request comes from another site's page, which may not act here.")

        if self._rules.passcode is None or (not is_socket and _is_open(path, scope["method"])):
            return None
        if session is None:
            if scope["type"] == "http" and _is_page_visit(connection):
                return RedirectResponse(f"{LOGIN_PATH}?next={quote(_target(scope), safe='')}", 303)
            return _refuse(401, "Sign in first: this studio is protected by a passcode.")
        if is_transport and not page_belongs_to(session, connection.query_params.get("client_id")):
            return _refuse(403, "This page was opened by another session.")
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


def is_host(connection: HTTPConnection) -> bool:
    """Whether a request has the owner's rights: it comes from this computer, or no passcode is set.

    A request that a proxy on this computer forwards counts as coming from another computer.
    """
    if session_of(connection) is None:
        return True
    if any(name in connection.headers for name in FORWARDED) or connection.client is None:
        return False
    came_from, arrived_at = connection.client.host, (connection.scope.get("server") or ("",))[0]
    return is_loopback(came_from) or came_from == arrived_at


def is_loopback(host: str) -> bool:
    """Whether `host` can only mean this computer."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def storage_secret(home: Path) -> str:
    """Read the secret that signs NiceGUI's browser storage from `home`, or make one on the first start.

    The file is private to its owner (mode 0600) and appears whole or not at all.
    """
    path = home / "storage_secret"
    if path.exists():
        path.chmod(0o600)
        kept = path.read_text("ascii", "ignore").strip()
        if len(kept) >= 43:  # 256 bits in base 64; less is a damaged file, and a new secret costs nobody anything
            return kept
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_urlsafe(32)
    write_private(path, secret)
    return secret


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


def _is_open(path: str, method: str) -> bool:
    """Whether a request is answered without a session."""
    if path.startswith(LISTENING_PATH):  # its routes ask for the test's own key, and open nothing else
        return True
    return path == LOGIN_PATH or (method in ("GET", "HEAD") and path.startswith(LIBRARY_PATHS))


def _is_page_visit(connection: HTTPConnection) -> bool:
    scope = connection.scope
    wants_page = "text/html" in connection.headers.get("accept", "")
    return scope["method"] == "GET" and wants_page and not scope["path"].startswith("/_nicegui")


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{quote(scope['path'])}?{query}" if query else quote(scope["path"])


def _refuse(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status, headers={"Cache-Control": "no-store"})


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers


def _host_name(host_header: str) -> str | None:
    """Return the name of a Host header without its port, or None if it is malformed."""
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?", host_header.lower(), re.ASCII)
    return None if match is None else match[1] or match[2]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None  # a name
    # A socket that serves both protocols reports IPv4 peers as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address
