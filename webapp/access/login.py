"""Signing in and out: by the host's token, by the passcode, by a one-time link."""

from __future__ import annotations

import asyncio
import math
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from separation.formatted import counted
from webapp.access.guessing import GuessBrake
from webapp.access.host_token import PARAMETER
from webapp.access.login_page import join_page, onward_page, plain_http_page, said_page, sign_in_page
from webapp.access.roles import Role
from webapp.access.routes import HEALTH_PATH, JOIN_PATH, LOGIN_PATH, LOGOUT_PATH
from webapp.access.rules import AccessRules, is_loopback
from webapp.access.sessions import Session, Sessions, session_of

LARGEST_FORM = 4096  # bytes; strangers can post to this page
MOST_FIELDS = 10
COOKIE_STAYS_S = 400 * 86_400  # the longest that browsers keep one; the server ends a session that is not used
NOT_THE_KEY = "This link is not, or is no longer, the one of this studio's host."


class Entrance:
    """Opens sessions for browsers that show what they need to.

    Args:
        rules: what the server asks for.
        sessions: the open ones.
        brake: on guessing the passcode.
    """

    def __init__(self, rules: AccessRules, sessions: Sessions, brake: GuessBrake) -> None:
        self.rules, self.sessions, self._brake = rules, sessions, brake

    def by_token(self, request: Request, session: Session | None) -> Response:
        """Answer a visit whose address carries a token: sign in, and go on to the address without it."""
        following = _without_token(request)
        given = request.query_params.get(PARAMETER, "")
        if session is not None and session.is_host:
            return onward_page(following)
        if not self._is_token(given):
            return self.ask(following, NOT_THE_KEY, 401)
        if _is_unencrypted(request):
            return plain_http_page(LOGIN_PATH, following, given)
        return self._enter(onward_page(following), Role.HOST, request, "")

    async def by_form(self, request: Request, form: dict[str, str]) -> Response:
        """Answer what was typed on the sign-in page: the passcode, or the host's link or its key."""
        following, given = local_path(form.get("next", "/")), form.get("passcode", "")
        if self._is_token(key := _key_in(given)):
            if _is_unencrypted(request) and "unencrypted" not in form:
                return plain_http_page(LOGIN_PATH, following, key)
            return await self._replace(request, following, Role.HOST, form.get("name", ""))
        if self.rules.sharing.passcode is None:
            return self.ask(following, NOT_THE_KEY, 401)
        right, wait_s = await self._brake.check(_address(request), lambda: self._is_passcode(given))
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            error = f"Too many wrong passcodes. Try again in {counted(seconds, 'second')}."
            return self.ask(following, error, 429, {"Retry-After": str(seconds)})
        if not right:
            return self.ask(following, "That is not the passcode. The person who shared this studio has it.", 401)
        return await self._replace(request, following, Role.GUEST, form.get("name", ""))

    async def by_link(self, request: Request, secret: str, name: str) -> Response:
        """Answer somebody who joins by a one-time link."""
        if not self.rules.sharing.use_link(secret):
            return self.used_up()
        return await self._replace(request, "/", Role.GUEST, name)

    def ask(
        self, following: str, error: str = "", status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        """Return the sign-in page."""
        has_passcode = self.rules.sharing.passcode is not None
        return sign_in_page(
            LOGIN_PATH, following, has_passcode=has_passcode, error=error, status=status, headers=headers
        )

    def used_up(self) -> Response:
        """Return the page of a link that does not hold any more."""
        why = "This invitation was used already, or is older than a quarter of an hour. Ask the host for a new one."
        return said_page("Join", why, 410)

    async def leave(self, request: Request) -> Response:
        """Sign a browser out."""
        if (session := session_of(request)) is not None:
            await self.sessions.end(session)
        _forget_storage(request)
        response = go_to(LOGIN_PATH)
        response.delete_cookie(self.sessions.cookie, httponly=True, samesite="strict")
        return response

    def _is_token(self, text: str) -> bool:
        return self.rules.token is not None and self.rules.token.matches(text)

    async def _is_passcode(self, text: str) -> bool:
        passcode = self.rules.sharing.passcode
        return passcode is not None and await asyncio.to_thread(passcode.matches, text)

    async def _replace(self, request: Request, following: str, role: Role, name: str) -> Response:
        """Open a new session in the place of the browser's earlier one."""
        _forget_storage(request)
        if (previous := session_of(request)) is not None:
            await self.sessions.end(previous)
        return self._enter(go_to(following), role, request, name)

    def _enter(self, response: Response, role: Role, request: Request, name: str) -> Response:
        token, _ = self.sessions.open(role, _address(request), name)
        response.set_cookie(
            self.sessions.cookie,
            token,
            max_age=COOKIE_STAYS_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response


def login_routes(entrance: Entrance) -> APIRouter:
    """Return the routes of signing in and out, and the one that says that the server is up."""
    router = APIRouter(include_in_schema=False)

    @router.get(HEALTH_PATH)
    def health() -> Response:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    @router.get(LOGIN_PATH)
    def show(request: Request) -> Response:
        following = local_path(request.query_params.get("next", "/"))
        return go_to(following) if session_of(request) is not None else entrance.ask(following)

    @router.post(LOGIN_PATH)
    async def sign_in(request: Request) -> Response:
        form = await _small_form(request)
        if form is None:
            return entrance.ask("/", "That was far more than a passcode.", 413)
        return await entrance.by_form(request, form)

    @router.get(JOIN_PATH + "{secret}")
    def invite(request: Request, secret: str) -> Response:
        if session_of(request) is not None:
            return go_to("/")
        return join_page(JOIN_PATH + secret) if entrance.rules.sharing.has_link(secret) else entrance.used_up()

    @router.post(JOIN_PATH + "{secret}")
    async def join(request: Request, secret: str) -> Response:
        form = await _small_form(request)
        return await entrance.by_link(request, secret, (form or {}).get("name", ""))

    @router.post(LOGOUT_PATH)
    async def sign_out(request: Request) -> Response:
        return await entrance.leave(request)

    return router


def local_path(text: str) -> str:
    """Return `text` if it is a path on this server, else "/", so that no link to this page leads to another site."""
    # Browsers read //host, /\host and /<tab>/host as another host.
    is_local = text.startswith("/") and not text.startswith("//")
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' \\"<>')
    leads_back = text.split("?")[0] in (LOGIN_PATH, LOGOUT_PATH)
    return text if is_local and is_plain and not leads_back else "/"


def go_to(path: str) -> Response:
    """Return a redirect that is not kept."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


def _without_token(request: Request) -> str:
    others = [(name, value) for name, value in request.query_params.multi_items() if name != PARAMETER]
    return local_path(request.url.path + (f"?{urlencode(others)}" if others else ""))


def _key_in(text: str) -> str:
    """Return the key in a pasted link; the text itself if it is none."""
    fields = parse_qs(urlsplit(text.strip()).query) if "?" in text else {}
    return fields.get(PARAMETER, [text.strip()])[0]


def _is_unencrypted(request: Request) -> bool:
    """Whether others on the network could read along."""
    return request.url.scheme != "https" and not is_loopback(_address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _forget_storage(request: Request) -> None:
    """Clear NiceGUI's browser storage, so that the next person at this browser does not get what it holds."""
    request.scope.get("session", {}).clear()


async def _small_form(request: Request) -> dict[str, str] | None:
    """Return the fields of the posted HTML form; None if it has more bytes or fields than the page's own."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    return {name: values[-1] for name, values in fields.items()}
