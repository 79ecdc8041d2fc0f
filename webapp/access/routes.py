"""Which rights the routes of this server ask for; what is not listed here is the host's alone."""

from __future__ import annotations

from enum import Enum

import nicegui

from webapp.access.roles import Right
from webapp.access.sessions import Session

SOCKET_PATH = "/_nicegui_ws"
LISTENING_PATH = "/listen/"
LOGIN_PATH, LOGOUT_PATH, JOIN_PATH, HEALTH_PATH = "/login", "/logout", "/join/", "/healthz"
READING = ("GET", "HEAD")
# NiceGUI's own scripts and styles: the same files for everyone who installs this release. Its uploads, media, resources
# and dynamic resources are not among them.
LIBRARY_PATHS = tuple(
    f"/_nicegui/{nicegui.__version__}/{kind}/" for kind in ("static", "libraries", "components", "esm")
)
STATIC_PATH = "/static/"  # our own styles and scripts
OWN_PAGES = ("/", "/compare", "/library", "/settings")  # what a visitor sees there depends on whose it is
COMMON_PAGES = ("/benchmark", "/models")  # they show what the host has made, or has here


class Asks(Enum):
    """What a route asks for, where it is no right.

    NOTHING: it is open, or asks by itself.
    SESSION: somebody who has signed in; it asks for more by itself, according to what is asked for.
    HOST: the host.
    """

    NOTHING = "nothing"
    SESSION = "session"
    HOST = "host"


Need = Asks | Right
# (methods, beginning of the path or the whole path, what is asked for); the first that fits counts.
ROUTES: tuple[tuple[tuple[str, ...], str, Need], ...] = (
    *((READING, path, Asks.NOTHING) for path in LIBRARY_PATHS),
    (READING, HEALTH_PATH, Asks.NOTHING),
    ((*READING, "POST"), LOGIN_PATH, Asks.NOTHING),
    ((*READING, "POST"), JOIN_PATH, Asks.NOTHING),
    ((*READING, "POST"), LISTENING_PATH, Asks.NOTHING),
    (("POST",), LOGOUT_PATH, Asks.SESSION),
    (("GET", "POST", "SOCKET"), f"{SOCKET_PATH}/", Asks.SESSION),
    (READING, f"/_nicegui/{nicegui.__version__}/", Asks.SESSION),
    (READING, STATIC_PATH, Asks.SESSION),
    *((READING, path, Asks.SESSION) for path in OWN_PAGES),
    *((READING, path, Right.LISTEN) for path in COMMON_PAGES),
    (READING, "/benchmark/", Right.LISTEN),
    (READING, "/favicon.ico", Asks.SESSION),
    (READING, "/media/", Asks.SESSION),
    (READING, "/benchmarks/", Right.LISTEN),
    (("PUT",), "/api/uploads", Right.UPLOAD),
    (("POST",), "/api/demo", Right.UPLOAD),
)


def need_of(method: str, path: str) -> Need:
    """Return what a request asks for; "SOCKET" is the method of a WebSocket."""
    for methods, known, need in ROUTES:
        if method in methods and (path.startswith(known) if known.endswith("/") and known != "/" else path == known):
            return need
    return Asks.HOST


def meets(session: Session, need: Need) -> bool:
    """Whether a person may have what is asked for."""
    if isinstance(need, Right):
        return session.may(need)
    return not session.over and (need is not Asks.HOST or session.is_host)
