"""To what a note can be pinned."""

from __future__ import annotations

from tests.separation.comparing.test_true_stems import SONG, true
from tests.support.studio_values import a_result
from webapp.pages.compare.compared import Compared
from webapp.pages.compare.notes import note_sides


def test_each_side_has_its_key_its_name_and_a_source_of_its_own() -> None:
    recording = SONG
    sides = note_sides(Compared(items=(a_result(), recording, true("drums"))))
    assert [one["side"] for one in sides] == ["1", "2", "3"]
    assert [one["label"] for one in sides] == ["Built-in separator", recording.name, "True stems"]
    assert len({one["source"] for one in sides}) == 3, "a recording is not its true stems"
