"""The card of what is kept and how new work begins."""

from __future__ import annotations

from typing import Any

from nicegui import Client, run, ui

from separation.backends import registry
from separation.formatted import size
from webapp.components.settings import controls
from webapp.components.settings.entered import field_of, put_right, with_said
from webapp.components.settings.settings import SettingGroup, Settings
from webapp.pages.settings.host_actions import HostActions
from webapp.pages.settings.served import ServedStudio
from webapp.theme import card, text

GB = 10**9
SPAN_GB = (0.1, 100_000.0, 0.1)
LIMIT_TIP = "When it is reached, what was not used for the longest time goes first; what is pinned stays"
SEPARATOR_TIP = "The separator of new drafts; existing drafts stay as they are"
FIXED = "The limit was given when the studio was started, and holds until it ends."


class UsualCard:
    """Chooses how much is kept, and the separator of new drafts.

    Args:
        studio: the running server.
        client: the open page, a host's.
    """

    def __init__(self, studio: ServedStudio, client: Client) -> None:
        self._studio, self._client = studio, client
        self._said = ""  # what was made of the number that was entered last
        with card("settings-card") as surface:
            surface.props["aria-label"] = "Usual settings"
            text("What is kept, and new work", tag="h2")
            trouble = ui.element("div").classes("trouble").props("aria-live=polite")
            self._fields = Settings(HostActions(client, trouble)(self._set))
            self._words = text("", "mute small", tag="p").props("role=status")
            text("Clean up in the Library", "small", tag="a").props("href=/library")
        studio.preferences.changed.subscribe(self._show)
        self._show()
        ui.timer(0, self._show_usage, once=True)

    def _groups(self) -> list[SettingGroup]:
        studio = self._studio
        limit_gb = round(studio.store.limit_bytes / GB, 1)
        fixed = studio.has_given_limit
        limit = controls.number("limit", "Keep at most", limit_gb, SPAN_GB, LIMIT_TIP, unit="GB")
        limit["disabled"] = fixed
        labels = registry.choices()
        chosen = studio.preferences.separator
        separator = controls.select("separator", "Separator of new drafts", chosen, labels, SEPARATOR_TIP)
        return [{"title": "", "fields": [limit, separator]}]

    def _show(self) -> None:
        groups = self._groups()
        self._fields.set_groups(with_said(groups, "limit", self._said) if self._said else groups)

    async def _show_usage(self) -> None:
        n_bytes = await run.io_bound(self._studio.store.size_bytes)
        if n_bytes is None or self._client.is_deleted:
            return  # the server is being stopped, or the page was left
        words = f"{size(n_bytes)} are kept now." if n_bytes else "Nothing is kept yet."
        if n_bytes > self._studio.store.limit_bytes:
            words += (
                " That is over the limit: what was not used for the longest time goes when the next result is kept."
            )
        self._words.set_text(f"{words} {FIXED}" if self._studio.has_given_limit else words)

    async def _set(self, name: str, value: Any) -> None:
        if name == "separator":
            self._studio.preferences.set_separator(str(value))
            return
        field = field_of(self._groups(), name)
        if field is None or field.get("disabled"):
            return
        limit_gb, self._said = put_right(field, value)
        limit_bytes = round(limit_gb * GB)
        try:
            self._studio.preferences.set_limit(limit_bytes)
            self._studio.store.limit_bytes = limit_bytes
        finally:
            self._show()
        await self._show_usage()
