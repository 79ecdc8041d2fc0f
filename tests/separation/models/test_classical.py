"""The classical separator: exact transforms, masks that add up, and each physical kind of sound in its own stem."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from assets.demo_recording import load_demo
from separation.audio.stft import frame_length, hann, istft, stft
from separation.errors import AudioError
from separation.metrics.reference import si_sdr
from separation.models.classical import hpss, low_end, masks, pitch, repet, stereo_masks
from separation.models.classical.classical import STEMS, separate_classical, stem_masks

SAMPLE_RATE = 44_100
BIN_HZ = SAMPLE_RATE / 4_096
FRAME_RATE = SAMPLE_RATE / 1_024
AWKWARD_LENGTHS = [1, 2, 1_023, 1_024, 1_025, 4_096, 10_007, 44_101]


def seconds(duration_s):
    return np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE


def noise(*shape, seed=3):
    return (0.2 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def stereo(left, right=None):
    return np.stack([left, left if right is None else right]).astype(np.float32)


def clicks(duration_s=6.0, every_s=0.31):
    x = np.zeros(round(duration_s * SAMPLE_RATE))
    burst = noise(300) * np.exp(-np.arange(300) / 60)
    for start in range(2_000, x.size - 300, round(every_s * SAMPLE_RATE)):
        x[start : start + 300] += burst
    return x


def tone(f0_hz, n_harmonics=1, duration_s=6.0):
    t = seconds(duration_s)
    return sum(0.2 * 0.7**k * np.sin(2 * np.pi * (k + 1) * f0_hz * t) for k in range(n_harmonics))


def bass_line(duration_s=6.0):
    """Half-second notes of a bass, 55 to 98 Hz, with harmonics."""
    notes = [tone(f0_hz, 8, 0.5) for f0_hz in (55.0, 73.4, 65.4, 82.4, 98.0, 61.7)]
    fade = np.minimum(1, np.minimum(seconds(0.5), seconds(0.5)[::-1]) / 0.02)
    return np.concatenate([notes[i % len(notes)] * fade for i in range(round(duration_s * 2))])


def singer(duration_s=6.0):
    """A voice-like tone that never repeats: a wandering pitch with vibrato and fifteen harmonics."""
    t = seconds(duration_s)
    f0_hz = 260 * 2 ** (0.35 * np.sin(2 * np.pi * 0.19 * t**1.2) + 0.03 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE
    return sum(0.2 * 0.75**k * np.sin((k + 1) * phase + k * k) for k in range(15))


def wide_pad(duration_s=6.0):
    """A held chord whose two sides have nothing to do with each other."""
    rng = np.random.default_rng(5)
    sides = [
        sum(0.08 * np.sin(2 * np.pi * f * seconds(duration_s) + rng.uniform(0, 6.28)) for f in chord)
        for chord in ((311.1, 392.0, 466.2, 784.0), (313.0, 394.5, 468.7, 780.0))
    ]
    return stereo(*sides)


def share(stems, name):
    """The part of all stems' energy that one of them holds."""
    energies = {stem: float(np.sum(x.astype(np.float64) ** 2)) for stem, x in stems.items()}
    return energies[name] / sum(energies.values())


# --- transforms and masks


@pytest.mark.parametrize("n_samples", AWKWARD_LENGTHS)
@pytest.mark.parametrize("sample_rate", [44_100, 8_000])
def test_stft_reconstructs_any_length_perfectly(n_samples, sample_rate):
    x = noise(2, n_samples)
    np.testing.assert_allclose(istft(stft(x, frame_length(sample_rate)), n_samples), x, atol=1e-6)


def test_a_sine_at_the_centre_of_a_bin_is_the_peak_of_its_spectrum():
    spectrum = np.abs(stft(stereo(tone(100 * BIN_HZ)), 4_096))
    assert (spectrum[:, 20:-20].argmax(axis=-1) == 100).all()


@pytest.mark.parametrize("sample_rate", [1, 100, 8_000, 22_050, 44_100, 48_000, 192_000])
def test_a_frame_lasts_about_as_long_at_every_sample_rate(sample_rate):
    n_fft = frame_length(sample_rate)
    assert n_fft & (n_fft - 1) == 0
    assert sample_rate <= 200 or 0.06 < n_fft / sample_rate < 0.14


def test_wiener_masks_sum_to_one_even_where_every_model_is_silent():
    models = [np.abs(noise(9, 7, seed=seed)) for seed in range(4)]
    for model in models:
        model[3:5] = 0
    shares = masks.wiener_masks(models)
    np.testing.assert_allclose(sum(shares), 1, atol=1e-6)
    np.testing.assert_allclose(shares[0][3:5], 0.25)


def test_the_masks_of_the_four_stems_sum_to_one_and_never_leave_zero_to_one():
    mid, side = (noise(60, 2_049, seed=seed) ** 2 for seed in (1, 2))
    stems = stem_masks(mid, side, BIN_HZ, FRAME_RATE)
    np.testing.assert_allclose(sum(stems.values()), 1, atol=1e-5)
    for mask in stems.values():
        assert mask.min() >= -1e-6
        assert mask.max() <= 1 + 1e-6


@pytest.mark.parametrize("axis", [0, 1])
def test_the_running_median_is_the_median_of_the_neighbours_inside_its_own_row(axis):
    x = noise(12, 15)
    got = hpss.running_median(x, 5, axis)
    middle = np.median(np.take(x, range(4, 9), axis=axis), axis=axis)
    np.testing.assert_allclose(np.take(got, 6, axis=axis), middle)
    assert hpss.running_median(x[:1, :1], 5, axis) == x[0, 0]


def test_a_line_in_time_is_harmonic_and_a_line_in_frequency_percussive():
    magnitude = np.full((80, 400), 1e-3, np.float32)
    magnitude[:, 150] = 1  # a steady tone
    magnitude[40, :] = 1  # a click
    percussive = hpss.percussive_mask(magnitude, BIN_HZ, FRAME_RATE)
    assert percussive[10, 150] < 0.01
    assert percussive[40, 50] > 0.99
    wider = hpss.percussive_mask(magnitude, BIN_HZ, FRAME_RATE, margin=3)
    assert wider[40, 150] < percussive[40, 150]


def test_repetition_is_background_and_what_happens_once_is_not():
    magnitude = np.tile(np.abs(noise(30, 200)), (8, 1)) + 0.01  # a bar of 30 frames, eight times
    magnitude[100:110, 60:70] += 5
    foreground = repet.foreground_mask(magnitude, FRAME_RATE)
    assert foreground[100:110, 60:70].min() > 0.9
    assert np.delete(foreground, range(100, 110), axis=0).max() < 0.05


def test_mid_and_side_powers_are_those_of_the_sum_and_the_difference():
    spectrum = stft(noise(2, 5_000), 1_024)
    mid, side = stereo_masks.mid_and_side_power(spectrum)
    np.testing.assert_allclose(mid, np.abs(spectrum[0] + spectrum[1]) ** 2 / 4, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(side, np.abs(spectrum[0] - spectrum[1]) ** 2 / 4, rtol=1e-3, atol=1e-4)


def test_the_centre_is_what_both_channels_share():
    x = noise(20_000)
    centred, one_sided, opposed = (stft(stereo(x, gain * x), 4_096) for gain in (1, 0, -1))
    assert stereo_masks.centre_mask(*stereo_masks.mid_and_side_power(centred), FRAME_RATE).min() > 0.99
    assert stereo_masks.centre_mask(*stereo_masks.mid_and_side_power(one_sided), FRAME_RATE).max() < 0.01
    assert stereo_masks.centre_mask(*stereo_masks.mid_and_side_power(opposed), FRAME_RATE).max() < 0.01


def test_a_gliding_pitch_is_followed_within_half_a_semitone():
    t = seconds(4.0)
    f0_hz = 150 * 2 ** (t / 2.5)
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE
    voice = sum(0.8**k * np.sin((k + 1) * phase) for k in range(12))
    magnitude = np.abs(stft(voice[None].astype(np.float32), 4_096)[0])
    tracked = pitch.track_pitch(magnitude, BIN_HZ, pitch.PitchRange())
    true_hz = np.interp((np.arange(len(magnitude)) - 1) * 1_024, np.arange(t.size), f0_hz)
    inner = slice(5, -5)
    assert np.abs(12 * np.log2(tracked[inner] / true_hz[inner])).max() < 0.5


def test_the_path_prefers_one_outlier_missed_to_two_leaps():
    scores = np.zeros((20, 50), np.float32)
    scores[:, 10] = 1
    scores[9, 40] = 2
    assert (pitch.smoothest_path(scores, step_cost=0.5, max_steps=4) == 10).all()


def test_a_comb_is_one_on_harmonics_and_zero_between():
    f0_hz = np.full(3, 30 * BIN_HZ, np.float32)
    comb = pitch.comb_mask(f0_hz, (np.arange(400) * BIN_HZ).astype(np.float32), BIN_HZ)
    np.testing.assert_allclose(comb[:, [30, 60, 90, 300]], 1)
    assert comb[:, [15, 45, 75]].max() < 1e-3


def test_delays_and_their_transpose_agree():
    a, b = noise(9, 2), noise(9, 2 * 12)  # more lags than frames
    assert np.vdot(low_end.delayed(a, 12), b) == pytest.approx(np.vdot(a, low_end.gathered(b, 12)), rel=1e-4)


# --- each kind of sound in its own stem


def test_a_train_of_clicks_goes_to_the_drums():
    assert share(separate_classical(stereo(clicks()), SAMPLE_RATE), "drums") > 0.9


@pytest.mark.parametrize("f0_hz", [1_000.0, 3_000.0])
def test_a_steady_high_tone_does_not_go_to_the_drums(f0_hz):
    stems = separate_classical(stereo(tone(f0_hz)), SAMPLE_RATE)
    assert share(stems, "drums") < 0.05
    assert share(stems, "bass") < 0.01


def test_a_click_train_is_parted_from_a_tone():
    stems = separate_classical(stereo(clicks() + tone(880.0, 3)), SAMPLE_RATE)
    assert si_sdr(stems["drums"], stereo(clicks())) > 5
    assert si_sdr(stems["drums"], stereo(tone(880.0, 3))) < -10


@pytest.mark.parametrize("f0_hz", [41.2, 60.0, 98.0])  # 60 Hz lies between two notes
def test_a_low_tone_with_harmonics_goes_to_the_bass(f0_hz):
    assert share(separate_classical(stereo(tone(f0_hz, 6)), SAMPLE_RATE), "bass") > 0.9


def test_a_bass_line_and_a_kick_drum_on_the_same_octave_are_told_apart():
    t = seconds(0.4)
    kick = 0.5 * np.sin(2 * np.pi * (52 * t + 3.2 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.12)
    kicks = np.zeros(round(6.0 * SAMPLE_RATE))
    for beat in range(10):
        start = round(0.6 * beat * SAMPLE_RATE)
        kicks[start : start + kick.size] += kick[: kicks.size - start]
    line = bass_line()
    mixture = stereo(kicks + line)
    stems = separate_classical(mixture, SAMPLE_RATE)
    assert si_sdr(stems["drums"], stereo(kicks)) > si_sdr(mixture, stereo(kicks)) + 5
    assert si_sdr(stems["bass"], stereo(line)) > si_sdr(mixture, stereo(line)) + 5


def test_a_centred_singer_is_taken_out_of_a_wide_pad():
    voice, pad = stereo(singer()), wide_pad()
    stems = separate_classical(voice + pad, SAMPLE_RATE)
    assert si_sdr(stems["vocals"], voice) > si_sdr(voice + pad, voice) + 6
    assert si_sdr(stems["other"], pad) > si_sdr(voice + pad, pad) + 6


def test_hiss_above_the_pitched_range_goes_to_the_drums_however_long_it_lasts():
    hiss = noise(2, 4 * SAMPLE_RATE)
    spectrum = np.fft.rfft(hiss)
    spectrum[:, np.fft.rfftfreq(hiss.shape[1], 1 / SAMPLE_RATE) < 9_500] = 0
    stems = separate_classical(np.fft.irfft(spectrum, hiss.shape[1]).astype(np.float32), SAMPLE_RATE)
    assert share(stems, "drums") > 0.8


def test_a_cluster_of_tones_without_a_common_pitch_is_not_taken_for_a_singer():
    cluster = sum(tone(f0_hz) for f0_hz in (251, 313, 397, 521, 673, 877, 1_151, 1_499))
    assert share(separate_classical(stereo(cluster), SAMPLE_RATE), "vocals") < 0.05


def test_a_pad_without_a_singer_is_not_taken_for_one():
    assert share(separate_classical(wide_pad(), SAMPLE_RATE), "vocals") < 0.05


# --- contracts of the recipe


@pytest.mark.parametrize("n_channels", [1, 2, 3])
@pytest.mark.parametrize("n_samples", [1, 2, 1_025, 10_007])
def test_stems_have_the_shape_of_the_mixture_and_sum_to_it(n_channels, n_samples):
    mixture = noise(n_channels, n_samples)
    stems = separate_classical(mixture, SAMPLE_RATE)
    assert tuple(sorted(stems)) == tuple(sorted(STEMS))
    assert all(stem.shape == mixture.shape and stem.dtype == np.float32 for stem in stems.values())
    np.testing.assert_allclose(sum(stems.values()), mixture, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [100, 8_000, 22_050, 48_000, 192_000])
def test_any_sample_rate_is_separated(sample_rate):
    mixture = noise(2, 9_001)
    stems = separate_classical(mixture, sample_rate)
    assert all(np.isfinite(stem).all() for stem in stems.values())
    np.testing.assert_allclose(sum(stems.values()), mixture, atol=1e-6)


def test_a_mono_mixture_gives_what_two_equal_channels_give():
    x = stereo(clicks() + singer())
    mono, both = separate_classical(x[:1], SAMPLE_RATE), separate_classical(x, SAMPLE_RATE)
    for stem in STEMS:
        np.testing.assert_allclose(mono[stem][0], both[stem][0], atol=2e-3)
        np.testing.assert_allclose(both[stem][0], both[stem][1], atol=1e-6)


def test_swapping_the_channels_swaps_them_in_every_stem():
    mixture = wide_pad()[:, :50_000] + noise(2, 50_000)
    stems, swapped = separate_classical(mixture, SAMPLE_RATE), separate_classical(mixture[::-1], SAMPLE_RATE)
    for stem in STEMS:
        np.testing.assert_allclose(swapped[stem], stems[stem][::-1], atol=1e-4)


@pytest.mark.parametrize("gain", [2.0**-20, 0.25, 8.0])
def test_a_gain_on_the_mixture_is_the_same_gain_on_every_stem(gain):
    mixture = stereo(clicks(2.0) + tone(70.0, 5, 2.0) + singer(2.0))
    stems, scaled = (separate_classical(x, SAMPLE_RATE) for x in (mixture, np.float32(gain) * mixture))
    for stem in STEMS:
        np.testing.assert_allclose(scaled[stem] / gain, stems[stem], atol=1e-6)


def test_silence_gives_silence():
    stems = separate_classical(np.zeros((2, 5_000), np.float32), SAMPLE_RATE)
    assert all(not stem.any() for stem in stems.values())


def test_sound_after_a_long_silence_leaves_no_trace_before_it():
    mixture = np.concatenate([np.zeros((2, 44_100), np.float32), stereo(clicks(1.0) + tone(300.0, 4, 1.0))], axis=1)
    for stem in separate_classical(mixture, SAMPLE_RATE).values():
        assert np.isfinite(stem).all()
        assert np.abs(stem[:, : 44_100 - 4_096]).max() < 1e-6


def test_the_same_mixture_gives_the_same_stems_and_is_left_alone():
    mixture = noise(2, 30_000)
    before = mixture.copy()
    first, second = separate_classical(mixture, SAMPLE_RATE), separate_classical(mixture, SAMPLE_RATE)
    np.testing.assert_array_equal(mixture, before)
    for stem in STEMS:
        np.testing.assert_array_equal(first[stem], second[stem])


@pytest.mark.parametrize("shape", [(0, 10), (2, 0), (100,)])
def test_what_is_not_audio_is_refused_with_its_shape(shape):
    with pytest.raises(AudioError, match="channels, samples"):
        separate_classical(np.zeros(shape, np.float32), SAMPLE_RATE)


def test_every_stem_of_the_demo_is_nearer_to_the_truth_than_the_mixture_is():
    demo = load_demo()
    stems = separate_classical(demo.mixture, demo.sample_rate)
    gains = {
        stem: si_sdr(stems[stem], demo.stems[true]) - si_sdr(demo.mixture, demo.stems[true])
        for stem, true in {"drums": "drums", "bass": "bass", "vocals": "voice", "other": "keys"}.items()
    }
    assert min(gains.values()) > 3
    assert np.mean([gains[stem] for stem in ("drums", "bass", "vocals")]) > 6  # dB; 8.4 when this was written


def test_importing_the_package_does_not_import_scipy():
    code = "import sys, separation, separation.metrics.reference; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("n", [16, 999, 2048, 6144])
def test_the_window_is_the_periodic_one_of_scipy(n):
    from scipy import signal

    assert np.array_equal(np.float32(hann(n)), np.float32(signal.windows.hann(n, sym=False)))
