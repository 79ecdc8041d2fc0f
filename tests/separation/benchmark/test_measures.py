"""What is said of each measure."""

from __future__ import annotations

from dataclasses import fields

import pytest

from separation.benchmark.measures import COSTS, MEASURES, NONE, QUALITY
from separation.benchmark.scores import StemDistance, StemScores


def test_every_score_is_described_and_every_description_is_of_a_score():
    scores = {one.name for one in fields(StemScores)} - {"undefined"}
    distances = {one.name for one in fields(StemDistance)} - {"identical"}
    assert set(QUALITY) == scores | distances
    assert set(COSTS) == {"seconds", "rtf", "nfe", "first_sound_s", "peak_bytes", "device_bytes", "energy_j"}
    assert list(MEASURES) == [*QUALITY, *COSTS]


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda one: one.id)
def test_each_has_a_label_a_sentence_and_a_value_to_be_read(measure):
    assert MEASURES[measure.id] is measure
    assert measure.label and measure.meaning.endswith(".") and measure.meaning.count(". ") == 0
    assert measure.source or measure.id in {*COSTS, "error_db"}
    assert measure.formatted(None) == NONE
    assert any(letter.isdigit() for letter in measure.formatted(12.5))


def test_labels_tell_measures_apart():
    assert len({one.label for one in MEASURES.values()}) == len(MEASURES)


def test_costs_and_distances_are_better_low():
    low = {one.id for one in MEASURES.values() if one.better == "lower"}
    assert low == {*COSTS, "error_db", "log_spectral_distance_db"}


@pytest.mark.parametrize(
    ("id", "value", "text"),
    [
        ("si_sdr_db", 7.26, "7.3 dB"),
        ("bleedless", 31.04, "31.0"),
        ("explained_energy", 0.834, "0.83"),
        ("seconds", 65.0, "1:05"),
        ("seconds", 3.21, "3.2 s"),
        ("rtf", 0.04567, "2.74 s"),
        ("nfe", 1024, "1,024"),
        ("peak_bytes", 84_000_000, "84 MB"),
        ("energy_j", 123.4, "123 J"),
    ],
)
def test_values_are_written_with_their_units(id, value, text):
    assert MEASURES[id].formatted(value) == text
