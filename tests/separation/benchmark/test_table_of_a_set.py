"""The figure of a set of songs, as tables of MUSDB18 have it: medians of frames, then of songs.

museval 0.4.1 itself computed `MUSEVAL` once, of these songs (`museval.evaluate`, windows and hops of 1 s).
"""

from __future__ import annotations

import numpy as np
import pytest

from separation.benchmark.scores import scores_against_truth
from separation.metrics.sdr import median_over_tracks
from tests.support.kept_songs import RATE, a_song, separated

STEMS = ("vocals", "drums", "bass", "other")
N_SONGS, DURATION_S = 3, 5.5  # the last half second is no frame


def songs():
    """Songs of four stems, and what a separator with leaks makes of them; each stem is louder in some seconds."""
    rng = np.random.default_rng(1)
    n = round(DURATION_S * RATE)
    for song in range(N_SONGS):
        levels = np.repeat(10 ** rng.uniform(-2, -0.5, (4, 6)), RATE, axis=1)[:, None, :n]
        stems = dict(zip(STEMS, levels * rng.standard_normal((4, 2, n)), strict=True))
        leaks = rng.uniform(0.05, 0.4, 4)
        if song == 1:
            stems["drums"][:, RATE : 2 * RATE] = 0  # a second that counts for no stem of this song
        whole = sum(stems.values())
        yield stems, {name: own + leak * (whole - own) for leak, (name, own) in zip(leaks, stems.items(), strict=True)}


def by_the_formula(stems, estimates):
    """museval's SDR, written anew: (stems, frames) of dB, without frames in which anything is silent."""
    n = RATE * int(DURATION_S)
    s = np.stack([own[:, :n] for own in stems.values()]).astype(np.float32).astype(float)
    e = np.stack([own[:, :n] for own in estimates.values()]).astype(np.float32) - s
    s, e = (x.reshape(4, 2, -1, RATE) for x in (s, e))
    counts = s.sum(axis=1).any(axis=-1).all(axis=0) & (s + e).sum(axis=1).any(axis=-1).all(axis=0)
    s, e = s[:, :, counts], e[:, :, counts]
    return 10 * np.log10((s**2).sum(axis=(1, 3)) / (e**2).sum(axis=(1, 3)))


MUSEVAL = {"vocals": 1.363287, "drums": 15.314299, "bass": 3.764968, "other": -1.304306}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("musdb")
    found = []
    for index, (stems, estimates) in enumerate(songs()):
        recording, truth = a_song(folder / f"{index}", stems)
        found.append(scores_against_truth(separated(folder / f"{index} out", recording, estimates), recording, truth))
    return found


def test_each_song_has_the_median_of_its_frames(measured):
    for found, song in zip(measured, songs(), strict=True):
        frames = by_the_formula(*song)
        assert found.n_dropped_frames == 5 - frames.shape[1]
        assert [found.tracks[name].sdr_db for name in STEMS] == pytest.approx(np.median(frames, axis=1), abs=1e-4)
    assert [found.n_dropped_frames for found in measured] == [0, 1, 0]


def test_the_set_has_the_median_of_its_songs_as_museval_has_it(measured):
    table = [np.median(by_the_formula(*song), axis=1) for song in songs()]
    for index, name in enumerate(STEMS):
        figure = median_over_tracks([found.tracks[name].sdr_db for found in measured])
        assert figure == pytest.approx(np.median([row[index] for row in table]), abs=1e-4)
        assert figure == pytest.approx(MUSEVAL[name], abs=1e-4)
