"""What was chosen on the Settings page holds after a restart, and for new drafts."""

from __future__ import annotations

import logging

import pytest

from separation.request import Request
from storage.preferences import keep_preference
from storage.records import DraftTable
from webapp.state.drafts import Draft, Drafts
from webapp.state.kept.preferences import Preferences


def test_choices_outlive_the_server(tmp_path):
    changes = []
    first = Preferences(tmp_path)
    assert (first.limit_bytes, first.separator) == (None, "auto")
    first.changed.subscribe(lambda: changes.append(True))
    first.set_limit(3 * 10**9)
    first.set_separator("builtin")
    again = Preferences(tmp_path)
    assert (again.limit_bytes, again.separator) == (3 * 10**9, "builtin") and len(changes) == 2


@pytest.mark.parametrize("kept", ["no such separator", 7])
def test_a_separator_that_is_not_there_any_more_is_said_and_drafts_begin_as_usual(tmp_path, caplog, kept):
    keep_preference(tmp_path, "separator", kept)
    with caplog.at_level(logging.WARNING):
        assert Preferences(tmp_path).separator == "auto"
    assert str(kept) in caplog.text


def test_a_new_draft_begins_with_the_chosen_separator_and_one_that_is_there_stays(tmp_path):
    chosen = Preferences(tmp_path)
    drafts = Drafts(DraftTable(tmp_path), separator=lambda: chosen.separator)
    assert drafts.new() == Draft()
    drafts.change("first", lambda draft: draft.with_prompts("drums"))
    chosen.set_separator("builtin")
    assert drafts.new().settings == Request.of("drums", backend="builtin")
    assert drafts.change("second", lambda draft: draft.with_prompts("drums")).settings.backend == "builtin"
    assert drafts.change("first", lambda draft: draft.with_prompts("bass")).settings.backend == "auto"
    drafts.reset("first")
    reset = drafts.of("first")
    assert reset == drafts.new()
