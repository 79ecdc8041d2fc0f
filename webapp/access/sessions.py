"""The sessions of signed-in browsers: how one is opened, found again by its cookie, and ended with its open pages."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from nicegui import Client, core
from nicegui import Event as PageEvent
from starlette.requests import HTTPConnection

from storage import StorageError
from storage.records import SessionTable
from webapp.access.roles import GUESTS_USUALLY_MAY, HOST, Right, Role

IDLE_S = {Role.HOST: 30 * 86_400.0, Role.GUEST: 7 * 86_400.0}  # without a request, after which a session ends
SEEN_S = 60.0  # how exactly it is written down when a session was last used
# The time that open pages have to reload, which takes them to the login page, before their socket is closed.
FAREWELL_S = 0.1
LONGEST_NAME = 40
_SCOPE_KEY = "audio_playground.session"
log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True, kw_only=True)
class Session:
    """One signed-in browser.

    Attributes:
        key: SHA-256 of the cookie's value, hexadecimal. It names the session and cannot be used to take it over.
        role: who signed in; a host may change it.
        name: what the person is called in the list of sessions.
        person: the id of a guest, by which what is brought and made is known as theirs; "" for a host.
        address: the address from which the browser signed in.
        opened_at_s: when it signed in, seconds since 1970.
        seen_at_s: when it was last used.
        guests_may: the rights of all guests, as they are now.
        over: whether it was ended or has expired, so that no request is answered any more.
        hung_up: is set when open sockets have to close.
    """

    key: str
    role: Role
    name: str
    person: str
    address: str
    opened_at_s: float
    seen_at_s: float
    guests_may: Callable[[], Collection[Right]] = lambda: GUESTS_USUALLY_MAY
    over: bool = False
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_host(self) -> bool:
        """Whether everything is allowed."""
        return self.role is Role.HOST

    @property
    def people(self) -> dict[str, str]:
        """Whose what this session brings or makes is: the name by the id of a person."""
        return {HOST: ""} if self.is_host else {self.person: self.name}

    def may(self, right: Right) -> bool:
        """Whether this person has a right, now."""
        return not self.over and (self.is_host or right in self.guests_may())

    def to_dict(self) -> dict[str, Any]:
        """Return what is written down."""
        return {
            "role": self.role.value,
            "name": self.name,
            "person": self.person,
            "address": self.address,
            "opened": self.opened_at_s,
            "seen": self.seen_at_s,
        }


def owner() -> Session:
    """Return the session of who needs none: the person at this computer, where no token is asked for."""
    now_s = time.time()
    return Session(
        key="", role=Role.HOST, name="This computer", person="", address="", opened_at_s=now_s, seen_at_s=now_s
    )


class Sessions:
    """The open sessions of one server; they outlive a restart.

    Args:
        cookie: the name of the cookie that carries a session's token.
        table: where sessions are written down, as hashes of their tokens; None keeps them in memory.
        guests_may: returns the rights of guests.
        clock: returns seconds since 1970; tests pass their own.

    Attributes:
        changed: is emitted when a session was opened, used again after a minute, promoted, or is over.
    """

    def __init__(
        self,
        cookie: str,
        table: SessionTable | None = None,
        guests_may: Callable[[], Collection[Right]] = lambda: GUESTS_USUALLY_MAY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.cookie = cookie
        self.changed: PageEvent[[]] = PageEvent()
        self._table, self._guests_may, self._clock = table, guests_may, clock
        self._by_key: dict[str, Session] = {}
        for key, kept in ({} if table is None else table.sessions()).items():
            if (session := _session_of(key, kept, guests_may)) is not None:
                self._by_key[key] = session

    def open(self, role: Role, address: str, name: str = "") -> tuple[str, Session]:
        """Start a session for the browser at `address`; returns its token (256 random bits) and the session.

        Raises:
            StorageError: it cannot be written down.
        """
        for session in list(self):
            self.is_over(session)  # removes expired sessions, so that memory does not grow with logins
        token, now_s = secrets.token_urlsafe(32), self._clock()
        session = Session(
            key=_key(token),
            role=role,
            name=shown_name(name) or role.value.capitalize(),
            person="" if role is Role.HOST else secrets.token_hex(8),
            address=address,
            opened_at_s=now_s,
            seen_at_s=now_s,
            guests_may=self._guests_may,
        )
        self._write(session)
        self._by_key[session.key] = session
        self.changed.emit()
        return token, session

    def of(self, connection: HTTPConnection) -> Session | None:
        """Return the session whose token `connection` carries in its cookie, if there is one and it is not over."""
        session = self._by_key.get(_key(connection.cookies.get(self.cookie, "")))
        if session is None or self.is_over(session):
            return None
        self.use(session)
        return session

    def use(self, session: Session) -> None:
        """Note that a session is in use."""
        now_s = self._clock()
        if now_s - session.seen_at_s >= SEEN_S:
            session.seen_at_s = now_s
            try:
                self._write(session)
            except StorageError as error:
                log.warning("when a session was last used is not written down: %s", error)
            self.changed.emit()

    def is_over(self, session: Session) -> bool:
        """Return whether `session` was ended or has not been used for too long."""
        if not session.over and session.key and self._clock() - session.seen_at_s >= IDLE_S[session.role]:
            self._drop(session)
        return session.over

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_key.values()))

    def named(self, key: str) -> Session | None:
        """Return the open session of a key."""
        session = self._by_key.get(key)
        return None if session is None or self.is_over(session) else session

    async def promote(self, session: Session) -> None:
        """Make a guest a host, on this device; its open pages are built anew.

        Raises:
            StorageError: it cannot be written down.
        """
        session.role = Role.HOST
        self.changed.emit()
        self._write(session)
        await self._reload(session, delete=False)

    async def redraw_guests(self) -> None:
        """Have the open pages of all guests built anew, for what they may do by now."""
        await asyncio.gather(*(self._reload(session, delete=False) for session in self if not session.is_host))

    async def end(self, session: Session) -> None:
        """Sign one browser out: its requests are refused, its open pages are deleted, its sockets close.

        Deleting the cookie alone would leave every open page alive, because NiceGUI checks nothing after the page
        was built.
        """
        if not session.key:
            return  # of who needs none
        self._drop(session)
        await self._reload(session, delete=True)
        await asyncio.sleep(FAREWELL_S)
        session.hung_up.set()

    async def end_all(self, spared: Session | None = None) -> None:
        """Sign every browser out, but for one."""
        await asyncio.gather(*(self.end(session) for session in self if session is not spared))

    async def _reload(self, session: Session, *, delete: bool) -> None:
        for client in list(Client.instances.values()):
            # A page without a socket cannot be used by anybody (`page_belongs_to`), and NiceGUI deletes it soon.
            if client.has_socket_connection and session_of(client.request) is session:
                if delete:
                    client.delete()
                await core.sio.emit("run_javascript", {"code": "location.reload()"}, room=client.id)

    def _write(self, session: Session) -> None:
        if self._table is not None:
            self._table.write(session.key, session.to_dict())

    def _drop(self, session: Session) -> None:
        session.over = True
        self._by_key.pop(session.key, None)
        self.changed.emit()
        if self._table is not None:
            try:
                self._table.remove(session.key)
            except StorageError as error:
                log.warning("a session that is over is still written down, and holds again after a restart: %s", error)


def session_of(connection: HTTPConnection) -> Session | None:
    """Return the session that the guard attached to this request; None for somebody who has not signed in."""
    session: Session | None = connection.scope.get(_SCOPE_KEY)
    return session


def visitor_of(connection: HTTPConnection) -> Session:
    """Return who sends a request that has passed the guard; where there is no guard, it is the owner."""
    if _SCOPE_KEY not in connection.scope:
        return owner()
    session = session_of(connection)
    assert session is not None, "The guard lets nobody pass without a session."
    return session


def attach(session: Session | None, scope: Any) -> None:
    """Write `session` into an ASGI scope, where `session_of` finds it."""
    scope[_SCOPE_KEY] = session


def page_belongs_to(session: Session, client_id: str | None) -> bool:
    """Return whether a socket of `session` may control the page `client_id`: its own, or one that does not exist."""
    client = Client.instances.get(client_id or "")
    return client is None or session_of(client.request) is session


def shown_name(text: str) -> str:
    """Return a name that somebody typed, on one line and not too long."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:LONGEST_NAME]


def _session_of(key: str, kept: Any, guests_may: Callable[[], Collection[Right]]) -> Session | None:
    try:
        return Session(
            key=key,
            role=Role(kept["role"]),
            name=str(kept["name"]),
            person=str(kept["person"]),
            address=str(kept["address"]),
            opened_at_s=float(kept["opened"]),
            seen_at_s=float(kept["seen"]),
            guests_may=guests_may,
        )
    except (KeyError, TypeError, ValueError) as damage:
        log.warning("a kept session is passed over, its browser has to sign in again: %s", damage)
        return None


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
