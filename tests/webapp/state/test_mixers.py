"""Mixers outlive pages and servers; the usual mixes hold what their names say."""

from __future__ import annotations

import pytest

from storage.records import DraftTable
from tests.support.visitors import guest
from webapp.access.sessions import owner
from webapp.state.mixers import MIXTURE, PLAIN, SILENT, Fader, Mixers, MixerState, level_of, usual_mixes

SONG = "a" * 64
QUIET = Fader(gain_db=-12.0, muted=False, solo=True, pan=-0.5)


@pytest.fixture
def book(tmp_path):
    book = DraftTable(tmp_path)
    yield book
    book.close()


def heard(sounds):
    """The sounds of each usual mix."""
    return {
        label: {sound for sound, level in mix.items() if level == PLAIN} for label, mix in usual_mixes(sounds).items()
    }


def test_a_mixer_survives_a_restart_with_its_mixes_and_its_result(book, tmp_path):
    desk = MixerState(levels={"drums": QUIET, MIXTURE: SILENT}, result="b" * 64, other="c" * 64, newest="c" * 64)
    Mixers(book).change(SONG, lambda _: desk.with_saved("loud", {"drums": PLAIN}))
    again = DraftTable(tmp_path)
    assert Mixers(again).of(SONG) == desk.with_saved("loud", {"drums": PLAIN})
    again.close()


def test_the_faders_and_mixes_of_a_guest_are_their_own(book, tmp_path):
    mixers, ana = Mixers(book), guest("Ana")
    mixers.seen_by(owner()).change(SONG, lambda state: state.with_saved("loud", {"drums": PLAIN}))
    assert mixers.of(SONG).saved, "hosts share theirs"
    assert mixers.seen_by(ana).of(SONG) == MixerState()
    mixers.seen_by(ana).change(SONG, lambda state: state.with_saved("soft", {"drums": QUIET}))
    assert list(mixers.of(SONG).saved) == ["loud"] and list(mixers.seen_by(guest("Bo")).of(SONG).saved) == []
    again = DraftTable(tmp_path)
    assert list(Mixers(again).seen_by(ana).of(SONG).saved) == ["soft"]
    mixers.keep_only([])
    assert list(mixers.seen_by(ana).of(SONG).saved) == []
    again.close()


def test_nothing_touched_means_nothing_kept(book):
    assert Mixers(book).of(SONG) == MixerState()
    assert book.read(SONG, "mixer") is None


def test_sounds_of_other_results_stay_as_they_were():
    desk = MixerState(levels={"drums": QUIET}).with_mix([("bass", {"muted": True})], {"bass": PLAIN, "other": PLAIN})
    assert desk.levels == {"drums": QUIET, "bass": SILENT}


def test_what_two_pages_change_of_one_sound_adds_up():
    desk = MixerState().with_mix([("drums", {"gain_db": -6.0})], {"drums": PLAIN})
    desk = desk.with_mix([("drums", {"pan": 0.5})], {"drums": PLAIN})  # of a page that does not know the gain
    assert desk.levels == {"drums": {**PLAIN, "gain_db": -6.0, "pan": 0.5}}


def test_pages_are_told_of_saved_mixes_and_not_of_faders(book):
    mixes, told = Mixers(book), []
    mixes.saved.subscribe(told.append)
    mixes.change(SONG, lambda desk: desk.with_mix([("drums", {"gain_db": -3.0})], {"drums": PLAIN}))
    assert told == []
    mixes.change(SONG, lambda desk: desk.with_saved("mine", {}))
    mixes.change(SONG, lambda desk: desk.without_saved("mine"))
    mixes.change(SONG, lambda desk: desk.without_saved("mine"))
    assert told == [SONG, SONG]


def test_a_name_is_trimmed_taken_once_and_there_is_an_end_to_them():
    desk = MixerState().with_saved("  my   mix ", {}).with_saved("my mix", {"drums": QUIET}).with_saved("  ", {})
    assert desk.saved == {"my mix": {"drums": QUIET}}
    for number in range(60):
        desk = desk.with_saved(f"{number} {'long' * 40}", {})
    assert len(desk.saved) == 50 and list(desk.saved)[-1].startswith("59 ") and "my mix" not in desk.saved
    assert max(map(len, desk.saved)) == 60


def test_what_a_browser_says_is_brought_within_the_ends_of_the_controls():
    assert level_of({"gain_db": 99, "pan": -7, "muted": 0, "solo": 1}) == Fader(
        gain_db=6.0, muted=False, solo=True, pan=-1.0
    )
    with pytest.raises(KeyError):
        level_of({"gain_db": 0})


@pytest.mark.parametrize("damage", [{"levels": 3}, {"levels": {"drums": {}}, "saved": {}}, {}])
def test_a_mixer_of_another_version_is_passed_over(book, caplog, damage):
    book.write(SONG, damage, "mixer")
    assert Mixers(book).of(SONG) == MixerState()
    assert "passed over" in caplog.text


def test_a_mixer_lives_as_long_as_its_recording_and_beside_its_draft(book):
    mixes, other = Mixers(book), "b" * 64
    book.write(SONG, {"prompts": []})
    for recording in (SONG, other):
        mixes.change(recording, lambda desk: desk.with_saved("mine", {}))
    mixes.keep_only({SONG})
    assert mixes.of(SONG).saved == Mixers(book).of(SONG).saved == {"mine": {}}
    assert book.read(SONG) == {"prompts": []}
    assert mixes.of(other) == Mixers(book).of(other) == MixerState()


def test_the_usual_mixes_of_two_sounds_and_the_rest():
    assert heard(["drums", "bass", "everything else"]) == {
        "All": {"drums", "bass", "everything else"},
        "Only the isolated sounds": {"drums", "bass"},
        "Without drums": {"bass", "everything else"},
        "Without bass": {"drums", "everything else"},
        "Only everything else": {"everything else"},
        "Recording": {MIXTURE},
    }


def test_mixes_that_would_be_the_same_are_offered_once():
    assert heard(["drums", "everything else"]) == {
        "All": {"drums", "everything else"},
        "Only drums": {"drums"},
        "Without drums": {"everything else"},
        "Recording": {MIXTURE},
    }
    assert heard(["drums"]) == {"All": {"drums"}, "Recording": {MIXTURE}}


def test_a_models_own_residual_is_what_is_heard_without_its_sound():
    found = heard(["dog", "cat", "everything but dog", "everything but cat"])
    assert found["Without dog"] == {"everything but dog"}
    assert found["Only the isolated sounds"] == {"dog", "cat"}
    assert "All" not in found, "that would be the recording twice"
