"""What is heard of a side, measured as another program measures what comes out of the speakers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.comparing.heard import MIX, HeardTrack, difference_db, lufs_of, lufs_of_passages, opened, stem_of
from separation.comparing.matching import matched
from separation.errors import AudioError
from tests.support.studio_values import a_recording, a_result

RATE = 44_100


def noise(seed, level, n_channels=2, duration_s=4.0):
    samples = np.random.default_rng(seed).standard_normal((n_channels, round(duration_s * RATE)))
    return (level * samples).astype(np.float32)


@pytest.fixture
def keep(tmp_path):
    def kept(samples, gain=1.0) -> HeardTrack:
        path: Path = tmp_path / f"{len(list(tmp_path.iterdir()))}.wav"
        encode(Waveform(samples, RATE), path, "wav32f")
        return HeardTrack(audio=path, gain=gain)

    return kept


def played(tracks, gain_db, start_s=0.0, end_s=4.0):
    """The samples at the speakers, (2, n)."""
    with opened(tracks) as source:
        samples = source.read(round(start_s * RATE), round(end_s * RATE))
    return np.broadcast_to(samples, (2, samples.shape[1])) * 10 ** (gain_db / 20)


def measured(samples):
    return pyloudnorm.Meter(RATE).integrated_loudness(np.ascontiguousarray(samples.T))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([noise(1, 0.1)], [noise(2, 0.03)]),
        ([noise(1, 0.1, n_channels=1)], [noise(2, 0.1)]),
        ([noise(1, 0.05), noise(2, 0.05)], [noise(1, 0.05), -noise(2, 0.02)]),
        ([noise(1, 0.1), noise(3, 1e-6)], [noise(2, 0.05), noise(4, 0.01)]),
    ],
    ids=["stems", "mono against stereo", "mixes", "a nearly silent stem in a mix"],
)
@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 4.0), (1.0, 1.4)])
def test_matched_sides_are_equally_loud_at_the_speakers(keep, a, b, start_s, end_s):
    sides = [[keep(samples) for samples in side] for side in (a, b)]
    gains_db = [one.gain_db for one in matched([lufs_of(side, start_s, end_s) for side in sides])]
    loud = [measured(played(side, down, start_s, end_s)) for side, down in zip(sides, gains_db, strict=True)]
    assert min(gains_db) < 0, "something was to be done"
    assert loud[0] == pytest.approx(loud[1], abs=0.1)


def test_several_passages_are_as_loud_as_if_they_followed_each_other(keep):
    rising = noise(1, 0.3, duration_s=20.0) * np.linspace(0.05, 1, 20 * RATE, dtype=np.float32)
    passages_s = [(0.0, 7.0), (9.0, 10.5), (12.0, 19.0)]
    joined = np.concatenate([rising[:, round(a * RATE) : round(b * RATE)] for a, b in passages_s], axis=1)
    assert lufs_of_passages([keep(rising)], passages_s) == pytest.approx(measured(joined), abs=0.05)
    assert lufs_of_passages([keep(rising)], [(18.0, 25.0)]) == pytest.approx(lufs_of([keep(rising)], 18.0), abs=0.01)
    assert lufs_of_passages([keep(rising, gain=0.0)], passages_s) == -math.inf


def test_a_nearly_silent_stem_turns_nothing_down(keep):
    music, hiss = keep(noise(1, 0.1)), keep(noise(2, 1e-5))
    assert [one.gain_db for one in matched([lufs_of([music]), lufs_of([hiss])])] == [0, 0]
    both = matched([lufs_of([music, hiss]), lufs_of([music])])
    assert [one.gain_db for one in both] == pytest.approx([0, 0], abs=0.01)


def test_the_faders_count(keep):
    samples = noise(1, 0.1)
    assert lufs_of([keep(samples, gain=0.5)]) == pytest.approx(lufs_of([keep(samples)]) - 6.02, abs=0.01)


def test_silence_and_nothing_are_silent(keep):
    assert lufs_of([]) == lufs_of([keep(0 * noise(1, 1))]) == lufs_of([keep(noise(1, 1), gain=0.0)]) == -math.inf


def test_a_file_that_is_gone_is_said(tmp_path):
    with pytest.raises(AudioError):
        lufs_of([HeardTrack(audio=tmp_path / "gone.wav")])


def test_a_stem_is_one_track_and_the_mix_all_of_them():
    result, recording = a_result("drums", tracks=("drums", "everything else")), a_recording()
    assert [track.audio for track in stem_of(result, "drums")] == [result.tracks[0].audio]
    assert [track.audio for track in stem_of(result, MIX)] == [track.audio for track in result.tracks]
    assert [track.audio for track in stem_of(recording, "drums")] == [recording.audio]
    assert stem_of(result, "bass") == ()


def test_the_whole_is_measured_from_its_first_sample_on(keep):
    samples = noise(1, 0.01)
    samples[:, : RATE // 2] *= 30
    assert lufs_of([keep(samples)]) > lufs_of([keep(samples)], 1.0) + 10


# the difference of two sides


def test_equal_sides_leave_nothing_and_a_quieter_one_what_it_lacks(keep):
    a = keep(noise(1, 0.1))
    assert difference_db([a], [a]) == -math.inf
    assert difference_db([a], [a.turned(0.9)]) == pytest.approx(-20, abs=0.01)
    assert difference_db([a], [a.turned(-1)]) == pytest.approx(6.02, abs=0.01)


def test_a_side_that_is_made_of_parts_is_their_sum(keep):
    one, other = noise(1, 0.1), noise(2, 0.1)
    assert difference_db([keep(one), keep(other)], [keep(one + other)]) < -120


def test_mono_is_the_same_in_both_channels(keep):
    mono = noise(1, 0.1, n_channels=1)
    assert difference_db([keep(mono)], [keep(np.tile(mono, (2, 1)))]) == -math.inf


def test_a_difference_is_that_of_the_passage(keep):
    a = noise(1, 0.1)
    b = a.copy()
    b[:, 2 * RATE :] *= 2
    sides = [keep(a)], [keep(b)]
    assert difference_db(*sides, 0.0, 2.0) == -math.inf
    assert difference_db(*sides, 2.0, 4.0) == pytest.approx(0, abs=0.01)
    assert difference_db(*sides) == pytest.approx(-3.01, abs=0.05)


def test_a_side_that_ends_early_is_silent_from_there_on(keep):
    a = noise(1, 0.1)
    assert difference_db([keep(a)], [keep(a[:, : 2 * RATE])]) == pytest.approx(-3.01, abs=0.05)
    assert difference_db([keep(a[:, : 2 * RATE])], [keep(a)]) == pytest.approx(0, abs=0.05)


def test_beside_silence_everything_is_left_and_beside_nothing_there_is_no_level(keep):
    a, silent = keep(noise(1, 0.1)), keep(0 * noise(1, 1))
    assert difference_db([a], [silent]) == pytest.approx(0, abs=1e-6)
    assert difference_db([silent], [a]) == math.inf
    assert difference_db([], [a]) == difference_db([a], []) == 0.0
