"""The first chunk is heard while the others are computed, and what was begun goes on when the result is there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assets.demo_recording import load_demo
from tests.browser import DESKTOP, chromium, console_errors, resize, wait_until
from tests.server import running_server
from tests.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
LONG_S = 240  # 24 chunks, so that the run lasts for some seconds after the first


@pytest.fixture(scope="module")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo over and over."""
    demo = load_demo()
    path = tmp_path_factory.mktemp("files") / "long song.flac"
    soundfile.write(path, np.resize(demo.mixture.T, (LONG_S * demo.sample_rate, 2)), demo.sample_rate)
    return path


@pytest.fixture
def studio(long_song: Path) -> Iterator[Studio]:
    """A long recording on the desk."""
    with running_server() as server, chromium() as browser:
        resize(browser, DESKTOP)
        yield Studio(browser, server.url).open().bring(long_song).ask("drums")
        assert console_errors(browser) == []
        assert "Traceback" not in server.log()


def pieces(studio: Studio, name: str) -> list[tuple[int, int, int]]:
    """What the player has scheduled of a track: (sample, frame of the clock, samples)."""
    ids = studio.js("return [...window.audioPlayground.player.owners.values()].flat().map((t) => [t.id, t.name])")
    (wanted,) = {track_id for track_id, shown in ids if shown == name}
    (track,) = [track for track in studio.player()["tracks"] if track["id"] == wanted]
    return [(piece["start_sample"], piece["when_frame"], piece["count"]) for piece in track["scheduled"]]


def test_the_first_chunk_is_heard_before_the_run_is_over_and_no_gap_follows(studio: Studio) -> None:
    studio.start()
    wait_until(lambda: studio.tracks == ["Mixture", "drums", "everything else"], "the first chunk", RUN_S)
    assert studio.job, "the run goes on"
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 44_100, "a second of it")
    assert studio.job, "the run still goes on"
    assert studio.gains() == {"Mixture": 0, "drums": 1, "everything else": 1}
    assert not studio.all('[aria-label="Download drums"]'), "there is no file yet"
    studio.finish("drums", "everything else")
    played = studio.player()["position_samples"]
    wait_until(lambda: studio.player()["position_samples"] > played + 3 * 44_100, "more of it, from the result")
    assert studio.all('[aria-label="Download drums"]')
    heard = pieces(studio, "drums")
    for (sample, frame, count), following in pairwise(heard):
        assert following[:2] == (sample + count, frame + count), "abutting in the sound and on the clock"
    assert heard == pieces(studio, "everything else")
