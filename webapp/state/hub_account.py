"""The hub token as pages use it: they can replace or delete it and see its origin, never its value."""

from __future__ import annotations

from nicegui import Event as PageEvent

from separation.hub import token as hub_token
from separation.hub.token import Origin


class HubAccount:
    """The token of this computer, for every page.

    Attributes:
        changed: it came, or went.
    """

    def __init__(self) -> None:
        self.changed: PageEvent[[]] = PageEvent()

    @property
    def origin(self) -> Origin | None:
        """Where the token comes from, None without one."""
        return hub_token.origin()

    def keep(self, token: str) -> None:
        """Keep a token instead of the one before; see `hub_token.keep`."""
        hub_token.keep(token)
        self.changed.emit()

    def forget(self) -> None:
        """Delete it; see `hub_token.forget`."""
        hub_token.forget()
        self.changed.emit()
