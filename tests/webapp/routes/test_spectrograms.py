"""Spectrogram tiles over HTTP, of what is in the library."""

from __future__ import annotations

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from separation.audio.decode import AudioFile
from separation.audio.spectrogram import BANDS, tile
from storage import Library
from webapp.routes.media import add_media_routes
from webapp.state.library.view import LibraryView
from webapp.state.uploads import Uploads


@pytest.fixture
def client(store):
    app = FastAPI()
    add_media_routes(app, LibraryView(Library(store)), Uploads())
    return TestClient(app)


def test_a_tile_is_what_the_file_holds_and_is_kept_by_the_browser(client, recording):
    answer = client.get(f"/media/{recording.key}/audio/spectrogram/1/0")
    with AudioFile(recording.audio) as audio:
        assert answer.content == tile(audio, 1, 0).tobytes()
    assert len(answer.content) % BANDS == 0 and np.frombuffer(answer.content, np.uint8).max() > 0
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("audio/spectrogram/1/99999", 200),  # behind the end: nothing to see
        ("audio/spectrogram/17/0", 422),
        ("audio/spectrogram/0/-1", 422),
        ("7/spectrogram/0/0", 404),
    ],
)
def test_what_is_not_there_is_said(client, recording, path, status):
    answer = client.get(f"/media/{recording.key}/{path}")
    assert answer.status_code == status
    assert status != 200 or answer.content == b""
