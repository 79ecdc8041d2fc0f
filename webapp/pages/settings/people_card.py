"""The card of who is here: the signed-in browsers, which a host can sign out or make hosts."""

from __future__ import annotations

import time
from functools import partial

from nicegui import Client, ui

from webapp.access.roles import Role
from webapp.access.sessions import Session, Sessions, visitor_of
from webapp.pages.settings.host_actions import HostActions
from webapp.theme import Text, button, card, pill, text

LOOK_AGAIN_S = 20.0  # “5 minutes ago” grows older by itself
NOBODY = "Nobody else is signed in."


class PeopleCard:
    """Lists the sessions, and follows them while the page is open.

    Args:
        sessions: the signed-in browsers.
        client: the open page, a host's.
    """

    def __init__(self, sessions: Sessions, client: Client) -> None:
        self._sessions, self._client = sessions, client
        self._drawn: object = None
        self._seen: dict[str, Text] = {}
        self._asking = ""  # the key of the guest of whom it is asked whether he is to be a host
        with card("settings-card people") as surface:
            surface.props["aria-label"] = "Who is here"
            text("Who is here", tag="h2")
            trouble = ui.element("div").classes("trouble").props("aria-live=polite")
            self._actions = HostActions(client, trouble)
            self._list = ui.element("ul").classes("people-list").props('role=list aria-label="Signed in"')
            self._none = text(NOBODY, "mute small", tag="p")
            with ui.element("div").classes("line wrap") as self._all:
                tip = "Ends every other session: other browsers of yours, and all guests"
                button("Sign out everywhere else", self._actions(self._end_all), tip=tip)
        sessions.changed.subscribe(self._show)
        ui.timer(LOOK_AGAIN_S, self._show)
        self._show()

    @property
    def _own(self) -> Session:
        return visitor_of(self._client.request)

    def _show(self) -> None:
        here = [session for session in self._sessions if not self._sessions.is_over(session)]
        here.sort(key=lambda session: (session is not self._own, not session.is_host, -session.opened_at_s))
        others = [session for session in here if session is not self._own]
        self._none.set_visibility(not others)
        self._all.set_visibility(bool(others))
        shown = [(session.key, session.role, session.name, session.address) for session in here], self._asking
        if self._drawn != shown:
            self._drawn = shown
            self._list.clear()
            self._seen = {}
            with self._list:
                for session in here:
                    self._row(session)
        for session in here:
            self._seen[session.key].set_text(_where_and_when(session, is_own=session is self._own))

    def _row(self, session: Session) -> None:
        with ui.element("li").classes("person") as row:
            row.props["aria-label"] = session.name
            with ui.element("div").classes("person-words"):
                with ui.element("div").classes("line wrap"):
                    is_nameless = session is self._own and session.name == Role.HOST.value.capitalize()
                    text("You" if is_nameless else session.name, tag="b")
                    pill("Host" if session.is_host else "Guest", state="ok" if session.is_host else "")
                    if session is self._own:
                        pill("This device")
                self._seen[session.key] = text("", "mute small num", tag="p")
            if session is self._own:
                return
            if session.key == self._asking:
                self._question(session)
                return
            with ui.element("div").classes("line wrap"):
                if not session.is_host:
                    tip = "Lets this device do everything that you can"
                    made = button("Make a host…", partial(self._ask, session.key), kind="plain", tip=tip)
                    made.props["aria-label"] = f"Make {session.name} a host"
                ended = button("Sign out", self._actions(partial(self._end, session.key)), tip="Ends this session")
                ended.props["aria-label"] = f"Sign out {session.name}"

    def _question(self, session: Session) -> None:
        with ui.element("div").classes("person-question").props("role=group aria-label=Question"):
            text(f"{session.name} could then do everything here, also change these settings.", "small", tag="p")
            with ui.element("div").classes("line wrap"):
                button("Make a host", self._actions(partial(self._promote, session.key)))
                button("Cancel", partial(self._ask, ""), kind="plain")

    # what a host does

    def _ask(self, key: str) -> None:
        self._asking = key
        self._show()

    async def _promote(self, key: str) -> None:
        self._asking = ""
        if (session := self._sessions.named(key)) is not None:
            await self._sessions.promote(session)
        self._show()

    async def _end(self, key: str) -> None:
        if (session := self._sessions.named(key)) is not None:
            await self._sessions.end(session)

    async def _end_all(self) -> None:
        await self._sessions.end_all(spared=self._own)


def _where_and_when(session: Session, *, is_own: bool) -> str:
    where = f"from {session.address}" if session.address else ""
    seen = "in use now" if is_own else f"last seen {ago(time.time() - session.seen_at_s)}"
    return ", ".join(filter(None, (where, seen)))


def ago(seconds: float) -> str:
    """Return how long ago something was, in words as exact as what is known: a session notes its use once a minute."""
    for unit, unit_s in (("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0)):
        n = int(seconds // unit_s)
        if n > (1 if unit == "minute" else 0):
            return f"{n} {unit}{'' if n == 1 else 's'} ago"
    return "just now"
