"""How well tracks add up, in words that are true."""

from __future__ import annotations

import pytest

from webapp.components.pieces.null_meter import how_well


@pytest.mark.parametrize(
    ("level_db", "said"), [(-140.0, "exactly"), (-95.0, "as heard"), (-61.0, "as heard"), (-32.4, "but for −32 dB")]
)
def test_only_what_is_less_than_a_step_of_16_bits_is_exact(level_db, said):
    assert how_well(level_db) == said
