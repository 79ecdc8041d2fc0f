"""Tracks stay together however one seeks and loops: seconds of `support.player_endurance`, which has minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import Chrome

from storage import ArtifactStore
from tests.support import player_endurance
from tests.support.browser import DESKTOP, console_errors, resize
from tests.support.server import running_server
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("late", [0, 1, -7, 300])
def test_the_measurement_finds_an_offset_to_the_sample(late: int) -> None:
    rng = np.random.default_rng(0)
    common, own = 0.1 * rng.standard_normal(9000), 0.05 * rng.standard_normal((2, 8192))
    a, b = common[400 : 400 + 8192] + own[0], common[400 - late : 400 - late + 8192] + own[1]
    offset, alike = player_endurance.offset_of(a.astype(np.float32), b.astype(np.float32))
    assert offset == late and alike > 0.7


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
