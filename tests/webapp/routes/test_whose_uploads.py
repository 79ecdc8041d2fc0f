"""What is still being uploaded is heard by who sends it, and by a host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from separation.audio.encode import FloatWavWriter
from separation.results.partial import PartialAudio
from storage import ArtifactStore, Library
from tests.support.visitors import guest
from webapp.access.sessions import Session, attach, owner
from webapp.routes.media import add_media_routes
from webapp.state.library.view import LibraryView
from webapp.state.uploads import Uploads

ANA, BO = guest("Ana"), guest("Bo")
ID = "ab" * 16


def browser_of(visitor: Session, app: FastAPI) -> AsyncClient:
    async def guarded(scope, receive, send):
        attach(visitor, scope)
        await app(scope, receive, send)

    return AsyncClient(transport=ASGITransport(guarded), base_url="http://studio")


@pytest.mark.parametrize(("visitor", "hears"), [(ANA, True), (owner(), True), (BO, False)], ids=["Ana", "host", "Bo"])
async def test_an_upload_under_way_is_heard_by_its_sender(
    visitor: Session, hears: bool, store: ArtifactStore, tmp_path: Path
) -> None:
    with FloatWavWriter(tmp_path / "audio.wav", 1, 8000) as writer:
        writer.write(np.ones((1, 100), np.float32))
    (tmp_path / "peaks").write_bytes(bytes(100))
    uploads, app = Uploads(), FastAPI()
    add_media_routes(app, LibraryView(Library(store)), uploads)
    uploads.begin(ID, "song.wav", by=ANA)
    so_far = PartialAudio(
        audio=tmp_path / "audio.wav",
        peaks=tmp_path / "peaks",
        n_ready=100,
        n_expected=1000,
        sample_rate=8000,
        n_channels=1,
    )
    uploads.take(ID, so_far)
    async with browser_of(visitor, app) as browser:
        for what in ("pcm?start=0&count=10", "peaks"):
            answer = await browser.get(f"/media/{ID}/audio/{what}")
            assert answer.status_code == (200 if hears else 204), what
