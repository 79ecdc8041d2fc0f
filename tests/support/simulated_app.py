"""The studio without a server or a browser, for tests of what its pages say; see `tests.support.simulated`."""

from __future__ import annotations

import os
from pathlib import Path

from nicegui import app, ui

from separation import __version__
from separation.engine.dask import Cluster
from storage import ArtifactStore
from storage.records import DraftTable, JobTable
from webapp.access.guard import install
from webapp.access.passcode import Passcode
from webapp.access.rules import access_rules
from webapp.access.sharing import Sharing
from webapp.main import create_app

if __name__ == "__main__":
    home = Path(os.environ["AUDIO_PLAYGROUND_HOME"])
    create_app(ArtifactStore(home, version=__version__), Cluster(), JobTable(home), DraftTable(home))
    if passcode := os.environ.get("SIMULATED_PASSCODE"):
        sharing = Sharing()
        sharing.set_passcode(Passcode.of(passcode))
        install(app, access_rules("0.0.0.0", sharing))
    ui.run(storage_secret="test")
