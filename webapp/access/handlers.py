"""Which right each handler of a page asks for, and the one place where it is asked.

NiceGUI takes a message for any page from any socket. Here each message is bound to the session of its socket: it counts
only for pages of the same session, and an event only if that session has the right that its element asks for, now. A
page says what its parts ask for with `asks`; a part of which nothing was said is the host's.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from nicegui import Client, core, ui
from nicegui.element import Element
from nicegui.event_listener import EventListener
from starlette.requests import HTTPConnection

from webapp.access.routes import Asks, Need, meets
from webapp.access.sessions import Session, session_of, visitor_of

OF_A_PAGE = ("handshake", "event", "ack", "log", "javascript_response")  # messages that name a page
OF_NICEGUI = ("sub_pages_open", "sub_pages_navigate")  # of pages in a page, of which there are none
NOT_FOR_VISITOR = "not-for-visitor"  # a class whose elements take no place on the page and are not read out
NOT_ALLOWED = "The host of this studio does not let guests do this."
_needs: WeakKeyDictionary[Element, dict[str, Need]] = WeakKeyDictionary()
Part = TypeVar("Part", bound=Element)
log = logging.getLogger(__name__)


def asks(element: Part, need: Need, *events: str) -> Part:
    """Say what the handlers of an element and of all that is in it ask for; return the element.

    Args:
        element: a part of a page.
        need: a right, or `Asks.SESSION` where whoever may open the page may do it.
        events: of the element itself, such as "rename", for which this holds; if none is named, all, and what is in it.
    """
    _needs.setdefault(element, {}).update(dict.fromkeys(events or ("",), need))
    return element


def only_for(part: Part, need: Need) -> Part:
    """Say what a part of a page asks for, as `asks` does, and leave it out of the page of a visitor who lacks it."""
    if not may(need):
        part.classes(NOT_FOR_VISITOR)
    return asks(part, need)


def may(need: Need) -> bool:
    """Whether the visitor of the page that is being drawn has a right now; when rights change, pages are drawn anew."""
    return meets(visitor_of(ui.context.client.request), need)


def need_of_event(element: Element, event: str) -> Need:
    """Return what an event of an element asks for; where nothing was said, it is the host's."""
    return said_need(element, event) or Asks.HOST


def said_need(element: Element, event: str) -> Need | None:
    """Return what was said of an event of an element, or of the nearest element around it; None if nothing was."""
    own = _needs.get(element, {})
    if event in own:
        return own[event]
    if isinstance(element, (ui.dialog, ui.menu, ui.dark_mode)) or event in OF_NICEGUI:
        return Asks.SESSION  # it tells that it was closed, or what the system prefers
    for each in (element, *element.ancestors()):
        if (need := _needs.get(each, {}).get("")) is not None:
            return need
    return None


def bind_messages() -> None:
    """Have each message of a socket refused, with a line in the log, that its session may not send."""
    handlers = core.sio.handlers["/"]
    handlers.update({name: _bound(name, handlers[name]) for name in OF_A_PAGE})


def _bound(name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    async def take(sid: str, *sent: Any) -> Any:
        message = sent[0] if sent and isinstance(sent[0], dict) else {}
        if (why := _refusal(sid, message)) is not None:
            log.warning("a message “%s” of a page is refused: %s", name, why)
            return False
        if name == "event" and (need := _lacking(sid, message)) is not None:
            log.warning("an event of a page is refused: it asks for the right “%s”", need.value)
            with Client.instances[message["client_id"]]:
                ui.notify(NOT_ALLOWED, type="warning")
            return False
        answer = handler(sid, *sent)
        return await answer if inspect.isawaitable(answer) else answer

    return take


def _refusal(sid: str, message: dict[str, Any]) -> str | None:
    """Return why a socket may not send a message at all, or None."""
    session = _session_of_socket(sid)
    if session is None or session.over:
        return "nobody is signed in"
    page_id = message.get("client_id")
    client = Client.instances.get(page_id) if isinstance(page_id, str) else None
    if client is None:
        return None  # NiceGUI passes it over
    return None if session_of(client.request) is session else "the page was opened by another session"


def _lacking(sid: str, event: dict[str, Any]) -> Need | None:
    """Return what an event asks for and its session, whose page it is, has not."""
    session, client = _session_of_socket(sid), Client.instances.get(event.get("client_id", ""))
    element = client.elements.get(_number(event.get("id"))) if client is not None else None
    if session is None or element is None:
        return None  # NiceGUI passes it over
    need = need_of_event(element, _event_of(element, event.get("listener_id")))
    return None if meets(session, need) else need


def _session_of_socket(sid: str) -> Session | None:
    environ = core.sio.get_environ(sid)
    return None if environ is None else session_of(HTTPConnection(environ["asgi.scope"]))


def listeners_of(element: Element) -> dict[str, EventListener]:
    """Return what listens to an element, by the ids under which a page sends events; NiceGUI names no other way."""
    return element._event_listeners


def event_of(listener: EventListener) -> str:
    """Return the event of a listener, such as "click", without what narrows it down."""
    return listener.type.partition(".")[0]


def _event_of(element: Element, listener_id: Any) -> str:
    listener = listeners_of(element).get(listener_id) if isinstance(listener_id, str) else None
    return "" if listener is None else event_of(listener)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1
