"""The demo recording: a fair test for a separator, small, and the same wherever it is rendered."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from assets.demo_recording import DEMO_DIR, load_demo, write_demo_mixture
from assets.demo_synth.song import DEMO
from assets.make_demo import render, write
from separation.metrics.reference import si_sdr

STEMS = ("drums", "bass", "voice", "keys")


@pytest.fixture(scope="module")
def demo():
    return load_demo()


@pytest.fixture(scope="module")
def rendered():
    return render()


def band_energy(x, low_hz, high_hz, sample_rate=44_100):
    power = np.abs(np.fft.rfft(x)) ** 2
    frequency_hz = np.fft.rfftfreq(x.shape[-1], 1 / sample_rate)
    return power[..., (frequency_hz >= low_hz) & (frequency_hz < high_hz)].sum() / power.sum()


def test_it_is_a_stereo_song_of_16_to_20_seconds(demo):
    assert demo.sample_rate == 44_100
    assert demo.mixture.shape[0] == 2
    assert 15 <= demo.mixture.shape[1] / demo.sample_rate <= 20
    assert set(demo.stems) == set(STEMS)
    assert all(stem.shape == demo.mixture.shape for stem in demo.stems.values())


def test_the_mixture_is_the_sum_of_its_stems(demo):
    np.testing.assert_allclose(sum(demo.stems.values()), demo.mixture, atol=1e-6)


def test_nothing_clips_and_the_peak_is_about_one_decibel_below_full_scale(demo):
    assert -1.6 < 20 * np.log10(np.abs(demo.mixture).max()) < -0.5


@pytest.mark.parametrize("stem", STEMS)
def test_no_stem_is_easy_to_hear_alone(demo, stem):
    assert -8 < si_sdr(demo.mixture, demo.stems[stem]) < -2


def test_bass_and_voice_stand_in_the_centre_and_keys_are_wide(demo):
    alike = {name: np.corrcoef(stem)[0, 1] for name, stem in demo.stems.items()}
    assert alike["bass"] > 0.99
    assert alike["voice"] > 0.8
    assert alike["keys"] < 0.7


def test_keys_play_in_the_range_of_the_voice(demo):
    for stem in ("voice", "keys"):
        assert band_energy(demo.stems[stem], 250, 1_000) > 0.4


def test_bass_and_drums_share_the_low_end(demo):
    for stem in ("bass", "drums"):
        assert band_energy(demo.stems[stem], 30, 120) > 0.3


@pytest.mark.parametrize("stem", ["bass", "keys", "drums"])
def test_stems_sound_together_for_most_of_the_song(demo, stem):
    blocks = demo.stems[stem][:, : 16 * 44_100].reshape(2, 32, -1)  # half seconds
    level = np.sqrt((blocks**2).mean(axis=(0, 2)))
    assert np.mean(level > 0.1 * level.max()) > 0.8


def test_the_voice_sings_in_phrases_with_pauses(demo):
    blocks = demo.stems["voice"][:, : 16 * 44_100].reshape(2, 160, -1)  # tenths of a second
    level = np.sqrt((blocks**2).mean(axis=(0, 2)))
    assert 0.55 < np.mean(level > 0.1 * level.max()) < 0.95


def test_the_files_keep_to_their_budget():
    sizes = [path.stat().st_size for path in DEMO_DIR.iterdir()]
    assert max(sizes) < 1_000_000
    assert sum(sizes) < 1_500_000


def test_rendering_again_gives_the_song_that_was_published(rendered):
    about = json.loads((DEMO_DIR / "demo.json").read_text(encoding="utf-8"))
    start = about["fingerprint_start"]
    for stem, published in about["fingerprint"].items():
        np.testing.assert_allclose(rendered[stem][0, start : start + len(published)], published, atol=2e-6)
        assert np.abs(published).max() > 1e-3  # an excerpt of silence would prove nothing


def test_the_published_files_hold_what_was_rendered(demo, rendered):
    for stem in STEMS:
        assert si_sdr(demo.stems[stem], rendered[stem]) > 12  # what Vorbis leaves of it


def test_another_seed_is_another_performance_of_the_same_song(rendered):
    other = render(replace(DEMO, seed=1))
    for stem in STEMS:
        assert other[stem].shape == rendered[stem].shape
        assert not np.array_equal(other[stem], rendered[stem])


def test_writing_gives_files_that_add_up_as_they_say(tmp_path, rendered):
    write({stem: x[:, :20_000] for stem, x in rendered.items()}, tmp_path)
    about = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    mixture = sum(soundfile.read(tmp_path / f"{stem}.ogg")[0] for stem in about["stems"])
    assert np.abs(mixture).max() == pytest.approx(about["mixture_peak"], abs=1e-3)
    assert mixture.shape == (about["n_samples"], 2)


def test_the_mixture_can_be_written_as_a_file_to_open(tmp_path, demo):
    write_demo_mixture(tmp_path / "demo.flac")
    samples, sample_rate = soundfile.read(tmp_path / "demo.flac", dtype="float32")
    assert sample_rate == demo.sample_rate
    np.testing.assert_allclose(samples.T, demo.mixture, atol=2e-7)
