"""The Models page: who can separate here, which models are on this computer, getting and removing them, the doctor."""

from __future__ import annotations

import asyncio
import logging

from nicegui import ui

from separation.errors import PlaygroundError
from separation.formatted import size
from webapp.access.routes import Asks
from webapp.access.sessions import visitor_of
from webapp.pages.doctor.card import DoctorCard
from webapp.pages.models.backend_card import BackendCard, families
from webapp.pages.models.leaderboard import Leaderboard, places
from webapp.pages.models.model_row import ModelRow
from webapp.pages.models.sources_card import SourcesCard
from webapp.pages.models.survey import Survey, look
from webapp.state.benchmarks import Benchmarks
from webapp.state.doctor import Doctor
from webapp.state.downloads import Downloads
from webapp.state.hub_account import HubAccount
from webapp.state.run_estimates import RunEstimates
from webapp.theme import error_card, scheme_menu, shell, skeleton, text

FOR_THE_HOST = (
    "You are a guest here: models are downloaded and removed, tokens set and self-tests run "
    "on the computer that runs the studio."
)
# The rows come after the page, so that the browser has not found the one that its address names.
_GO_TO_THE_NAMED_PLACE = """setTimeout(() => {
    const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    location.replace(location.hash);
    place.closest(".model-row")?.focus();
}, 50)"""
log = logging.getLogger(__name__)


class ModelsPage:
    """One open Models page. Downloads and tests belong to the server: leaving the page stops neither.

    Args:
        downloads, account, doctor: the downloads, the hub account and the doctor of this server.
        estimates: estimates of the time and memory that models take.
        benchmarks: that have measured their quality.
    """

    def __init__(
        self,
        downloads: Downloads,
        account: HubAccount,
        doctor: Doctor,
        estimates: RunEstimates,
        benchmarks: Benchmarks,
    ) -> None:
        self._downloads, self._account = downloads, account
        self._estimates, self._benchmarks = estimates, benchmarks
        self._client = ui.context.client
        self._cards: list[BackendCard] = []
        self._rows: dict[str, ModelRow] = {}
        self._looking = self._look_again = False
        self._may_change = visitor_of(self._client.request).is_host
        with shell("models", side="", footer=False, needs=Asks.HOST) as frame:
            with frame.header:
                self._header()
            with frame.main:
                self._status = text("", "sr-only", tag="p").props("role=status")
                with ui.element("div").classes("models"):
                    if not self._may_change:
                        text(FOR_THE_HOST, "mute guest-note", tag="p")
                    DoctorCard(doctor, say=self._status.set_text, may_run=self._may_change)
                    self._leaderboard = Leaderboard()  # it comes together with the cards below
                    self._place = ui.element("div").classes("models-cards").props("aria-busy=true")
                    with self._place:
                        for _ in range(3):
                            skeleton(180)
        downloads.changed.subscribe(self._download_changed)
        downloads.disk_changed.subscribe(self._look)
        account.changed.subscribe(self._look)
        ui.timer(0, self._look, once=True)

    def _header(self) -> None:
        text("Models", tag="h1")
        self._about = text("", "mute hide-phone")
        text("", "grow")
        scheme_menu()

    # what happens

    def _download_changed(self, name: str) -> None:
        if name in self._rows:
            self._rows[name].refresh()

    async def _look(self) -> None:
        """Read the disk in a thread and redraw; read it again if something changed meanwhile."""
        self._look_again = True
        if self._looking:
            return
        self._looking = True
        try:
            while self._look_again and not self._client.is_deleted:
                self._look_again = False
                try:
                    survey = await asyncio.to_thread(look, self._estimates)
                    standing = await asyncio.to_thread(places, self._estimates, self._benchmarks)
                except (PlaygroundError, OSError) as failure:
                    self._say_failure(failure)
                    return
                if not self._client.is_deleted:
                    self._show(survey)
                    self._leaderboard.show(standing)
        finally:
            self._looking = False

    def _sources_changed(self) -> None:
        self._downloads.disk_changed.emit()  # every page looks again

    def _say_failure(self, failure: PlaygroundError | OSError) -> None:
        log.warning("the models cannot be listed: %s", failure, exc_info=failure)
        self._place.clear()
        self._cards, self._rows = [], {}
        with self._place:
            if isinstance(failure, PlaygroundError):
                error_card(failure)
            else:
                why = f"The system says: {failure.strerror} ({failure.filename})."
                todo = "Make that folder readable and reload this page."
                error_card(PlaygroundError("The models cannot be listed.", why, todo))

    def _show(self, survey: Survey) -> None:
        here_bytes = sum(entry.on_disk_bytes or 0 for entry in survey.here)
        here = (
            f"{len(survey.here)} on this computer, {size(here_bytes)}"
            if survey.here
            else "No model on this computer yet"
        )
        self._about.set_text(f"{here} · {size(survey.free_bytes)} free")
        if not self._cards:
            self._draw(survey)
        for backend_card in self._cards:
            backend_card.show(survey)

    def _draw(self, survey: Survey) -> None:
        self._place.clear()
        self._place.props(remove="aria-busy")
        with self._place:
            for backends in families():
                drawn = BackendCard(
                    backends,
                    survey,
                    downloads=self._downloads,
                    account=self._account,
                    say=self._status.set_text,
                    may_change=self._may_change,
                )
                self._cards.append(drawn)
                self._rows |= drawn.rows
            SourcesCard(on_change=self._sources_changed, may_change=self._may_change)
        self._client.run_javascript(_GO_TO_THE_NAMED_PLACE)
