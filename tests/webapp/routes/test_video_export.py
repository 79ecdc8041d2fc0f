"""A video that was brought is downloaded with the sound that was chosen."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from separation import Request
from separation.engine.engine import Inline
from separation.results.runs import import_recording, separate_recording
from tests.separation.audio.test_video import CLICK_S, FPS, film, heard, packets, where
from tests.support import run_fakes


@pytest.fixture
def recording(store, tmp_path):
    return import_recording(film(tmp_path / "My film.mp4", picture_starts_s=0.2), store)


def test_a_stem_and_a_mix_are_downloaded_with_the_picture(client, store, recording, monkeypatch, tmp_path):
    run_fakes.install(monkeypatch)
    *_, kept = separate_recording(recording, Request.of("drums"), store, Inline())  # four tenths of the mixture
    mix = "mix?track=0&gain_db=-120&track=1&gain_db=0&format=video"
    for path, name, level in (
        (f"{kept.key}/0/file?format=video", "My film - drums - only.mp4", 0.4),
        (f"{kept.key}/{mix}", "My film - drums - only - mix.mp4", 0.6),
        (f"{recording.key}/audio/file?format=video", "''My film.mp4", 1.0),
    ):
        answer = client.get(f"/media/{path}")
        assert answer.status_code == 200 and answer.headers["content-type"] == "video/mp4"
        assert unquote(answer.headers["content-disposition"]).endswith(name)
        (tmp_path / "got.mp4").write_bytes(answer.content)
        assert packets(tmp_path / "got.mp4") == packets(tmp_path / "My film.mp4")
        sound, rate, start_s = heard(tmp_path / "got.mp4")
        before, _, _ = heard(tmp_path / "My film.mp4")
        assert where(sound, rate) + start_s == pytest.approx(CLICK_S, abs=1 / FPS)
        assert abs(sound).max() / abs(before).max() == pytest.approx(level, abs=0.15)


def test_a_song_has_no_picture_to_join(client, store, tmp_path):
    song = import_recording(run_fakes.song(tmp_path / "song.wav"), store)
    answer = client.get(f"/media/{song.key}/audio/file?format=video")
    assert answer.status_code == 422 and "has no picture" in answer.json()["what"]


def test_the_picture_is_no_track_to_be_heard(client, recording):
    assert client.get(f"/media/{recording.key}/video/pcm?start=0&count=1").status_code == 404
