"""An app with the routes of sound and nothing else."""

from __future__ import annotations

import tempfile

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from storage import Library
from tests.support.media_steps import Making
from tests.support.store_files import in_the_making
from webapp.routes.media import add_media_routes
from webapp.routes.uploads import add_upload_routes
from webapp.state.library.view import LibraryView
from webapp.state.uploads import Uploads


@pytest.fixture
def making():
    return Making()


@pytest.fixture
def uploads():
    return Uploads()


@pytest.fixture
def client(store, making, uploads, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    app = FastAPI()
    library = LibraryView(Library(store))
    add_media_routes(app, library, uploads, making)
    add_upload_routes(app, library, uploads)
    with TestClient(app) as client:  # an unforeseen error is raised here, so a traceback cannot pass for an answer
        yield client
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing lies where no sweep looks"
    assert in_the_making(store) == [], "downloads clean up after themselves"
