"""What a recorder has left out is silence, so that everything after it keeps its time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from separation.audio.decode import decode
from separation.audio.decoding.gaps import Gaps
from separation.audio.decoding.reader import AudioInfo
from tests.support.odd_files import RATE, muxed

CLICK_S = 2.0


def clicked():
    samples = np.zeros((3 * RATE, 2), np.float32)
    samples[round(CLICK_S * RATE) :][:2_000] = 0.5 * np.sin(np.arange(2_000) / 5)[:, None]
    return samples


@pytest.mark.parametrize(
    ("container", "codec"),
    [("matroska", "flac"), ("webm", "libopus"), ("ipod", "aac"), ("mpegts", "aac"), ("flv", "aac")],
)
def test_what_follows_a_gap_keeps_its_time(tmp_path, container, codec):
    path = tmp_path / "call"
    path.write_bytes(muxed(container, codec, samples=clicked(), lost_s=(0.5, 1.7)))
    decoded = decode(path)
    sound = decoded.waveform
    slower = RATE / sound.sample_rate  # `muxed` lets Opus play the samples at 48 kHz
    first = np.flatnonzero(np.abs(sound.samples[0]) > 0.1)[0]
    assert first / sound.sample_rate == pytest.approx(CLICK_S * slower, abs=0.06)  # up to two frames early or late
    assert sound.n_samples / sound.sample_rate == pytest.approx(3 * slower, abs=0.08)
    (said,) = decoded.warnings
    assert said.startswith("The sound has 1 gap, 1.") and "became silence" in said


def gaps(format="matroska,webm", n_samples=None):
    return Gaps(
        AudioInfo(format=format, codec="", sample_rate=1_000, n_channels=1, n_samples=n_samples, decoder="pyav")
    )


@pytest.mark.parametrize(
    ("jump_s", "n_missing"),
    [(0, 0), (0.09, 0), (-5, 0), (0.11, 110), (60, 60_000), (7_200, 0), (math.inf, 0), (math.nan, 0)],
)
def test_clocks_may_drift_and_stamps_may_be_wrong(jump_s, n_missing):
    found = gaps()
    assert found.before(100.0, 20) == 0, "a sound may begin late"
    assert found.before(100.02 + jump_s, 20) == n_missing
    assert bool(found.warnings()) == bool(n_missing)


def test_a_frame_without_a_stamp_follows_the_one_before():
    found = gaps()
    assert [found.before(time_s, 20) for time_s in (None, 0.0, None, 0.04, 0.26)] == [0, 0, 0, 0, 200]


def test_what_is_too_short_for_a_gap_is_made_good_at_the_next_one():
    found = gaps()
    # Frames of 20 ms: two lost pieces of 60 ms, a stamp that is 30 ms early, a gap of 280 ms.
    assert [found.before(time_s, 20) for time_s in (0.0, 0.08, 0.16, 0.15, 0.45)] == [0, 0, 0, 0, 370]


def test_a_clock_that_drifts_makes_no_gap():
    found = gaps()
    assert not any(found.before(n * 0.0201, 20) for n in range(10_000))


def test_no_more_is_filled_than_the_sound_is_said_to_have():
    found = gaps(n_samples=1_000)
    assert [found.before(time_s, 100) for time_s in (0.0, 0.6, 2.0)] == [0, 500, 0]


@pytest.mark.parametrize("format", ["avi", "mp3", "aac", "wav"])
def test_stamps_that_are_counted_say_nothing(format):
    found = gaps(format)
    assert [found.before(time_s, 100) for time_s in (0.0, 5.0)] == [0, 0]
