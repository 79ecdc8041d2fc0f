"""The card of the computer: where the work runs, folders of models, the names it answers to."""

from __future__ import annotations

from functools import partial

from nicegui import Client, ui

from separation.errors import SettingsError
from separation.models import folders
from webapp.access.rules import is_host_name
from webapp.pages.settings.host_actions import HostActions
from webapp.pages.settings.line_form import LineForm
from webapp.pages.settings.served import ServedStudio
from webapp.theme import card, chip, text

MOST_NAMES = 20
LONGEST_NAME = 253  # letters of a name in the DNS
AT_THE_COMPUTER = (
    "A cluster and a folder of models can run code of others on this computer, so no page changes them: they are given "
    "by whoever starts the studio, at this computer."
)
NAMES = (
    "The studio answers to its addresses and to the names of this computer. Add the name that people type for it "
    "elsewhere, such as that of a proxy. Add your own only: whoever owns a name can come in through your browser."
)


class ComputerCard:
    """Shows what is settled where the studio is started, and adds and removes names.

    Args:
        studio: the running server.
        client: the open page, a host's.
    """

    def __init__(self, studio: ServedStudio, client: Client) -> None:
        self._sharing = studio.sharing
        self._drawn: object = None
        with card("settings-card") as surface:
            surface.props["aria-label"] = "This computer"
            text("This computer", tag="h2")
            with ui.element("dl").classes("facts"):
                _row("Separations run", f"on the cluster at {studio.scheduler}" if studio.scheduler else "here")
                named = [f"{name} ({folders.find_folder(name)})" for name in folders.names()]
                _row("Folders of models", ", ".join(named) or "none")
            text(AT_THE_COMPUTER, "mute small", tag="p")
            with ui.element("div").classes("stack share-part"):
                text("Further names", tag="h3")
                text(NAMES, "mute small", tag="p")
                trouble = ui.element("div").classes("trouble").props("aria-live=polite")
                self._actions = HostActions(client, trouble)
                self._names = ui.element("div").classes("names").props('role=group aria-label="Further names"')
                LineForm("A further name", "Add", self._actions(self._add), hint="studio.example", limit=LONGEST_NAME)
        self._sharing.changed.subscribe(self._show)
        self._show()

    def _show(self) -> None:
        if (names := self._sharing.names) == self._drawn:
            return
        self._drawn = names
        self._names.clear()
        with self._names:
            for name in sorted(names):
                chip(name, "var(--mute)", on_remove=self._actions(partial(self._remove, name)))
        self._names.set_visibility(bool(names))

    def _add(self, typed: str) -> None:
        name = typed.strip().lower()
        if not is_host_name(name):
            why = "A name has letters, digits, dots and hyphens, as between “https://” and the next slash or colon."
            raise SettingsError(
                f"“{typed.strip()}” is no name of a computer.", why, "Type something like studio.example."
            )
        if len(self._sharing.names) >= MOST_NAMES:
            raise SettingsError(f"There are {MOST_NAMES} names.", "More are not kept.", "Remove one first.")
        self._sharing.set_names({*self._sharing.names, name})

    def _remove(self, name: str) -> None:
        self._sharing.set_names(self._sharing.names - {name})


def _row(label: str, value: str) -> None:
    text(label, "mute", tag="dt")
    text(value, tag="dd")
