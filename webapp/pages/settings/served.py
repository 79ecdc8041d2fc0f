"""What the Settings page shows and changes."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.access.lan_server import LanServer
from webapp.access.rules import AccessRules
from webapp.access.sessions import Sessions
from webapp.access.sharing import Sharing


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedStudio:
    """One running server.

    Attributes:
        rules: where it listens, and what it asks of a browser.
        sessions: the signed-in browsers.
        lan: the sockets at which other computers reach it.
    """

    rules: AccessRules
    sessions: Sessions
    lan: LanServer

    @property
    def sharing(self) -> Sharing:
        """The passcode, what guests may do, and further names."""
        return self.rules.sharing
