"""The Settings page: sharing, guests, what is usual and this computer, for a host; for guests, who they are here."""

from __future__ import annotations

from nicegui import ui

from webapp.access.routes import Asks
from webapp.access.sessions import visitor_of
from webapp.pages.doctor.card import DoctorCard
from webapp.pages.settings.computer_card import ComputerCard
from webapp.pages.settings.guests_card import GuestsCard
from webapp.pages.settings.look_card import LookCard
from webapp.pages.settings.own_card import OwnCard
from webapp.pages.settings.people_card import PeopleCard
from webapp.pages.settings.served import ServedStudio
from webapp.pages.settings.sharing_card import SharingCard
from webapp.pages.settings.usual_card import UsualCard
from webapp.theme import install_theme, shell, text


class SettingsPage:
    """One open Settings page; what is set belongs to the server.

    Args:
        studio: the running server.
    """

    def __init__(self, studio: ServedStudio) -> None:
        client = ui.context.client
        with shell("settings", side="", footer=False, needs=Asks.HOST) as frame:
            with frame.header:
                text("Settings", tag="h1")
            with frame.main, ui.element("div").classes("settings-page"):
                if visitor_of(client.request).is_host:
                    SharingCard(studio, client)
                    GuestsCard(studio.sharing, client)
                    PeopleCard(studio.sessions, client)
                    UsualCard(studio, client)
                    ComputerCard(studio, client)
                    status = text("", "sr-only", tag="p").props("role=status")
                    DoctorCard(studio.doctor, say=status.set_text, may_run=True)
                OwnCard(studio.sharing, client)
                LookCard()


def add_settings_page(studio: ServedStudio) -> None:
    """Register the page of a server that is about to start."""

    @ui.page("/settings", title="Settings", language="en-US")
    def settings() -> None:
        install_theme()
        SettingsPage(studio)
