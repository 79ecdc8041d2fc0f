"""Waveforms, resampling and channel counts."""

import numpy as np
import pytest

from separation.audio.waveform import STEREO_DOWNMIX, Waveform, resample, resample_blocks, to_channels
from separation.errors import AudioError, SettingsError


def sine(frequency_hz, sample_rate, duration_s=1.0):
    t = np.arange(round(duration_s * sample_rate)) / sample_rate
    return Waveform(np.sin(2 * np.pi * frequency_hz * t, dtype=np.float64)[None].astype(np.float32), sample_rate)


def noise(n_channels, n_samples, sample_rate=44_100):
    samples = np.random.default_rng(0).uniform(-1, 1, (n_channels, n_samples))
    return Waveform(samples.astype(np.float32), sample_rate)


def middle(waveform):
    """Away from the ends, where the filter meets the silence outside."""
    return waveform.samples[:, waveform.n_samples // 4 : -waveform.n_samples // 4]


@pytest.mark.parametrize("old, new", [(44_100, 48_000), (48_000, 44_100), (48_000, 16_000), (16_000, 48_000)])
def test_a_tone_below_nyquist_passes_in_place(old, new):
    frequency_hz = 0.4 * min(old, new)
    resampled, expected = resample(sine(frequency_hz, old), new), sine(frequency_hz, new)
    assert resampled.sample_rate == new
    np.testing.assert_allclose(middle(resampled), middle(expected), atol=2e-4)  # 17 640 Hz loses 0.0013 dB


def test_a_tone_above_the_new_nyquist_vanishes():
    assert np.abs(middle(resample(sine(10_000, 48_000), 16_000))).max() < 1e-4


def test_a_constant_stays():
    constant = Waveform(np.full((2, 44_100), 0.5, np.float32), 44_100)
    np.testing.assert_allclose(middle(resample(constant, 48_000)), 0.5, atol=1e-5)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 7, 4_409, 44_101])
@pytest.mark.parametrize("old, new", [(44_100, 48_000), (48_000, 44_100), (8_000, 192_000), (384_000, 48_000)])
def test_the_resampled_length_is_exact(n_samples, old, new):
    assert resample(noise(1, n_samples, old), new).n_samples == round(n_samples * new / old)


@pytest.mark.parametrize("block_samples", [1, 97, 4_096, 100_000])
@pytest.mark.parametrize("old, new", [(44_100, 48_000), (48_000, 16_000)])
def test_streamed_resampling_equals_the_whole(block_samples, old, new):
    whole = noise(2, 9_973, old)
    blocks = (whole.samples[:, start : start + block_samples] for start in range(0, whole.n_samples, block_samples))
    streamed = np.concatenate([*resample_blocks(blocks, 2, old, new)], axis=1)
    np.testing.assert_allclose(streamed, resample(whole, new).samples, atol=1e-6)


def test_resampling_to_its_own_rate_changes_nothing():
    waveform = noise(2, 1_000)
    np.testing.assert_array_equal(resample(waveform, 44_100).samples, waveform.samples)


@pytest.mark.parametrize("start, stop", [(-5, 3), (7, 15), (-20, -10), (30, 40), (-5, 25), (4, 4), (2, 9)])
def test_reading_outside_a_waveform_gives_silence(start, stop):
    waveform = noise(2, 10)
    padded = np.pad(waveform.samples, ((0, 0), (40, 40)))
    np.testing.assert_array_equal(waveform.read(start, stop), padded[:, start + 40 : stop + 40])


def test_what_was_read_is_a_copy():
    waveform = noise(1, 10)
    waveform.read(0, 10)[:] = 0
    assert waveform.samples.any()


@pytest.mark.parametrize(
    "samples, words",
    [
        (np.zeros(10, np.float32), "shape"),
        (np.zeros((2, 10)), "float64"),
        (np.zeros((0, 10), np.float32), "0 channels"),
        (np.zeros((9, 10), np.float32), "9 channels"),
        (np.array([[0, np.nan]], np.float32), "not a number"),
        (np.array([[0, -np.inf]], np.float32), "infinite"),
        ([[0.0]], "list"),
    ],
)
def test_an_array_that_is_not_a_waveform_is_refused(samples, words):
    with pytest.raises(AudioError, match=words):
        Waveform(samples, 44_100)


@pytest.mark.parametrize("sample_rate", [0, -1, 999, 768_001, 44_100.0, "44100", None])
def test_a_rate_that_makes_no_sense_is_refused(sample_rate):
    with pytest.raises(SettingsError, match="sample rate"):
        Waveform(np.zeros((1, 10), np.float32), sample_rate)


def test_a_waveform_is_contiguous_and_knows_its_length():
    waveform = Waveform(np.zeros((24_000, 2), np.float32).T, 48_000)
    assert waveform.samples.flags.c_contiguous
    assert (waveform.n_channels, waveform.n_samples, waveform.duration_s) == (2, 24_000, 0.5)


def test_mono_becomes_stereo_by_copying_and_stereo_mono_by_the_mean():
    stereo = noise(2, 50).samples
    mono = to_channels(stereo, 1)
    np.testing.assert_allclose(mono[0], (stereo[0] + stereo[1]) / 2, atol=1e-7)
    np.testing.assert_array_equal(to_channels(mono, 2), [mono[0], mono[0]])
    assert to_channels(stereo, 2) is stereo


@pytest.mark.parametrize("n_channels", STEREO_DOWNMIX)
def test_a_downmix_never_exceeds_the_peak_and_reaches_it(n_channels):
    mixed = to_channels(np.ones((n_channels, 4), np.float32), 2)
    np.testing.assert_allclose(mixed, 1, atol=1e-6)
    assert np.abs(to_channels(noise(n_channels, 1_000).samples, 2)).max() <= 1


@pytest.mark.parametrize("n_channels", STEREO_DOWNMIX)
def test_a_downmix_treats_left_as_right(n_channels):
    mirror = {3: [1, 0, 2], 4: [1, 0, 3, 2], 5: [1, 0, 2, 4, 3], 6: [1, 0, 2, 3, 5, 4], 7: [1, 0, 2, 3, 4, 6, 5]}
    mirror[8] = [1, 0, 2, 3, 5, 4, 7, 6]
    left, right = STEREO_DOWNMIX[n_channels]
    np.testing.assert_array_equal(left, right[mirror[n_channels]])


def test_surround_is_mixed_down_as_bs_775_says():
    def gains(channel):
        """Gain of one channel of 5.1 (L R C LFE Ls Rs) to the left and the right, relative to L's to the left."""
        impulse = np.zeros((6, 1), np.float32)
        impulse[channel] = 1
        left = np.zeros((6, 1), np.float32)
        left[0] = 1
        return (to_channels(impulse, 2) / to_channels(left, 2)[0])[:, 0]

    minus_3_db = 10 ** (-3.01 / 20)
    expected = [(1, 0), (0, 1), (minus_3_db, minus_3_db), (0, 0), (minus_3_db, 0), (0, minus_3_db)]
    np.testing.assert_allclose([gains(channel) for channel in range(6)], expected, atol=1e-3)


def test_other_channel_counts_are_refused():
    with pytest.raises(AudioError, match="9 channels"):
        to_channels(np.zeros((9, 4), np.float32), 2)
    with pytest.raises(SettingsError, match="cannot become 6"):
        to_channels(np.zeros((2, 4), np.float32), 6)
