"""The card of the visitor himself: who he is here, what he may do, signing out."""

from __future__ import annotations

from nicegui import Client, ui

from webapp.access.roles import Right
from webapp.access.routes import LOGOUT_PATH
from webapp.access.sessions import visitor_of
from webapp.access.sharing import Sharing
from webapp.theme import card, text, tipped

MAY = {
    Right.LISTEN: "listen to what the host has here and others share",
    Right.RUN: "run jobs",
    Right.UPLOAD: "upload recordings",
    Right.MANAGE: "rename, share and delete what you have brought and made",
}
HOST = "You are a host: you may do everything here."
OWNER = "You are at the computer that runs this studio, where nobody has to sign in: you may do everything."


class OwnCard:
    """Says who the visitor is, and signs this browser out.

    Args:
        sharing: knows what guests may do.
        client: the open page.
    """

    def __init__(self, sharing: Sharing, client: Client) -> None:
        self._sharing, self._visitor = sharing, visitor_of(client.request)
        with card("settings-card") as surface:
            surface.props["aria-label"] = "You"
            text("You" if self._visitor.is_host else f"You are here as {self._visitor.name}", tag="h2")
            self._words = text("", tag="p").props("role=status")
            if self._visitor.key:  # there is a session to end
                with ui.element("form").props(f"method=post action={LOGOUT_PATH}"):
                    out = text("Sign out", "button quiet", tag="button").props("type=submit")
                    tipped(out, "Ends the session of this browser")
        sharing.changed.subscribe(self._show)
        self._show()

    def _show(self) -> None:
        if self._visitor.is_host:
            self._words.set_text(HOST if self._visitor.key else OWNER)
            return
        granted = [words for right, words in MAY.items() if self._visitor.may(right)]
        denied = [words for right, words in MAY.items() if not self._visitor.may(right)]
        may = f"As a guest you may {_listed(granted, 'and')}." if granted else "As a guest you may do nothing yet."
        not_ = f" You may not {_listed(denied, 'or')}; the host decides that." if granted and denied else ""
        self._words.set_text(may + not_)


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
