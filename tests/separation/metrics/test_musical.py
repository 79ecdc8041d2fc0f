"""Music or talk: on songs and talks made here."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr

from assets.demo_recording import load_demo
from separation.audio.content import Content
from separation.audio.waveform import Waveform
from separation.metrics.musical import content_of, listen
from tests.support.songs_and_talks import song, talk
from tests.support.speaker import RATE, speaker


@pytest.mark.long
def test_of_20_songs_and_20_talks_at_least_38_are_told_apart():
    songs = [listen(Waveform(song(seed), RATE)).is_music for seed in range(20)]
    talks = [not listen(Waveform(talk(seed), RATE)).is_music for seed in range(20)]
    assert sum(songs) + sum(talks) >= 38


def test_the_demo_is_music_with_and_without_its_drums():
    demo = load_demo()
    assert listen(Waveform(demo.mixture, demo.sample_rate)).is_music
    assert listen(Waveform(demo.mixture - demo.stems["drums"], demo.sample_rate)).is_music


def test_the_level_and_the_rate_make_no_difference():
    for samples, is_music in ((song(1), True), (talk(1), False)):
        assert listen(Waveform(samples * np.float32(0.01), RATE)).is_music == is_music
        at_8_khz = soxr.resample(samples.T, RATE, 8_000).T.astype(np.float32)
        assert listen(Waveform(at_8_khz, 8_000)).is_music == is_music


def test_silence_and_what_is_too_short_say_nothing():
    assert listen(Waveform(np.zeros((2, 5 * RATE), np.float32), RATE)) is None
    assert listen(Waveform(speaker(0.3)[None], RATE)) is None
    assert listen(Waveform(np.zeros((1, 1), np.float32), RATE)) is None


def test_most_of_a_recording_decides():
    mixed = np.concatenate([talk(2), song(2)[:1, : 7 * RATE]], axis=1)
    heard = listen(Waveform(mixed, RATE))
    assert 0 < heard.n_musical < heard.n_passages and not heard.is_music


def test_a_long_recording_is_not_read_as_a_whole():
    class Long:
        sample_rate, n_channels, n_samples, n_read = 8_000, 1, 3600 * 8_000, 0

        def read(self, start, stop):
            self.n_read += stop - start
            return np.random.default_rng(start).normal(0, 0.1, (1, stop - start)).astype(np.float32)

    assert not listen(hour := Long()).is_music
    assert hour.n_read <= 60 * 8_000


def test_a_file_is_listened_to(tmp_path):
    soundfile.write(tmp_path / "talk.wav", talk(0).T, RATE)
    assert content_of(tmp_path / "talk.wav").n_passages == 4


def test_half_of_the_passages_make_it_music():
    assert Content(2, 1).is_music and not Content(3, 1).is_music
