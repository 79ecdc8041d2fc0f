"""What measures whether tracks stay together finds an offset that is there."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import player_endurance


@pytest.mark.parametrize("late", [0, 1, -7, 300])
def test_the_measurement_finds_an_offset_to_the_sample(late: int) -> None:
    rng = np.random.default_rng(0)
    common, own = 0.1 * rng.standard_normal(9000), 0.05 * rng.standard_normal((2, 8192))
    a, b = common[400 : 400 + 8192] + own[0], common[400 - late : 400 - late + 8192] + own[1]
    offset, alike = player_endurance.offset_of(a.astype(np.float32), b.astype(np.float32))
    assert offset == late and alike > 0.7
