"""How far a result is from that of a reference setting."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from separation.benchmark.scores import StemDistance, distance_from
from separation.errors import SettingsError
from tests.support.kept_songs import RATE, a_song, separated

SOUND = np.random.default_rng(1).standard_normal((2, 2 * RATE)) * 0.1
ERROR = np.random.default_rng(2).standard_normal(SOUND.shape) * 0.1


@pytest.fixture
def pair(tmp_path):
    """Two results of a recording, made of their tracks."""
    recording, _ = a_song(tmp_path, {"drums": SOUND})

    def made(tracks, reference):
        return (
            separated(tmp_path / "result", recording, tracks),
            separated(tmp_path / "reference", recording, reference),
        )

    return made


@pytest.mark.parametrize("error_db", [-40.0, -6.0, 6.0])
def test_it_is_the_level_of_the_difference_over_that_of_the_reference(error_db, pair):
    noise = ERROR * 10 ** (error_db / 20) * np.linalg.norm(SOUND) / np.linalg.norm(ERROR)
    found = distance_from(*pair({"drums": SOUND + noise}, {"drums": SOUND}))
    assert found["drums"].error_db == pytest.approx(error_db, abs=1e-3)
    assert found["drums"].si_sdr_db == pytest.approx(-error_db, abs=0.4), "the noise has a little of the sound"
    assert not found["drums"].identical


def test_a_gain_is_an_error_but_for_si_sdr(pair):
    found = distance_from(*pair({"drums": 0.9 * SOUND}, {"drums": SOUND}))["drums"]
    assert found.error_db == pytest.approx(-20, abs=1e-3)
    assert found.si_sdr_db is None or found.si_sdr_db > 100


def test_it_is_measured_from_the_reference(pair):
    found = distance_from(*pair({"drums": 2 * SOUND}, {"drums": SOUND}))["drums"]
    back = distance_from(*pair({"drums": SOUND}, {"drums": 2 * SOUND}))["drums"]
    assert (found.error_db, back.error_db) == (pytest.approx(0, abs=1e-4), pytest.approx(-6.02, abs=0.01))


def test_where_nothing_differs_there_is_no_level(pair):
    found = distance_from(*pair({"drums": SOUND}, {"drums": SOUND}))["drums"]
    assert (found.error_db, found.identical) == (None, True)


def test_one_sample_that_differs_is_a_difference(pair):
    other = SOUND.copy()
    other[0, 7] += 0.5
    found = distance_from(*pair({"drums": other}, {"drums": SOUND}))["drums"]
    assert found.error_db == pytest.approx(20 * np.log10(0.5 / np.linalg.norm(SOUND)), abs=1e-3)
    assert not found.identical


def test_from_silence_nothing_is_near_or_far(pair):
    silence = np.zeros_like(SOUND)
    found = distance_from(*pair({"drums": SOUND, "bass": silence}, {"drums": silence, "bass": silence}))
    assert found["drums"] == StemDistance(error_db=None, si_sdr_db=None, identical=False)
    assert found["bass"] == StemDistance(error_db=None, si_sdr_db=None, identical=True)


def test_only_what_both_have_is_compared(pair):
    noisy = SOUND + 0.1 * ERROR
    short = noisy[:, : RATE + 7]
    found = distance_from(*pair({"drums": short, "bass": short}, {"voice": SOUND, "drums": SOUND}))
    whole = distance_from(*pair({"drums": short}, {"drums": SOUND[:, : RATE + 7]}))
    assert found == whole and list(found) == ["drums"]
    assert distance_from(*pair({"drums": noisy}, {"drums": SOUND[:, : RATE + 7]})) == whole


def test_distances_survive_as_plain_values(pair):
    found = distance_from(*pair({"drums": SOUND + ERROR}, {"drums": SOUND}))["drums"]
    assert StemDistance.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


@pytest.mark.parametrize("change", [{"recording": "another"}, {"sample_rate": 16_000}, {"n_channels": 1}])
def test_results_that_cannot_be_compared_are_refused(change, pair):
    result, reference = pair({"drums": SOUND}, {"drums": SOUND})
    with pytest.raises(SettingsError):
        distance_from(replace(result, **change), reference)
    with pytest.raises(SettingsError):
        distance_from(result, replace(reference, **change))
