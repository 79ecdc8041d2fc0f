"""What is done about samples over full scale."""

from __future__ import annotations

import pytest

from separation.audio.encode import FORMATS
from separation.errors import SettingsError
from separation.export.level import FLOAT_FORMAT, PEAK_RULES, level_for, level_while_growing, needs_peak
from separation.results import exported

ENDING_AT_FULL_SCALE = [name for name in FORMATS if name != FLOAT_FORMAT]


@pytest.mark.parametrize("format_", ENDING_AT_FULL_SCALE)
def test_what_is_too_loud_is_turned_down_until_its_peak_is_at_one_db_below_full_scale(format_):
    level = level_for(2.0, format_)
    assert level.format == format_
    assert 2.0 * level.gain == pytest.approx(10 ** (-1 / 20))
    assert level.gain_db == pytest.approx(-7.02, abs=0.01)
    assert level.note == "All of it is turned down by 7.0 dB, since peaks of up to +6.0 dBFS would be clipped."


@pytest.mark.parametrize("rule", PEAK_RULES)
@pytest.mark.parametrize("format_", ["wav16", "wav24"])
@pytest.mark.parametrize("peak", [0.0, 0.5, 1.0])
def test_what_fits_stays_as_it_is_without_a_word(peak, format_, rule):
    level = level_for(peak, format_, rule)
    assert (level.format, level.gain, level.gain_db, level.note) == (format_, 1, 0, "")


@pytest.mark.parametrize("rule", PEAK_RULES)
def test_floats_have_no_ceiling(rule):
    assert level_for(9.0, FLOAT_FORMAT, rule) == level_for(0.0, FLOAT_FORMAT)
    assert not needs_peak(FLOAT_FORMAT, rule)


def test_only_who_clips_need_not_know_the_peak():
    assert [needs_peak("wav16", rule) for rule in PEAK_RULES] == [True, False, True]
    assert "+6.0 dBFS are clipped" in level_for(2.0, "wav16", "clip").note


@pytest.mark.parametrize("format_", ["wav16", "wav24"])
def test_floats_are_written_into_the_same_container_where_they_are_needed(format_):
    level = level_for(1.01, format_, "float")
    assert (level.format, level.gain) == (FLOAT_FORMAT, 1)
    assert FORMATS[level.format].extension == FORMATS[format_].extension
    assert "32-bit float" in level.note and "+0.1 dBFS" in level.note


@pytest.mark.parametrize("format_", [name for name in FORMATS if FORMATS[name].extension != ".wav"])
def test_a_format_without_floats_refuses_them_however_quiet_the_sound(format_):
    for refused in (lambda: level_for(0.1, format_, "float"), lambda: level_while_growing(format_, "float")):
        with pytest.raises(SettingsError, match=r"no float samples.*wav16, wav24, wav32f.*rescale"):
            refused()


def test_an_unknown_rule_says_which_there_are():
    with pytest.raises(SettingsError, match="rescale, clip, float"):
        level_for(0.5, "wav16", "limit")


# Files that are played while they are written


def test_files_that_grow_are_clipped_and_it_is_said_beforehand():
    for rule in (None, "clip"):
        level = level_while_growing("flac", rule)
        assert (level.format, level.gain) == ("flac", 1) and "will be clipped" in level.note


def test_files_that_grow_cannot_be_turned_down():
    with pytest.raises(SettingsError, match=r"cannot be turned down.*clip.*wav32f.*streaming"):
        level_while_growing("wav16", "rescale")


def test_files_that_grow_are_floats_from_the_start_if_nothing_may_be_lost():
    assert level_while_growing("wav24", "float").format == FLOAT_FORMAT
    for rule in (None, *PEAK_RULES):
        assert level_while_growing(FLOAT_FORMAT, rule).note == ""


def test_the_names_of_formats_are_the_same_everywhere():
    assert {name: kind.extension for name, kind in FORMATS.items()} == exported.FORMATS
