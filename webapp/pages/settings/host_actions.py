"""What a host does on an open page: refused to others on the server too, and what goes wrong is said on the page."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec

from nicegui import Client, ui

from separation.errors import PlaygroundError, SettingsError
from webapp.access.sessions import visitor_of
from webapp.theme import error_card

P = ParamSpec("P")
log = logging.getLogger(__name__)


class HostActions:
    """Makes handlers of what a host may do.

    Args:
        client: the open page.
        trouble: where it is shown what went wrong, until the next action.
    """

    def __init__(self, client: Client, trouble: ui.element) -> None:
        self._client, self._trouble = client, trouble

    def __call__(self, act: Callable[P, object]) -> Callable[P, Awaitable[None]]:
        """Return `act`, which may be a coroutine, as a handler that asks first who acts, and shows errors."""

        async def acted(*given: P.args, **named: P.kwargs) -> None:
            self._trouble.clear()
            try:
                self._check()
                if inspect.isawaitable(coming := act(*given, **named)):
                    await coming
            except PlaygroundError as error:
                self._say(error)
            except OSError as error:
                log.warning("a setting cannot be kept", exc_info=error)
                why = f"The system says: {error.strerror}."
                self._say(SettingsError("This cannot be kept.", why, "Make room in the data folder and try again."))

        return acted

    def _check(self) -> None:
        visitor = visitor_of(self._client.request)
        if visitor.over or not visitor.is_host:
            why = "It concerns everybody who uses this studio."
            raise SettingsError("Only a host may change this.", why, "Ask the host of this studio.")

    def _say(self, error: PlaygroundError) -> None:
        if not self._client.is_deleted:
            with self._trouble:
                error_card(error)
