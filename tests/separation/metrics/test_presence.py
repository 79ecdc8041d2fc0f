"""Where tracks sound: absent sounds are said to be absent, rare ones with where they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from separation.metrics.presence import seems_absent
from separation.metrics.presence_value import Presence, of_report, sentence, sentences
from separation.metrics.quality import QualityMeter
from separation.prompts.targets import RESIDUAL, Target

RATE = 44_100
SECONDS = 20


def band(low_hz, high_hz, seed, seconds=SECONDS):
    """Noise of a band, (2, samples)."""
    white = np.random.default_rng(seed).normal(0, 0.1, (2, seconds * RATE))
    sos = signal.butter(6, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    return signal.sosfiltfilt(sos, white).astype(np.float32)


LOW, HIGH = band(80, 400, 1), band(2000, 6000, 2)
SILENCE = np.zeros_like(LOW)


def found(mixture, piece=SECONDS * RATE, **tracks):
    """Where tracks sound, and the quality, of audio that arrives in pieces."""
    targets = [Target(name=name.replace("_", " "), stems=frozenset({name})) for name in tracks]
    targets = [
        Target(name=RESIDUAL, stems=frozenset({"x"}), complement=True) if one.name == RESIDUAL else one
        for one in targets
    ]
    meter = QualityMeter(targets, RATE)
    for at in range(0, mixture.shape[1], piece):
        part = slice(at, at + piece)
        audio = {one.name: samples[:, part] for one, samples in zip(targets, tracks.values(), strict=True)}
        meter.add(mixture[:, part], audio)
    quality = meter.result()
    return meter.presence, quality


def test_what_is_there_is_not_called_absent():
    presence, quality = found(LOW + HIGH, bass=LOW, hats=HIGH)
    assert not presence["bass"].empty and not presence["hats"].empty
    assert list(sentences(presence)) == []
    assert quality is not None and set(quality.tracks) == {"bass", "hats"}


@pytest.mark.parametrize("crumbs", [SILENCE, 0.01 * HIGH, 0.1 * HIGH])
def test_crumbs_of_other_sounds_are_no_sound_and_have_no_quality(crumbs):
    presence, quality = found(HIGH, bass=crumbs, hats=HIGH - crumbs)
    assert presence["bass"].empty and not presence["hats"].empty
    (said,) = sentences(presence)
    assert said.startswith("There seems to be no “bass” in this recording: its track is empty")
    assert quality is None or "bass" not in quality.tracks


def test_invented_sound_is_no_sound_of_the_recording():
    presence, _ = found(HIGH, dog=LOW)
    assert presence["dog"].empty
    (said,) = sentences(presence)
    assert said == "There seems to be no “dog” in this recording: most of its track is not in it."


def test_a_sound_that_is_too_loud_is_there_all_the_same():
    presence, _ = found(HIGH, hats=2 * HIGH)
    assert not presence["hats"].empty


def test_a_soft_sound_that_has_its_bins_for_itself_is_there():
    soft = np.float32(0.2) * LOW
    presence, _ = found(HIGH + soft, bass=soft)
    assert not presence["bass"].empty


def test_what_sounds_in_a_few_places_is_said_to_be_there_only():
    rare = LOW.copy()
    rare[:, : 12 * RATE] = 0
    rare[:, 15 * RATE :] = 0
    presence, quality = found(HIGH + rare, bass=rare, hats=HIGH)
    assert len(presence["bass"].spans_s) == 1
    assert presence["bass"].spans_s[0] == (pytest.approx(12, abs=1.1), pytest.approx(15, abs=1.1))
    (said,) = sentences(presence)
    assert said.startswith("“bass” seems to be there only at 0:1")
    assert quality is not None and "bass" in quality.tracks


@pytest.mark.parametrize("piece", [1000, 44_100, 333_333])
def test_how_the_audio_arrives_makes_no_difference(piece):
    crumbs = 0.03 * HIGH
    whole, in_pieces = (found(HIGH + LOW, size, bass=LOW, hats=crumbs)[0] for size in (SECONDS * RATE, piece))
    assert whole == in_pieces


def test_what_is_left_over_is_empty_where_nothing_else_is_there():
    presence, quality = found(HIGH, **{"hats": HIGH, RESIDUAL: SILENCE})
    assert presence[RESIDUAL].empty
    assert sentence(RESIDUAL, presence[RESIDUAL]).startswith("“everything else” is empty (silent)")
    assert quality is None or RESIDUAL not in quality.tracks
    presence, _ = found(HIGH + LOW, **{"hats": HIGH, RESIDUAL: LOW})
    assert not presence[RESIDUAL].empty


def test_a_recording_of_a_moment_is_not_judged():
    presence, _ = found(HIGH[:, :2000], hats=HIGH[:, :2000])
    assert presence == {}
    assert not seems_absent(SILENCE[:, :2000], HIGH[:, :2000], RATE)


def test_a_passage_is_judged_like_a_recording():
    assert not seems_absent(LOW[:, : 3 * RATE], (LOW + HIGH)[:, : 3 * RATE], RATE)
    assert seems_absent(0.1 * HIGH[:, : 3 * RATE], HIGH[:, : 3 * RATE], RATE)


def test_a_report_says_it_and_an_older_one_says_nothing():
    presence = Presence(level_db=-41.23, spans_s=((1.0, 2.5),), duration_s=10.0)
    assert of_report({"presence": {"bass": presence.to_dict()}}) == {
        "bass": Presence(level_db=-41.2, spans_s=((1.0, 2.5),), duration_s=10.0)
    }
    assert of_report({}) == {} == of_report({"presence": {"bass": {"level_db": "?"}}}) == of_report({"presence": 3})


def test_speech_has_to_have_its_bins_more_to_itself_than_other_sounds():
    half = np.float32(0.5) * HIGH  # a dominance of 0.5, as music without a voice leaves it
    presence, _ = found(HIGH, speech=half, hats=HIGH - half)
    assert presence["speech"].empty and not presence["hats"].empty
    presence, _ = found(HIGH, speech=np.float32(0.7) * HIGH)
    assert not presence["speech"].empty
