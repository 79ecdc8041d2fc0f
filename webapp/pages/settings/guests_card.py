"""The card of what guests may do."""

from __future__ import annotations

from nicegui import Client, ui

from webapp.access.roles import Right
from webapp.access.sharing import Sharing
from webapp.components.settings import controls
from webapp.components.settings.settings import Settings
from webapp.pages.settings.host_actions import HostActions
from webapp.theme import card, text

# What is written beside the switch of each right, and what it means.
LABELS = {
    Right.LISTEN: ("Listen", "See and hear what you have here, and what other guests share"),
    Right.RUN: ("Run jobs", "Start separations on this computer, in your queue; the results are theirs and yours"),
    Right.UPLOAD: ("Upload", "Bring recordings, which are kept on this computer and are theirs and yours"),
    Right.MANAGE: ("Manage their own", "Rename, share and delete what they have brought or made themselves"),
}


class GuestsCard:
    """Switches the rights of guests; each holds at once, also in their open pages.

    Args:
        sharing: keeps them.
        client: the open page, a host's.
    """

    def __init__(self, sharing: Sharing, client: Client) -> None:
        self._sharing = sharing
        with card("settings-card") as surface:
            surface.props["aria-label"] = "Guests may"
            text("Guests may", tag="h2")
            trouble = ui.element("div").classes("trouble").props("aria-live=polite")
            self._actions = HostActions(client, trouble)
            self._switches = Settings(self._actions(self._set))
            text("Each change holds at once, for everybody who is here as a guest.", "mute small", tag="p")
        sharing.changed.subscribe(self._show)
        self._show()

    def _show(self) -> None:
        may = self._sharing.guests_may
        fields = [
            controls.switch(f"guests.{right.value}", label, right in may, tip) for right, (label, tip) in LABELS.items()
        ]
        self._switches.set_groups([{"title": "", "fields": fields}])

    def _set(self, name: str, granted: bool) -> None:
        right = Right(name.partition(".")[2])
        may = self._sharing.guests_may
        self._sharing.grant(may | {right} if granted else may - {right})
