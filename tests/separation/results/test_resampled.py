"""A recording at another rate is a recording of its own, with the same sound."""

from __future__ import annotations

import numpy as np
import pytest

from separation import decode
from separation.audio.encode import encode
from separation.audio.waveform import Waveform, resample
from separation.results.kept import recording_of
from separation.results.resampled import resampled
from separation.results.runs import import_recording

RATE = 48_000


@pytest.fixture
def recording(tmp_path, store):
    """Seven seconds, longer than a block."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 7 * RATE)).astype(np.float32)
    encode(Waveform(samples, RATE), tmp_path / "song.wav", "wav32f")
    return import_recording(tmp_path / "song.wav", store)


def test_it_sounds_like_the_whole_at_once_and_the_original_stays(recording, store):
    other = resampled(recording, 44_100, store)
    whole = resample(decode(recording.audio).waveform, 44_100)
    np.testing.assert_array_equal(decode(other.audio).waveform.samples, whole.samples)
    assert (other.sample_rate, other.n_samples, other.n_channels) == (44_100, 7 * 44_100, 2)
    assert other.name == "song.wav at 44.1 kHz" and other.warnings == ("Resampled from 48 kHz.",)
    assert other.peaks.stat().st_size == 2 * -(-other.n_samples // 256)
    assert other.key != recording.key and recording_of(store.get(recording.key)) == recording


def test_it_is_kept_once(recording, store):
    first = resampled(recording, 44_100, store)
    assert resampled(recording, 44_100, store) == first
    assert len(store.list("recording")) == 2


def test_at_its_own_rate_it_is_itself(recording, store):
    assert resampled(recording, RATE, store) is recording
