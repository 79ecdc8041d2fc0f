"""A disk that is full, a real one, under the studio: a sentence, and all works again once there is room."""

from __future__ import annotations

import json

import pytest

from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.browser import wait_until
from tests.support.server import running_server
from tests.support.small_disk import MB, small_disk
from tests.support.studio_steps import RUN_S, Studio


@pytest.mark.browser
def test_a_full_disk_is_a_sentence_on_the_page_and_the_server_lives_on(browser, tmp_path):
    song = run_fakes.song(tmp_path / "song.wav", 2)
    with (
        small_disk(tmp_path / "disk", 64 * MB) as disk,
        running_server(home=disk.folder / "home", env={"TMPDIR": str(disk.folder)}) as server,
    ):
        page = Studio(browser, server.url).open()
        page.browse(song)
        wait_until(lambda: "There is no room for this file." in page.messages, "the refusal")
        page.try_demo().ask("drums")
        disk.resize(64 * MB - disk.free_bytes + MB)
        page.start()
        wait_until(lambda: "No space left on device" in page.messages, "what is wrong", RUN_S)
        assert "cannot be written" in page.messages and "has room" in page.messages
        disk.resize(64 * MB)
        page.start().finish("drums", "everything else")
        (result,) = ArtifactStore(server.home).list("result")
        disk.fill()
        answer = json.loads(page.fetch(f"/media/{result.key}/all.zip"))
        assert "cannot be written" in answer["what"] and "No space left" in answer["why"]
        assert len(page.fetch(f"/media/{result.key}/0/pcm?start=0&count=100")) == 800, "it can be listened to"
        assert server.process.poll() is None and "Traceback" not in server.log()
