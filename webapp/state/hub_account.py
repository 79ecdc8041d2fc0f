"""The hub token as pages use it: they can replace or delete it and see its origin, never its value."""

from __future__ import annotations

from nicegui import Event as PageEvent

from separation.hub import token as hub_token
from separation.hub.token import Origin


class HubAccount:
    """The Hugging Face token of this computer, which all pages share.

    Attributes:
        changed: is emitted when the token was stored or deleted.
    """

    def __init__(self) -> None:
        self.changed: PageEvent[[]] = PageEvent()

    @property
    def origin(self) -> Origin | None:
        """Where the token is kept; None without one."""
        return hub_token.origin()

    def keep(self, token: str) -> None:
        """Store a token in place of the one before; see `hub_token.keep`."""
        hub_token.keep(token)
        self.changed.emit()

    def forget(self) -> None:
        """Delete the token; see `hub_token.forget`."""
        hub_token.forget()
        self.changed.emit()
