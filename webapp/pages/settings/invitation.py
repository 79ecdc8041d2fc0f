"""A link by which one person joins without the passcode, once."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from webapp.access.routes import JOIN_PATH
from webapp.access.sharing import LINK_HOLDS_S, Sharing
from webapp.components.copying.copy_button import CopyButton
from webapp.components.pieces.qr import qr_code
from webapp.pages.settings.host_actions import HostActions
from webapp.theme import button, text

ABOUT = f"A link that lets one person in without the passcode, once, within {LINK_HOLDS_S / 60:.0f} minutes."


class Invitation:
    """Makes links and shows the last one.

    Args:
        sharing: knows which links hold.
        actions: make handlers of what a host may do.
        address: returns the address of the studio for guests.
    """

    def __init__(self, sharing: Sharing, actions: HostActions, address: Callable[[], str]) -> None:
        self._sharing, self._address = sharing, address
        with ui.element("div").classes("stack share-part"):
            text("Invitation", tag="h3")
            text(ABOUT, "mute small", tag="p")
            with ui.element("div").classes("line"):
                button("Invite one person", actions(self._invite), tip="Shows a new link; those before hold their time")
            self._place = ui.element("div").props("aria-live=polite")

    def _invite(self) -> None:
        link = f"{self._address()}{JOIN_PATH}{self._sharing.new_link()}"
        self._place.clear()
        with self._place, ui.element("div").classes("address-tile"):
            qr_code(link, "QR code of the invitation")
            with ui.element("div").classes("stack"):
                text(link, "address invitation-link", tag="output").props('aria-label="Invitation"')
                CopyButton("Copy the link", link)
