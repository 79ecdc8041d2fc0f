"""What the Settings page shows and changes."""

from __future__ import annotations

from dataclasses import dataclass

from storage import ArtifactStore
from webapp.access.lan_server import LanServer
from webapp.access.rules import AccessRules
from webapp.access.sessions import Sessions
from webapp.access.sharing import Sharing
from webapp.state.doctor import Doctor
from webapp.state.kept.preferences import Preferences


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedStudio:
    """One running server.

    Attributes:
        rules: where it listens, and what it asks of a browser.
        sessions: the signed-in browsers.
        lan: the sockets at which other computers reach it.
        store: keeps recordings and results.
        preferences: what was chosen for the data folder.
        doctor: tests the separators.
        has_given_limit: whether it was started with a limit of what is kept.
        scheduler: the address of the cluster that does the work; None if this computer does.
    """

    rules: AccessRules
    sessions: Sessions
    lan: LanServer
    store: ArtifactStore
    preferences: Preferences
    doctor: Doctor
    has_given_limit: bool = False
    scheduler: str | None = None

    @property
    def sharing(self) -> Sharing:
        """The passcode, what guests may do, and further names."""
        return self.rules.sharing
