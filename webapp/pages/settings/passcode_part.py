"""The passcode of guests: made up or chosen, shown once, kept as a hash."""

from __future__ import annotations

import asyncio

from nicegui import ui

from webapp.access.passcode import SHORTEST_PASSCODE, Passcode, generate_passcode
from webapp.access.sharing import Sharing
from webapp.components.copying.copy_button import CopyButton
from webapp.pages.settings.host_actions import HostActions
from webapp.pages.settings.line_form import LineForm
from webapp.theme import button, text

NONE = "There is no passcode yet, so nobody can become a guest by one."
UNREADABLE = "There is a passcode. It is kept so that nobody can read it, not even here."
NEW = "Guests type this once. It is shown until you leave this page. Who is signed in already stays so."


class PasscodePart:
    """Says what is known of the passcode and replaces it; nobody is signed out by that.

    Args:
        sharing: keeps it.
        actions: make handlers of what a host may do.
    """

    def __init__(self, sharing: Sharing, actions: HostActions) -> None:
        self._sharing = sharing
        self._text = ""  # of the passcode that was made on this page
        self._hashed = ""  # and what is kept of it, by which it is known whether it still holds
        with ui.element("div").classes("stack share-part"):
            text("Passcode", tag="h3")
            with ui.element("div").classes("line wrap") as self._line:
                self._shown = text("", "passcode", tag="output").props('aria-label="New passcode"')
                self._copy = CopyButton("Copy the passcode", "")
            self._words = text("", "mute small", tag="p")
            with ui.element("div").classes("line wrap"):
                button("New passcode", actions(self.make_up), tip="Makes one up; the one before does not hold any more")
                self._unfold = button("Choose one…", self._toggle, kind="plain", tip="Type a passcode of your own")
            hint = f"At least {SHORTEST_PASSCODE} characters"
            self._form = LineForm("Passcode of your own", "Use it", actions(self._choose), hint=hint)
        self._form.set_visibility(False)
        self._unfold.props("aria-expanded=false")
        self.show()

    def show(self) -> None:
        """Redraw it: the passcode may have been replaced elsewhere."""
        kept = self._sharing.passcode
        is_ours = kept is not None and bool(self._text) and kept.hashed == self._hashed
        self._line.set_visibility(is_ours)
        self._shown.set_text(self._text if is_ours else "")
        self._copy.props["text"] = self._text if is_ours else ""
        self._words.set_text(NONE if kept is None else NEW if is_ours else UNREADABLE)

    async def make_up(self) -> None:
        """Make a passcode up, keep its hash and show it.

        Raises:
            OSError: it cannot be written down.
        """
        await self._keep(generate_passcode())

    async def _choose(self, typed: str) -> None:
        await self._keep(typed)
        self._form.set_visibility(False)
        self._unfold.props("aria-expanded=false")

    async def _keep(self, passcode: str) -> None:
        made = await asyncio.to_thread(Passcode.of, passcode)
        self._text, self._hashed = passcode.strip(), made.hashed
        self._sharing.set_passcode(made)
        self.show()

    def _toggle(self) -> None:
        self._form.set_visibility(not self._form.visible)
        self._unfold.props(f"aria-expanded={'true' if self._form.visible else 'false'}")
