"""Drum kits and recorded instruments of the training set. Every sound here is made by the test."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from assets.builtin.training.composing import compose
from assets.builtin.training.drumming import as_notes, drum_part, play
from assets.builtin.training.effects import in_a_room
from assets.builtin.training.fluid import Note
from assets.builtin.training.kits import (
    changed,
    cymbal,
    load_kit,
    membrane,
    mixed_kit,
    modelled_kit,
    stroke_named,
    synthetic_kit,
)
from assets.builtin.training.sampled import SampledInstrument, midi
from separation.models.builtin import SAMPLE_RATE


def loudest_hz(audio):
    """Where a sound's spectrum is highest."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 8 * SAMPLE_RATE))
    return float(np.argmax(spectrum)) / 8


def centre_hz(audio):
    """The mean frequency of its power."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    return float((np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE) * power).sum() / power.sum())


def test_strokes_are_found_by_name(tmp_path):
    assert [stroke_named(name) for name in ("BD_01", "bd_808", "sn_dub", "Hi-Hat Open", "Bass Drum 1", "Voice")] == [
        "kick", "kick", "snare", "open hat", "kick", None,
    ]  # fmt: skip
    soundfile.write(tmp_path / "snare hard.wav", np.random.default_rng(0).normal(0, 0.1, (4800, 2)), 48_000)
    soundfile.write(tmp_path / "loop_amen.wav", np.zeros(100), 48_000)
    kit = load_kit(tmp_path)
    assert list(kit) == ["snare"] and len(kit["snare"][0]) == 4410


def test_a_kit_without_a_hat_still_plays_every_pattern():
    kit = {"kick": synthetic_kit(np.random.default_rng(0))["kick"]}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        strokes = drum_part(rng, compose(rng, 4.0))
        assert np.isfinite(play(rng, strokes, kit, SAMPLE_RATE * 4)).all()
        assert len(as_notes(rng, strokes)) == len(strokes)


@pytest.mark.parametrize("hz", [60.0, 110.0, 220.0])
def test_a_skin_sounds_at_its_lowest_mode(hz):
    assert loudest_hz(membrane(np.random.default_rng(1), hz, 0.4, 0.0, 3.0)) == pytest.approx(hz, rel=0.02)


def test_metal_grows_dull_while_it_fades():
    metal = cymbal(np.random.default_rng(2), 0.6, 400)
    early, late = metal[: SAMPLE_RATE // 4], metal[SAMPLE_RATE : 2 * SAMPLE_RATE]
    assert centre_hz(early) > 2000
    assert centre_hz(late) < centre_hz(early)
    assert np.abs(late).max() < 0.5 * np.abs(early).max()


def test_a_modelled_kit_has_every_drum_and_no_two_are_alike():
    one, other = (modelled_kit(np.random.default_rng(seed)) for seed in (1, 2))
    assert set(one) == set(synthetic_kit(np.random.default_rng(0)))
    assert all(np.abs(sound).max() == pytest.approx(1, abs=1e-3) for sounds in one.values() for sound in sounds)
    assert loudest_hz(one["kick"][0]) != loudest_hz(other["kick"][0])
    assert centre_hz(one["kick"][0]) < centre_hz(one["snare"][0]) < centre_hz(one["crash"][0])


def test_a_mixed_kit_has_the_drums_of_all_and_none_as_it_was():
    kits = [synthetic_kit(np.random.default_rng(seed)) for seed in range(3)]
    lonely = {"kick": kits[0]["kick"]}
    drums = [mixed_kit(np.random.default_rng(seed), [*kits, lonely]) for seed in range(8)]
    assert any(len(drum) == len(kits[0]) for drum in drums)
    known = {sound.tobytes() for kit in kits for sounds in kit.values() for sound in sounds}
    assert not known & {sound.tobytes() for kit in drums for sounds in kit.values() for sound in sounds}


def test_changed_sounds_of_one_drum_change_in_the_same_way():
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    sounds = [np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (400.0, 500.0)]
    low, high = changed(np.random.default_rng(3), sounds)
    assert loudest_hz(low) != pytest.approx(400, rel=0.005)
    assert loudest_hz(high) / loudest_hz(low) == pytest.approx(1.25, rel=0.01)


def test_a_room_follows_the_sound_and_fades():
    stroke = np.zeros(SAMPLE_RATE, np.float32)
    stroke[1000] = 1
    heard = in_a_room(np.random.default_rng(4), stroke)
    assert len(heard) == len(stroke)
    assert np.abs(heard[:1000]).max() < 1e-6
    early, late = heard[1001:10_000], heard[20_000:30_000]
    assert 0 < np.abs(late).max() < 0.5 * np.abs(early).max() < 0.5


@pytest.mark.parametrize(
    ("name", "pitch"), [("A4", 69), ("As1", 34), ("D#4v10", 63), ("C7", 96), ("rel12", None), ("Hat", None), ("", None)]
)
def test_pitches_are_read_from_names(name, pitch):
    assert midi(name) == pitch


def test_a_recorded_instrument_plays_between_its_recordings_and_stops(tmp_path):
    t = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    for name, hz in (("A3", 220.0), ("A4", 440.0)):
        soundfile.write(tmp_path / f"{name}.wav", 0.5 * np.sin(2 * np.pi * hz * t), SAMPLE_RATE)
    soundfile.write(tmp_path / "pedal.wav", np.zeros(10), SAMPLE_RATE)
    audio = SampledInstrument(tmp_path).play([Note(0.5, 1.0, 71, 127)], 3 * SAMPLE_RATE)
    assert np.abs(audio[: SAMPLE_RATE // 2]).max() == 0
    assert loudest_hz(audio[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2]) == pytest.approx(493.9, rel=0.002)
    assert np.abs(audio[2 * SAMPLE_RATE :]).max() < 0.01
