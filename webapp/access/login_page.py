"""The pages of signing in, in plain HTML: a NiceGUI page has a socket, which strangers must not get."""

from __future__ import annotations

import html
from pathlib import Path

from fastapi.responses import HTMLResponse

COLORS = Path(__file__).parents[1] / "static" / "colors.css"


def sign_in_page(
    action: str,
    following: str,
    *,
    has_passcode: bool,
    error: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """Return the page that asks for the passcode, or for the host's key where there is no passcode.

    Args:
        action: the path to which the form is sent.
        following: the path to go on to.
        has_passcode: whether the studio is shared with a passcode.
        error: what was wrong with the last try.
        status: of the answer.
        headers: further ones of the answer.
    """
    return _page(
        "Sign in",
        _SIGN_IN.format(
            about=_SHARED if has_passcode else _NOT_SHARED,
            label="Passcode" if has_passcode else "Link or key",
            action=html.escape(action),
            following=html.escape(following),
            invalid='aria-invalid="true" aria-describedby="error"' if error else "",
            alert=_alert(error),
            also=_NAME if has_passcode else "",
        ),
        _SIGN_IN_SCRIPT,
        status=status,
        headers=headers,
    )


def join_page(action: str) -> HTMLResponse:
    """Return the page on which somebody with a one-time link gives a name and joins."""
    return _page("Join", _JOIN.format(action=html.escape(action), name=_NAME))


def plain_http_page(action: str, following: str, key: str) -> HTMLResponse:
    """Return the page that warns a host before he signs in from another computer without encryption."""
    fields = (html.escape(text) for text in (action, following, key))
    return _page("Sign in as host", _PLAIN_HTTP.format(*fields))


def onward_page(following: str) -> HTMLResponse:
    """Return the page that replaces itself by another, so that the address with the key is gone from the browser.

    A redirect would not do: where a link of another program or site led here, browsers leave strict cookies out of the
    request that it leads to.
    """
    where = html.escape(following)
    return _page("Audio Playground", f'<p><a id="on" href="{where}">Open the studio</a></p>', _ONWARD_SCRIPT)


def said_page(title: str, text: str, status: int) -> HTMLResponse:
    """Return a page that says something."""
    return _page(title, f'<p role="alert">{html.escape(text)}</p>', status=status)


def not_for_guests_page(text: str) -> HTMLResponse:
    """Return the page that a guest gets instead of one that is not for him."""
    return _page("Not for guests", _NOT_FOR_GUESTS.format(html.escape(text)), status=403)


def _page(
    title: str, content: str, script: str = "", *, status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    style = COLORS.read_text("utf-8") + _STYLE
    text = _PAGE.format(title=html.escape(title), style=style, content=content, script=script)
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store", **(headers or {})})


def _alert(error: str) -> str:
    return f'<p class="error" id="error" role="alert">{html.escape(error)}</p>' if error else ""


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>{title} · Audio Playground</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<svg viewBox="0 0 56 32" width="56" height="32" aria-hidden="true">
<path d="M4 13v6M12 8v16M20 2v28M28 10v12M36 5v22M44 11v10M52 14v4"/></svg>
<h1>Audio Playground</h1>
{content}
</main>
<script>{script}</script>
</body>
</html>
"""

_SHARED = "This studio is shared with a passcode. The person who shared it has it."
_NOT_SHARED = (
    "This studio opens with a link that has a key in it. The link was printed where the studio was started; "
    "open that link, or paste it here."
)

_NAME = """<label class="also" for="name">Your name</label>
<input id="name" name="name" type="text" autocomplete="nickname" maxlength="40" placeholder="Optional">
"""

_SIGN_IN = """<p class="mute">{about}</p>
<form method="post" action="{action}">
<input type="hidden" name="next" value="{following}">
<label for="passcode">{label}</label>
<input id="passcode" name="passcode" type="password" autocomplete="current-password" autocapitalize="none"
 spellcheck="false" maxlength="400" required autofocus {invalid}>
{alert}
<label class="show"><input id="show" type="checkbox"> Show what I type</label>
{also}<button type="submit">Enter the studio</button>
</form>"""

_JOIN = """<p class="mute">You are invited to this studio. The invitation is for one person and one device.</p>
<form method="post" action="{action}">
{name}<button type="submit">Join</button>
</form>"""

_PLAIN_HTTP = """<p role="alert">You are about to sign in as the host from another computer, and the connection is not
encrypted: who can listen on this network could take the key and do all that you can do.</p>
<form method="post" action="{0}">
<input type="hidden" name="next" value="{1}">
<input type="hidden" name="passcode" value="{2}">
<input type="hidden" name="unencrypted" value="yes">
<button type="submit">Sign in all the same</button>
</form>"""

_NOT_FOR_GUESTS = """<p role="alert">{}</p>
<p><a href="/settings">What you may do here</a> · <a href="/">The Studio</a></p>"""

_STYLE = """
a { color: var(--accent); }
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
.also { margin-top: 6px; } #name { margin-bottom: 20px; }
.show { display: flex; align-items: center; gap: 10px; min-height: 44px; margin: 6px 0 10px; font-weight: 400;
  color: var(--mute); }
.show input { width: 18px; height: 18px; accent-color: var(--accent); }
button { width: 100%; min-height: 48px; border: 0; border-radius: 10px; background: var(--accent);
  color: var(--accent-ink); font: inherit; font-weight: 700; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""

# Browsers do not send a strict cookie when a link in a chat or mail opens the studio, so a signed-in person gets this
# page. A request from our own page does send the cookie, and the answer is then a redirect.
_SIGN_IN_SCRIPT = """
document.getElementById("show").addEventListener("change", (event) => {
  document.getElementById("passcode").type = event.target.checked ? "text" : "password";
});
fetch(location.href, { method: "GET", redirect: "manual" }).then((answer) => {
  if (answer.type === "opaqueredirect") location.replace(document.querySelector("[name=next]").value);
});
"""

_ONWARD_SCRIPT = """
location.replace(document.getElementById("on").href);
"""
