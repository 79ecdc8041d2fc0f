"""The studio without a server or a browser, for tests of what its pages say; see `tests.support.simulated`."""

from __future__ import annotations

import os
from pathlib import Path

from nicegui import app, ui

from separation import __version__
from separation.engine.dask import Cluster
from separation.engine.engine import Call
from storage import ArtifactStore
from storage.records import DraftTable, JobTable
from webapp.access.guard import install
from webapp.access.lan_server import LanServer
from webapp.access.passcode import Passcode
from webapp.access.roles import Right
from webapp.access.rules import access_rules
from webapp.access.sharing import Sharing
from webapp.main import create_app
from webapp.pages.settings.page import add_settings_page
from webapp.pages.settings.served import ServedStudio
from webapp.state.kept.preferences import Preferences


class WhenNeeded(Cluster):
    """Starts its workers with the first job and not when a recording is opened: most of these tests run none."""

    def prepare(self, first: Call[object] | None = None) -> None:
        pass


if __name__ == "__main__":
    home = Path(os.environ["AUDIO_PLAYGROUND_HOME"])
    store, preferences = ArtifactStore(home, version=__version__), Preferences(home)
    shared = create_app(store, WhenNeeded(), JobTable(home), DraftTable(home), preferences=preferences)
    sharing, passcode = Sharing(home), os.environ.get("SIMULATED_PASSCODE")
    if passcode:
        sharing.set_passcode(Passcode.of(passcode))
        if (rights := os.environ.get("SIMULATED_RIGHTS")) is not None:
            sharing.grant(Right(right) for right in rights.split())
    rules = access_rules("0.0.0.0" if passcode else "127.0.0.1", sharing, extra_names=["studio.local"])
    add_settings_page(
        ServedStudio(
            rules=rules,
            sessions=install(app, rules),
            lan=LanServer(app, rules),
            store=store,
            preferences=preferences,
            doctor=shared.doctor,
            scheduler="tcp://10.1.2.3:8786",
        )
    )
    ui.run(storage_secret="test")
