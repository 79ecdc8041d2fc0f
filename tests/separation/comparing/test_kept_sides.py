"""The samples of a test's sides: cut out, equally loud, never cut off, and kept."""

from __future__ import annotations

import io

import numpy as np
import pyloudnorm
import pytest
import soundfile

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.comparing.heard import HeardTrack
from separation.comparing.kept_sides import keep_sides, trial_wavs
from separation.comparing.trials import TRAINING, Trial
from separation.errors import AudioError, SettingsError

RATE = 44_100


def noise(seed, level=0.1, n_channels=2, duration_s=4.0, rate=RATE):
    samples = np.random.default_rng(seed).standard_normal((n_channels, round(duration_s * rate)))
    return (level * samples).astype(np.float32)


@pytest.fixture
def keep(tmp_path):
    def kept(samples, rate=RATE):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.wav"
        encode(Waveform(samples, rate), path, "wav32f")
        return [HeardTrack(audio=path)]

    return kept


def samples_of(item, name):
    samples, rate = soundfile.read(item.files[name], always_2d=True)
    assert rate == RATE
    return samples.T


def test_what_is_kept_is_the_passage_with_the_louder_side_turned_down(keep, store):
    quiet, loud = noise(1, 0.05), noise(2, 0.2)
    kept = keep_sides("t", "r", [keep(quiet), keep(loud)], [(1.0, 3.0)], store)
    item = store.get(kept.key)
    assert kept.matched[0].gain_db == 0 and kept.matched[1].gain_db < -10
    np.testing.assert_allclose(samples_of(item, "0"), quiet[:, RATE : 3 * RATE], atol=1e-6)
    meter = pyloudnorm.Meter(RATE)
    loudness = [meter.integrated_loudness(samples_of(item, name).T) for name in "01"]
    assert loudness[0] == pytest.approx(loudness[1], abs=0.1)
    assert item.manifest.inputs["recording"] == "r"


def test_nothing_is_cut_off_and_all_sides_are_turned_down_alike(keep, store):
    a = noise(1, 0.5)
    b = np.roll(a, 1, axis=1)
    kept = keep_sides("t", "r", [keep(a), keep(b)], [(0.0, 4.0)], store)
    item = store.get(kept.key)
    found = samples_of(item, "0")
    assert np.abs(found).max() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(found, a / np.abs(a).max(), atol=1e-6)
    np.testing.assert_allclose(np.roll(found, 1, axis=1), samples_of(item, "1"), atol=1e-6)


def test_mono_and_stereo_are_both_played_by_two_speakers(keep, store):
    item = store.get(keep_sides("t", "r", [keep(noise(1, n_channels=1)), keep(noise(2))], [(0, 2)], store).key)
    assert {samples_of(item, name).shape for name in ("0", "1", "training")} == {(2, 2 * RATE)}


def test_a_side_that_ends_early_ends_them_all(keep, store):
    kept = keep_sides("t", "r", [keep(noise(1)), keep(noise(2, duration_s=2.5))], [(1, 4)], store)
    assert {samples_of(store.get(kept.key), name).shape[1] for name in "01"} == {round(1.5 * RATE)}


def test_the_training_is_dull_and_half_as_loud(keep, store):
    item = store.get(keep_sides("t", "r", [keep(noise(1)), keep(noise(2))], [(0, 4)], store).key)

    def level_db(samples, low_hz, high_hz):
        power = np.abs(np.fft.rfft(samples[0])) ** 2
        hz = np.fft.rfftfreq(samples.shape[1], 1 / RATE)
        return 10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].mean())

    whole, dull = samples_of(item, "0"), samples_of(item, "training")
    assert level_db(whole, 100, 3_000) - level_db(dull, 100, 3_000) == pytest.approx(6.02, abs=0.1)
    assert level_db(whole, 5_000, 20_000) - level_db(dull, 5_000, 20_000) > 50


@pytest.mark.parametrize(
    ("sides", "match"),
    [
        (lambda keep: [keep(noise(1)), keep(noise(1, rate=48_000), 48_000)], "44100 Hz and 48000 Hz"),
        (lambda keep: [keep(noise(1)), []], "no such sound"),
        (lambda keep: [keep(noise(1, duration_s=1)), keep(noise(2, duration_s=1))], "no sound in that passage"),
    ],
)
def test_what_cannot_be_compared_is_said(keep, store, sides, match):
    with pytest.raises(SettingsError, match=match):
        keep_sides("t", "r", sides(keep), [(2.0, 3.0)], store)
    assert store.list("comparison") == []


STEP = 2.0**-15  # of 16-bit samples


@pytest.mark.parametrize("other", [lambda a: a, lambda a: a + 0.9 * STEP, lambda a: 0.5 * a])
def test_two_sides_that_are_the_same_audio_once_they_are_equally_loud_are_no_test(keep, store, other):
    with pytest.raises(SettingsError, match="A and B are the same audio here") as refused:
        keep_sides("t", "r", [keep(noise(1)), keep(other(noise(1)))], [(0, 2)], store)
    assert "nobody can hear" in refused.value.why and "Choose two results that differ" in refused.value.todo
    assert store.list("comparison") == []


def test_of_several_sides_it_is_said_which_are_the_same(keep, store):
    with pytest.raises(SettingsError, match="Sides 1 and 3 are the same audio here"):
        keep_sides("t", "r", [keep(noise(1)), keep(noise(2)), keep(noise(1))], [(0, 2)], store)


def test_a_difference_of_a_step_in_one_sample_can_be_tested_and_so_can_one_elsewhere_be_refused(keep, store):
    one = noise(1)
    other = one.copy()
    other[0, RATE] += 2 * STEP
    keep_sides("t", "r", [keep(one), keep(other)], [(0, 2)], store)
    with pytest.raises(SettingsError, match="same audio"):
        keep_sides("u", "r", [keep(one), keep(other)], [(2, 4)], store)


def test_in_ratings_a_side_may_be_the_reference_itself(keep, store):
    keep_sides("t", "r", [keep(noise(1)), keep(noise(1)), keep(noise(2))], [(0, 2)], store, reference=0)


def test_a_file_that_is_gone_is_said(keep, store, tmp_path):
    with pytest.raises(AudioError):
        keep_sides("t", "r", [keep(noise(1)), [HeardTrack(audio=tmp_path / "gone.wav")]], [(0, 1)], store)


# the sounds of a trial


def heard(wav):
    return soundfile.read(io.BytesIO(wav), always_2d=True)[0].T


def test_the_sounds_of_a_trial_are_its_sides_under_their_letters(keep, store):
    a, b = noise(1), noise(2)
    item = store.get(keep_sides("t", "r", [keep(a), keep(b)], [(0, 2)], store).key)
    wavs = trial_wavs(item, Trial(1, 0, 0))
    assert list(wavs) == ["A", "B", "X"]
    middle = slice(RATE // 2, RATE)
    for sound, side in {"A": "1", "B": "0", "X": "0"}.items():
        np.testing.assert_allclose(heard(wavs[sound])[:, middle], samples_of(item, side)[:, middle], atol=3e-7)
    assert len({len(wav) for wav in wavs.values()}) == 1 and len(set(wavs.values())) == 3
    assert trial_wavs(item, Trial(1, 0, 0))["X"] != wavs["X"], "each time anew"
    training = trial_wavs(item, Trial(TRAINING, 0))
    np.testing.assert_allclose(heard(training["A"])[:, middle], samples_of(item, "training")[:, middle], atol=3e-7)


def test_a_damaged_sound_is_said_and_takes_no_answers_along(keep, store):
    said = []
    store.checks.on_damage = said.append
    key = keep_sides("t", "r", [keep(noise(1)), keep(noise(2))], [(0, 2)], store).key
    path = store.get(key).files["1"]
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert store.check(key) is None
    assert "the answers stay" in str(store.checks.lost[key])
