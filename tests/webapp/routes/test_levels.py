"""Downloads over full scale: all of a result at one level, the same for one track and for the archive."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

from separation import Request, Waveform, decode, encode
from separation.audio.encode import FORMATS
from separation.engine.engine import Inline
from separation.results.kept import result_of
from separation.results.runs import import_recording, separate_recording
from tests.separation.audio.test_video import film, heard
from tests.support import run_fakes
from tests.support.damage import flip

PEAK = 4.0  # of the mixture; drums have four tenths of it, bass three, everything else the rest
GAIN = 10 ** (-1 / 20) / (0.4 * PEAK)
SHARES = {"drums": 0.4, "bass": 0.3, "everything else": 0.3}


@pytest.fixture
def recording(store, tmp_path):
    signs = np.random.default_rng(0).choice([-PEAK, PEAK], (2, 2 * run_fakes.RATE)).astype(np.float32)
    encode(Waveform(signs, run_fakes.RATE), tmp_path / "My song.wav")
    return import_recording(tmp_path / "My song.wav", store)


@pytest.fixture
def result(store, recording, monkeypatch):
    run_fakes.install(monkeypatch)
    *_, kept = separate_recording(recording, Request.of("drums", "bass"), store, Inline())
    return result_of(store.get(kept.key))


def sound(content):
    return soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0].T


def named(answer):
    return unquote(answer.headers["content-disposition"])


@pytest.mark.parametrize("rate", [0, 22_050])
@pytest.mark.parametrize("format_", [name for name in FORMATS if name != "wav32f"])
def test_one_track_is_the_same_file_as_in_the_archive_and_all_add_up(client, result, recording, format_, rate):
    how = {"format": format_, "rate": rate}
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/media/{result.key}/all.zip", params=how).content))
    alone = [client.get(f"/media/{result.key}/{track.id}/file", params=how) for track in result.tracks]
    tracks = [sound(answer.content) for answer in alone]
    for name, track in zip(archive.namelist()[:3], tracks, strict=True):  # Ogg numbers its streams at random
        assert np.array_equal(sound(archive.read(name)), track)
    assert "turned down by" in archive.read("notes.txt").decode()
    if format_ in ("wav24", "flac"):
        whole = sound(
            client.get(f"/media/{recording.key}/audio/file", params={"format": "wav32f", "rate": rate}).content
        )
        # In double precision: how far a sum of single ones is off depends on the processor.
        first, all_ = tracks[0].astype(np.float64), whole.astype(np.float64)
        gain = np.vdot(first, all_) / np.vdot(all_, all_) / 0.4
        assert gain == pytest.approx(GAIN, rel=1e-4) if not rate else gain < 0.95 * GAIN
        assert np.abs(sum(tracks) - gain * whole).max() < 1e-5
        assert max(np.abs(track).max() for track in tracks) == pytest.approx(10 ** (-1 / 20), abs=1e-4)


def test_the_name_of_a_file_that_is_turned_down_says_so(client, result, recording):
    db = f", {20 * np.log10(GAIN):.1f} dB"
    assert named(client.get(f"/media/{result.key}/0/file")).endswith(f"My song - drums - only{db}.wav")
    assert named(client.get(f"/media/{result.key}/all.zip")).endswith(f"- only{db}.zip")
    mix = client.get(f"/media/{result.key}/mix?track=0&gain_db=6&track=1&gain_db=-1000")
    assert named(mix).endswith(f"- mix{20 * np.log10(GAIN) - 6:.1f} dB.wav".replace("mix-", "mix, -"))
    for same in ("format=wav32f", "peak=clip", "peak=float"):
        assert "dB" not in named(client.get(f"/media/{result.key}/0/file?{same}"))


def test_a_mix_is_turned_down_by_itself(client, result):
    loud = client.get(f"/media/{result.key}/mix?track=0&gain_db=0&track=1&gain_db=0&track=2&gain_db=0&format=wav24")
    assert np.abs(sound(loud.content)).max() == pytest.approx(10 ** (-1 / 20), abs=1e-5)
    quiet = client.get(f"/media/{result.key}/mix?track=0&gain_db=-12&format=wav24")
    assert np.abs(sound(quiet.content)).max() == pytest.approx(0.4 * PEAK * 10 ** (-12 / 20), abs=1e-5)


def test_peaks_are_clipped_or_kept_as_floats_where_that_was_chosen(client, result):
    clipped, kept = (client.get(f"/media/{result.key}/0/file?format=wav24&peak={rule}") for rule in ("clip", "float"))
    assert np.abs(sound(clipped.content)).min() > 0.9999
    assert np.array_equal(sound(kept.content), decode(result.tracks[0].audio).waveform.samples)
    with zipfile.ZipFile(io.BytesIO(client.get(f"/media/{result.key}/all.zip?peak=float").content)) as archive:
        assert "32-bit float" in archive.read("notes.txt").decode()


@pytest.mark.parametrize("query", ["peak=limit", "peak=float&format=flac"])
@pytest.mark.parametrize("what", ["0/file?", "all.zip?", "mix?track=0&gain_db=0&"])
def test_what_cannot_be_done_about_peaks_is_refused(client, result, what, query):
    answer = client.get(f"/media/{result.key}/{what}{query}")
    assert answer.status_code == 422 and answer.json()["todo"].startswith("Choose")


def test_what_fits_is_neither_turned_down_nor_noted(client, store, result, tmp_path):
    song = import_recording(run_fakes.song(tmp_path / "quiet.wav"), store)
    *_, kept = separate_recording(song, Request.of("drums"), store, Inline())
    with zipfile.ZipFile(io.BytesIO(client.get(f"/media/{kept.key}/all.zip").content)) as archive:
        assert archive.namelist() == ["drums.wav", "without drums.wav", "manifest.toml"]
        drums = 0.4 * decode(song.audio).waveform.samples
        assert np.abs(sound(archive.read("drums.wav")) - drums).max() < 1e-6


@pytest.mark.parametrize("rate", [0, 22_050])
def test_damage_to_another_track_is_not_measured(client, store, result, rate):
    item = store.get(result.key)
    old = {name: value for name, value in item.manifest.info.items() if name != "peak"}  # nothing was measured before
    store.amend(result.key, replace(item.manifest, info=old))
    for at in range(44, 400, 4):
        flip(result.tracks[1].audio, at + 3)  # exponents
    answer = client.get(f"/media/{result.key}/0/file?rate={rate}")
    assert answer.status_code == 200
    assert np.abs(sound(answer.content)).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4), "drums are the loudest"


def test_the_sound_of_a_video_is_turned_down_too(client, store, tmp_path, monkeypatch):
    run_fakes.install(monkeypatch)
    recording = import_recording(film(tmp_path / "My film.mp4"), store)
    mix = f"/media/{recording.key}/mix?track=audio&gain_db=24&format=video"
    answer = client.get(mix)
    assert ", -" in named(answer) and named(answer).endswith(" dB.mp4")
    levels = []
    for content in (client.get(mix + "&peak=clip").content, answer.content):
        (tmp_path / "got.mp4").write_bytes(content)
        levels.append(np.abs(heard(tmp_path / "got.mp4")[0]))
    before = np.abs(heard(tmp_path / "My film.mp4")[0])
    crest = [np.sqrt((level**2).mean()) / level.max() for level in (before, *levels)]
    assert crest[2] == pytest.approx(crest[0], rel=0.1) and crest[1] > 1.2 * crest[0]
