"""The login page, in plain HTML: a NiceGUI page has a socket, which strangers must not get before they sign in."""

from __future__ import annotations

import asyncio
import html
import math
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from separation.formatted import counted
from webapp.access.passcode import GuessLimit, Passcode
from webapp.access.sessions import Sessions, session_of

LOGIN_PATH = "/login"
COLORS = Path(__file__).parents[1] / "static" / "colors.css"
LOGOUT_PATH = "/logout"
LARGEST_FORM = 4096  # bytes; strangers can post to this page
MOST_FIELDS = 10


def login_routes(passcode: Passcode, sessions: Sessions, limit: GuessLimit) -> APIRouter:
    """Return the routes of the login page: they open a session for a browser that gives `passcode`, and end it."""
    router = APIRouter(include_in_schema=False)
    # One check at a time: each takes 16 MiB, and a burst of guesses must not take memory from separations.
    one_check = asyncio.Lock()

    @router.get(LOGIN_PATH)
    async def show(request: Request) -> Response:
        following = local_path(request.query_params.get("next", "/"))
        if session_of(request) is not None:
            return _go_to(following)
        return _page(following)

    @router.post(LOGIN_PATH)
    async def sign_in(request: Request) -> Response:
        form = await _small_form(request)
        if form is None:
            return _page("/", "That was far more than a passcode.", 413)
        following = local_path(form.get("next", "/"))
        address = request.client.host if request.client else ""
        async with one_check:
            wait_s = limit.begin(address)
            right = wait_s == 0 and await asyncio.to_thread(passcode.matches, form.get("passcode", ""))
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            error = f"Too many wrong passcodes. Try again in {counted(seconds, 'second')}."
            return _page(following, error, 429, {"Retry-After": str(seconds)})
        if not right:
            return _page(following, "That is not the passcode. The person who shared this studio has it.", 401)
        limit.forgive(address)
        _forget_storage(request)
        if (previous := session_of(request)) is not None:
            await sessions.end(previous)
        return _with_new_session(_go_to(following), request, sessions, address)

    @router.post(LOGOUT_PATH)
    async def sign_out(request: Request) -> Response:
        if (session := session_of(request)) is not None:
            await sessions.end(session)
        _forget_storage(request)
        response = _go_to(LOGIN_PATH)
        response.delete_cookie(sessions.cookie, httponly=True, samesite="strict")
        return response

    return router


def local_path(text: str) -> str:
    """Return `text` if it is a path on this server, else "/", so that no link to this page leads to another site."""
    # Browsers read //host, /\host and /<tab>/host as another host.
    is_local = text.startswith("/") and not text.startswith("//")
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' \\"<>')
    leads_back = text.split("?")[0] in (LOGIN_PATH, LOGOUT_PATH)
    return text if is_local and is_plain and not leads_back else "/"


def _with_new_session(response: Response, request: Request, sessions: Sessions, address: str) -> Response:
    token, _ = sessions.open(address)
    response.set_cookie(
        sessions.cookie,
        token,
        max_age=int(sessions.lifetime_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _forget_storage(request: Request) -> None:
    """Clear NiceGUI's browser storage, so that the next person at this browser does not get what it holds."""
    request.scope.get("session", {}).clear()


def _go_to(path: str) -> Response:
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


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


def _page(following: str, error: str = "", status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    invalid = 'aria-invalid="true" aria-describedby="error"' if error else ""
    alert = f'<p class="error" id="error" role="alert">{html.escape(error)}</p>' if error else ""
    text = PAGE.format(
        style=COLORS.read_text("utf-8") + STYLE,
        script=SCRIPT,
        action=LOGIN_PATH,
        following=html.escape(following),
        invalid=invalid,
        alert=alert,
    )
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store", **(headers or {})})


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>Sign in · Audio Playground</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<svg viewBox="0 0 56 32" width="56" height="32" aria-hidden="true">
<path d="M4 13v6M12 8v16M20 2v28M28 10v12M36 5v22M44 11v10M52 14v4"/></svg>
<h1>Audio Playground</h1>
<p class="mute">This studio is shared with a passcode. It was printed where the studio was started.</p>
<form method="post" action="{action}">
<input type="hidden" name="next" value="{following}">
<label for="passcode">Passcode</label>
<input id="passcode" name="passcode" type="password" autocomplete="current-password" autocapitalize="none"
 spellcheck="false" maxlength="200" required autofocus {invalid}>
{alert}
<label class="show"><input id="show" type="checkbox"> Show what I type</label>
<button type="submit">Enter the studio</button>
</form>
</main>
<script>{script}</script>
</body>
</html>
"""

STYLE = """
:root { color-scheme: dark light; font: 16px/1.5 Inter, Roboto, system-ui, sans-serif; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 16px;
  background: var(--bg); color: var(--text); }
main { width: 100%; max-width: 400px; padding: 32px 28px; background: var(--panel);
  border: 1px solid var(--line); border-radius: 14px; }
svg { stroke: var(--accent); stroke-width: 4; stroke-linecap: round; fill: none; }
h1 { margin: 14px 0 4px; font-size: 22px; font-weight: 600; }
p { margin: 0 0 20px; } .mute { color: var(--mute); }
label { display: block; font-weight: 600; }
input[type=password], input[type=text] { width: 100%; min-height: 48px; margin-top: 6px; padding: 10px 14px;
  background: var(--raise); color: var(--text); border: 1px solid var(--edge); border-radius: 10px;
  font: inherit; letter-spacing: .04em; }
input[aria-invalid] { border-color: var(--minus); }
.error { margin: 8px 0 0; color: var(--minus); }
.show { display: flex; align-items: center; gap: 10px; min-height: 44px; margin: 6px 0 10px; font-weight: 400;
  color: var(--mute); }
.show input { width: 18px; height: 18px; accent-color: var(--accent); }
button { width: 100%; min-height: 48px; border: 0; border-radius: 10px; background: var(--accent);
  color: var(--accent-ink); font: inherit; font-weight: 700; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""

# Browsers do not send a strict cookie when a link in a chat or mail opens the studio, so a signed-in person gets this
# page. A request from our own page does send the cookie, and the answer is then a redirect.
SCRIPT = """
document.getElementById("show").addEventListener("change", (event) => {
  document.getElementById("passcode").type = event.target.checked ? "text" : "password";
});
fetch(location.href, { method: "GET", redirect: "manual" }).then((answer) => {
  if (answer.type === "opaqueredirect") location.replace(document.querySelector("[name=next]").value);
});
"""
