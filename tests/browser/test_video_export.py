"""The Studio offers a video for download where a video was brought."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.separation.audio.test_video import film, packets
from tests.support import run_fakes
from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio


@pytest.mark.browser
def test_the_studio_offers_the_video_where_there_is_one(
    browser: Chrome, shared_server: RunningServer, tmp_path: Path
) -> None:
    resize(browser, DESKTOP)
    studio = Studio(browser, shared_server.url).open().bring(film(tmp_path / "film.webm"))
    studio.ask("drums").start().finish("drums", "everything else")
    studio.set("File format", "Video, with this sound")
    link = "return document.querySelector('[aria-label=\"Download drums\"]')?.href ?? ''"
    wait_until(lambda: "format=video" in studio.js(link), "the link")
    (tmp_path / "got.webm").write_bytes(studio.fetch(studio.js(link)))
    assert packets(tmp_path / "got.webm") == packets(tmp_path / "film.webm")
    run_fakes.song(tmp_path / "song.wav")
    studio.browse(tmp_path / "song.wav")
    wait_until(lambda: studio.title == "song.wav", "the song", RUN_S)
    studio.ask("drums").start().finish("drums", "everything else")
    assert "Video, with this sound" not in studio.setting("File format").text
    assert "format=wav24" in studio.js(link)
    assert console_errors(browser) == []
