"""Drafts outlive pages and servers, and changes of several people to one of them add up."""

from __future__ import annotations

import pytest
from diskcache import Cache

from separation.request import Anchor, Prompt, Request, SamSettings, SolverSettings
from storage.disk import PlainDisk
from storage.records import DraftTable
from webapp.state.drafts import Draft, Drafts

SONG = "a" * 64
OTHER = "b" * 64


@pytest.fixture
def book(tmp_path):
    book = DraftTable(tmp_path)
    yield book
    book.close()


def changed(drafts):
    told = []
    drafts.changed.subscribe(told.append)
    return told


def test_a_draft_may_ask_for_nothing_yet_and_is_a_request_once_it_names_a_sound():
    draft = Draft()
    assert draft.prompts == () and draft.texts == []
    assert draft.with_prompts("drums").request == Request.of("drums")


def test_everything_of_a_request_survives_a_restart(book, tmp_path):
    request = Request(
        prompts=(Prompt(text="drums", anchors=(Anchor(sign="-", start_s=0.4, stop_s=1.2),)), Prompt(text="bass")),
        backend="sam-audio",
        sam=SamSettings(stereo="sides", chain=True),
        solver=SolverSettings(method="heun", n_steps=7),
        seed=3,
    )
    Drafts(book).change(SONG, lambda draft: Draft.of(request))
    again = DraftTable(tmp_path)
    assert Drafts(again).of(SONG).request == request
    again.close()


def test_what_nobody_touched_is_as_the_page_has_it(book):
    drafts = Drafts(book)
    assert drafts.of(SONG) is None
    assert drafts.change(SONG, lambda draft: draft.with_prompts("bass")).texts == ["bass"]
    assert drafts.of(OTHER) is None


def test_two_people_who_change_different_things_keep_both(book):
    drafts = Drafts(book)
    drafts.change(SONG, lambda draft: draft.with_prompts("drums"))
    drafts.change(SONG, lambda draft: draft.with_anchors("drums", (Anchor(sign="+", start_s=1.0, stop_s=2.0),)))
    drafts.change(SONG, lambda draft: draft.with_prompts("drums", "bass"))
    found = drafts.of(SONG)
    assert found.texts == ["drums", "bass"]
    assert found.prompts[0].anchors == (Anchor(sign="+", start_s=1.0, stop_s=2.0),)


def test_spans_of_a_prompt_that_somebody_took_away_meanwhile_change_nothing(book):
    drafts = Drafts(book)
    before = drafts.change(SONG, lambda draft: draft.with_prompts("bass"))
    after = drafts.change(SONG, lambda draft: draft.with_anchors("drums", (Anchor(sign="+", start_s=1.0, stop_s=2.0),)))
    assert after == before


def test_pages_are_told_of_changes_and_of_nothing_else(book):
    drafts = Drafts(book)
    told = changed(drafts)
    drafts.change(SONG, lambda draft: draft.with_prompts("drums"))
    drafts.change(SONG, lambda draft: draft)
    assert told == [SONG]


def test_a_draft_of_another_version_is_passed_over(book):
    book.write(SONG, {"prompts": ["drums"], "settings": {"colour": "green"}})
    assert Drafts(book).of(SONG) is None


def test_a_damaged_draft_is_passed_over(book, tmp_path, caplog):
    book.write(SONG, {"prompts": ["drums"]})
    with Cache(str(tmp_path / "drafts"), disk=PlainDisk) as kept:
        assert kept.get(SONG)
        kept.set(SONG, "{half")
    assert book.read(SONG) is None
    assert "passed over" in caplog.text


def test_the_same_sound_named_twice_is_one_prompt_however_it_comes(book):
    draft = Draft().with_prompts("Drums", " drums ", "bass", "  ")
    assert draft.texts == ["Drums", "bass"]
    drafts = Drafts(book)
    drafts.change(SONG, lambda draft: draft.with_prompts("a", "A"))  # an address can say so
    assert drafts.of(SONG).request.prompts == (Prompt(text="a"),)


def test_spans_of_two_pages_that_do_not_know_each_others_add_up(book):
    early, late, gone = (Anchor(sign="+", start_s=start, stop_s=start + 1.0) for start in (1.0, 3.0, 5.0))
    drafts = Drafts(book)
    drafts.change(SONG, lambda draft: draft.with_prompts("drums").with_anchors("drums", (gone,)))
    drafts.change(SONG, lambda draft: draft.with_changed_anchors({}, {"drums": (late,), "flute": (late,)}))
    drafts.change(SONG, lambda draft: draft.with_changed_anchors({"drums": (gone,)}, {"drums": (early,)}))
    drafts.change(SONG, lambda draft: draft.with_changed_anchors({"drums": (gone,)}, {}))
    assert drafts.of(SONG).prompts == (Prompt(text="drums", anchors=(early, late)),)


def test_of_spans_that_start_together_the_shorter_comes_last():
    whole, part = (Anchor(sign=sign, start_s=1.0, stop_s=stop) for sign, stop in (("+", 9.0), ("-", 2.0)))
    draft = Draft().with_prompts("drums").with_anchors("drums", (part,))
    assert draft.with_changed_anchors({}, {"drums": (whole,)}).prompts[0].anchors == (whole, part)


def test_drafts_of_recordings_that_are_gone_for_good_go_too(book):
    drafts = Drafts(book)
    for song in (SONG, OTHER):
        drafts.change(song, lambda draft: draft.with_prompts("drums"))
    drafts.keep_only({OTHER})
    assert drafts.of(SONG) is None and book.read(SONG) is None
    assert drafts.of(OTHER).texts == ["drums"]
