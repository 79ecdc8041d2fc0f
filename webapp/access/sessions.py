"""The sessions of signed-in browsers: how one is opened, found again by its cookie, and ended with its open pages."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nicegui import Client, core
from starlette.requests import HTTPConnection

LIFETIME_S = 24 * 3600.0
# The time that open pages have to reload, which takes them to the login page, before their socket is closed.
FAREWELL_S = 0.1
_SCOPE_KEY = "audio_playground.session"


@dataclass(eq=False, slots=True)
class Session:
    """One signed-in browser.

    Attributes:
        key: SHA-256 of the cookie's value, hexadecimal. It names the session and cannot be used to take it over.
        address: the address from which the browser signed in.
        opened_at: when it signed in, in UTC.
        expires_at_s: when it expires, in seconds on the clock of `Sessions`.
        over: whether it was ended or has expired, so that no request is answered any more.
        hung_up: is set when open sockets have to close.
    """

    key: str
    address: str
    opened_at: datetime
    expires_at_s: float
    over: bool = False
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """The open sessions of one server, kept in memory: a restart signs everyone out.

    Args:
        cookie: the name of the cookie that carries a session's token.
        clock: returns seconds that only grow; tests pass their own.
        lifetime_s: how many seconds a session lasts after its login.
    """

    def __init__(
        self, cookie: str, clock: Callable[[], float] = time.monotonic, lifetime_s: float = LIFETIME_S
    ) -> None:
        self.cookie = cookie
        self.lifetime_s = lifetime_s
        self._clock = clock
        self._by_key: dict[str, Session] = {}

    def open(self, address: str) -> tuple[str, Session]:
        """Start a session for the browser at `address`; returns its token (256 random bits) and the session."""
        for session in list(self):
            self.is_over(session)  # removes expired sessions, so that memory does not grow with logins
        token = secrets.token_urlsafe(32)
        session = Session(_key(token), address, datetime.now(UTC), self._clock() + self.lifetime_s)
        self._by_key[session.key] = session
        return token, session

    def of(self, connection: HTTPConnection) -> Session | None:
        """Return the session whose token `connection` carries in its cookie, if there is one and it is not over."""
        session = self._by_key.get(_key(connection.cookies.get(self.cookie, "")))
        return None if session is None or self.is_over(session) else session

    def is_over(self, session: Session) -> bool:
        """Return whether `session` was ended or has expired."""
        if not session.over and self._clock() >= session.expires_at_s:
            self._drop(session)
        return session.over

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_key.values()))

    async def end(self, session: Session) -> None:
        """Sign one browser out: its requests are refused, its open pages are deleted, its sockets close.

        Deleting the cookie alone would leave every open page alive, because NiceGUI checks nothing after the page
        was built.
        """
        self._drop(session)
        for client in list(Client.instances.values()):
            # A page without a socket cannot be used by anybody (`page_belongs_to`), and NiceGUI deletes it soon.
            if client.has_socket_connection and session_of(client.request) is session:
                client.delete()
                await core.sio.emit("run_javascript", {"code": "location.reload()"}, room=client.id)
        await asyncio.sleep(FAREWELL_S)
        session.hung_up.set()

    def _drop(self, session: Session) -> None:
        session.over = True
        self._by_key.pop(session.key, None)


def session_of(connection: HTTPConnection) -> Session | None:
    """Return the session that the guard attached to this request; None where no passcode is set."""
    session: Session | None = connection.scope.get(_SCOPE_KEY)
    return session


def attach(session: Session, scope: Any) -> None:
    """Write `session` into an ASGI scope, where `session_of` finds it."""
    scope[_SCOPE_KEY] = session


def page_belongs_to(session: Session, client_id: str | None) -> bool:
    """Return whether a socket of `session` may control the page `client_id`: its own, or one that does not exist."""
    client = Client.instances.get(client_id or "")
    return client is None or session_of(client.request) is session


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
