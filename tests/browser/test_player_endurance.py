"""Tracks stay together however one seeks and loops: seconds of `support.player_endurance`, which has minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from storage import ArtifactStore
from tests.support import player_endurance
from tests.support.browser import DESKTOP, console_errors, resize
from tests.support.server import running_server
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


def test_tracks_sound_together_to_the_sample_while_one_seeks_and_loops(browser: Chrome, tmp_path: Path) -> None:
    recording, _ = player_endurance.keep_noise(ArtifactStore(tmp_path))
    resize(browser, DESKTOP)
    with running_server(home=tmp_path) as server:
        found = player_endurance.endure(Studio(browser, server.url).open(f"/?recording={recording.key}"), 8, seed=3)
        assert console_errors(browser) == []
        browser.get("about:blank")
    assert set(found.offsets) == {0}
    assert min(found.alikeness) > 0.5
    assert found.actions.total() > 5
