"""Presets of one's own: there for every page and after a restart, each name once."""

from __future__ import annotations

import pytest

from separation.errors import SettingsError
from separation.request import ChunkSettings, DemucsSettings, Request
from storage.records import PresetTable
from webapp.state.kept.own_presets import MOST, OwnPresets

DEMUCS = Request.of("bass", backend="demucs", model="htdemucs", demucs=DemucsSettings(shifts=2))
BUILTIN = Request.of("drums", backend="builtin", model="small", chunks=ChunkSettings(chunk_s=9.0))


@pytest.fixture
def table(tmp_path):
    table = PresetTable(tmp_path)
    yield table
    table.close()


@pytest.fixture
def presets(table):
    return OwnPresets(table)


def test_presets_survive_a_restart_and_come_in_the_order_of_their_names(presets, table):
    told = []
    presets.changed.subscribe(lambda: told.append(1))
    kept = {presets.keep("Zebra", DEMUCS), presets.keep("apple", BUILTIN)}
    assert [preset.name for preset in presets.all()] == ["apple", "Zebra"] and len(told) == 2
    assert set(OwnPresets(table).all()) == kept


def test_the_same_name_again_is_the_new_settings_and_of_another_separator_refused(presets, table):
    presets.keep("Mine", DEMUCS)
    other = Request.of("bass", backend="demucs", model="htdemucs", demucs=DemucsSettings(shifts=5))
    presets.keep("MINE", other)
    with pytest.raises(SettingsError, match="already"):
        presets.keep("mine", BUILTIN)
    for each in (presets, OwnPresets(table)):
        assert [(preset.name, preset.demucs.shifts) for preset in each.all()] == [("MINE", 5)]


def test_a_deleted_preset_is_gone_for_good_and_only_once(presets, table):
    preset = presets.keep("Mine", DEMUCS)
    told = []
    presets.changed.subscribe(lambda: told.append(1))
    presets.delete(preset)
    presets.delete(preset)
    assert presets.all() == OwnPresets(table).all() == [] and told == [1]


def test_there_is_an_end_to_presets(presets):
    for number in range(MOST):
        presets.keep(f"{number}", DEMUCS)
    presets.keep("0", DEMUCS)
    with pytest.raises(SettingsError, match=f"{MOST} presets"):
        presets.keep("more", DEMUCS)
