"""The Settings page: sharing, guests and who is here, for a host; for guests, who they are here."""

from __future__ import annotations

from nicegui import ui

from webapp.access.sessions import visitor_of
from webapp.pages.settings.guests_card import GuestsCard
from webapp.pages.settings.own_card import OwnCard
from webapp.pages.settings.people_card import PeopleCard
from webapp.pages.settings.served import ServedStudio
from webapp.pages.settings.sharing_card import SharingCard
from webapp.theme import install_theme, scheme_menu, shell, text


class SettingsPage:
    """One open Settings page; what is set belongs to the server.

    Args:
        studio: the running server.
    """

    def __init__(self, studio: ServedStudio) -> None:
        client = ui.context.client
        with shell("settings", side="", footer=False) as frame:
            with frame.header:
                text("Settings", tag="h1")
                text("", "grow")
                scheme_menu()
            with frame.main, ui.element("div").classes("settings-page"):
                if visitor_of(client.request).is_host:
                    SharingCard(studio, client)
                    GuestsCard(studio.sharing, client)
                    PeopleCard(studio.sessions, client)
                OwnCard(studio.sharing, client)


def add_settings_page(studio: ServedStudio) -> None:
    """Register the page of a server that is about to start."""

    @ui.page("/settings", title="Settings", language="en-US")
    def settings() -> None:
        install_theme()
        SettingsPage(studio)
