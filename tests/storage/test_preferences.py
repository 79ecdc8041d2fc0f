"""What was chosen for a data folder holds for all programs that use it."""

from __future__ import annotations

import logging
import stat
import sys

import pytest

from storage import ArtifactStore, StorageError
from storage.artifacts import DEFAULT_LIMIT_BYTES
from storage.preferences import FILE, LIMIT, keep_preference, preferences


def test_a_chosen_limit_holds_for_every_store_of_the_folder_unless_another_is_given(tmp_path):
    assert ArtifactStore(tmp_path).limit_bytes == DEFAULT_LIMIT_BYTES
    keep_preference(tmp_path, LIMIT, 5 * 10**9)
    assert ArtifactStore(tmp_path).limit_bytes == 5 * 10**9
    assert ArtifactStore(tmp_path, limit_bytes=10**9).limit_bytes == 10**9


@pytest.mark.parametrize("damage", [True, 0, -1, "5 GB", [1], 1.5])
def test_a_limit_that_is_none_is_passed_over(tmp_path, damage):
    keep_preference(tmp_path, LIMIT, damage)
    assert ArtifactStore(tmp_path).limit_bytes == DEFAULT_LIMIT_BYTES


@pytest.mark.parametrize("damage", ["", "{", "[]", '"x"', "\0"])
def test_a_damaged_file_is_said_and_replaced_by_the_next_choice(tmp_path, caplog, damage):
    (tmp_path / FILE).write_text(damage)
    with caplog.at_level(logging.WARNING):
        assert preferences(tmp_path) == {}
    assert ("cannot be read" in caplog.text) == (damage not in ("[]", '"x"'))
    keep_preference(tmp_path, LIMIT, 10**9)
    assert preferences(tmp_path) == {LIMIT: 10**9}


def test_choices_are_kept_beside_each_other_and_forgotten_one_by_one(tmp_path):
    keep_preference(tmp_path, "a", "x")
    keep_preference(tmp_path, "b", 2)
    assert preferences(tmp_path) == {"a": "x", "b": 2}
    keep_preference(tmp_path, "a", None)
    assert preferences(tmp_path) == {"b": 2}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such modes")
def test_it_is_private_from_the_start(tmp_path):
    keep_preference(tmp_path, "a", "x")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_choice_that_cannot_be_kept_is_a_sentence(tmp_path):
    with pytest.raises(StorageError, match="cannot be kept"):
        keep_preference(tmp_path / "nowhere", "a", "x")
