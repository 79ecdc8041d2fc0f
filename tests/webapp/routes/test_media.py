from __future__ import annotations

import errno
import io
import shutil
import tempfile
import tomllib
import zipfile
from collections import namedtuple
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assets.demo_recording import load_demo
from separation import Request, decode
from separation.audio.encode import FORMATS
from separation.engine.engine import Inline
from separation.events import ChunkFinished, Growing
from separation.results.kept import recording_of, result_of
from separation.results.runs import import_recording, separate_recording
from storage import JobRecord
from tests.support import odd_files, run_fakes
from tests.support.store_files import in_the_making
from webapp.routes import media
from webapp.state.job import Job
from webapp.state.uploads import Uploads


class Making:
    """What is being made: one job at most."""

    job: Job | None = None

    def growing(self, result):
        growing = self.job is not None and self.job.growing is not None and self.job.growing.key == result
        return self.job if growing and self.job.n_ready else None


@pytest.fixture
def making():
    return Making()


@pytest.fixture
def client(store, making, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    app = FastAPI()
    media.add_media_routes(app, store, making, Uploads())
    with TestClient(app) as client:  # an unforeseen error is raised here, so a traceback cannot pass for an answer
        yield client
    assert list((tmp_path / "tmp").iterdir()) == [], "downloads clean up after themselves"


@pytest.fixture
def recording(store, tmp_path):
    return import_recording(run_fakes.song(tmp_path / "My song.wav"), store)


@pytest.fixture
def result(store, recording, monkeypatch):
    run_fakes.install(monkeypatch)
    *_, kept = separate_recording(recording, Request.of("drums?", "drums!"), store, Inline())
    return result_of(store.get(kept.key))


def window(client, recording, start, count, track="audio"):
    answer = client.get(f"/media/{recording.key}/{track}/pcm", params={"start": start, "count": count})
    assert answer.status_code == 200
    return np.frombuffer(answer.content, "<f4").reshape(-1, recording.n_channels).T


def upload(client, content, name="song.wav", **options):
    return client.put("/api/uploads", params={"name": name}, content=content, **options)


def empty(store):
    return in_the_making(store) == []


# What the player asks for


@pytest.mark.parametrize(("start", "count"), [(0, 1), (0, 16_000), (7, 1999), (15_999, 1)])
def test_a_window_holds_the_samples_interleaved(client, recording, start, count):
    samples = decode(recording.audio).waveform.samples
    assert np.array_equal(window(client, recording, start, count), samples[:, start : start + count])


@pytest.mark.parametrize(
    ("start", "count", "n_samples"),
    [(15_990, 100, 10), (16_000, 5, 0), (10**30, 5, 0), (-5, 3, 3), (0, -7, 0), (0, 0, 0), (0, 10**30, 16_000)],
)
def test_a_window_never_leaves_the_recording(client, recording, start, count, n_samples):
    assert window(client, recording, start, count).shape == (2, n_samples)


def test_a_window_is_bounded(client, recording, monkeypatch):
    monkeypatch.setattr(media, "MAX_WINDOW_SAMPLES", 100)
    assert window(client, recording, 10, 10_000).shape == (2, 100)


@pytest.mark.parametrize("query", ["", "?start=0", "?start=a&count=1", "?start=0.5&count=1", "?start=nan&count=1"])
def test_a_window_without_whole_numbers_is_refused(client, recording, query):
    assert client.get(f"/media/{recording.key}/audio/pcm{query}").status_code == 422


def test_peaks_are_those_kept_and_may_stay_in_the_browser(client, recording):
    answer = client.get(f"/media/{recording.key}/audio/peaks")
    assert answer.content == recording.peaks.read_bytes()
    assert "immutable" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]


@pytest.mark.parametrize("what", ["pcm?start=0&count=1", "peaks", "file"])
def test_what_is_not_in_the_library_is_not_found(client, recording, what):
    outside = "..%2F..%2F..%2Fetc%2Fpasswd"
    keys = ("0" * 65, "nonsense", recording.key.upper(), "..", "%2e%2e", outside, f"{recording.key}%00")
    tracks = ("0", "audio.peaks", "", "..", outside, "%00", "audio%00", "é", "-1", "9" * 5000)
    for key in keys:
        assert client.get(f"/media/{key}/audio/{what}").status_code == 404
    for track in tracks:
        assert client.get(f"/media/{recording.key}/{track}/{what}").status_code == 404
    for download in ("audio/file", "all.zip"):
        assert client.get(f"/media/{'0' * 64}/{download}").status_code == 404


@pytest.mark.parametrize("what", ["pcm?start=0&count=1", "peaks", "spectrogram/0/0"])
def test_a_page_that_asks_for_what_was_deleted_meanwhile_gets_nothing_and_no_error(client, store, recording, what):
    address = f"/media/{recording.key}/audio/{what}"
    there = client.get(address)
    store.trash(recording.key)
    gone = client.get(address)
    assert (there.status_code, gone.status_code, gone.content) == (200, 204, b"")
    assert gone.headers["cache-control"] == "no-store", "it may be brought back"
    store.restore(recording.key)
    assert client.get(address).content == there.content


@pytest.mark.parametrize("what", ["pcm?start=0&count=1", "peaks", "spectrogram/0/0"])
def test_a_page_that_asks_for_an_upload_or_a_result_that_was_cancelled_gets_nothing_and_no_error(client, what):
    for key in ("0" * 32, "0" * 64):
        assert client.get(f"/media/{key}/audio/{what}").status_code == 204


# Downloads


@pytest.mark.parametrize("format_", FORMATS)
def test_a_download_opens_and_is_the_sound(client, recording, format_):
    answer = client.get(f"/media/{recording.key}/audio/file", params={"format": format_})
    assert answer.headers["content-type"] == FORMATS[format_].mime_type
    name = f"My song.wav{FORMATS[format_].extension}"
    assert unquote(answer.headers["content-disposition"]).endswith(name)
    kept = decode(recording.audio).waveform.samples.T
    sound, _ = soundfile.read(io.BytesIO(answer.content), always_2d=True)
    assert sound.shape == kept.shape
    step = {"wav16": 2**-14, "wav24": 2**-22, "wav32f": 1e-9, "flac": 2**-22}.get(format_)
    if step:
        assert np.abs(sound - kept).max() < step
    else:  # lossy codecs keep the shape of noise in its lower half only
        assert np.corrcoef(sound[:, 0], kept[:, 0])[0, 1] > 0.7


def test_an_unknown_format_says_which_there_are(client, recording):
    for path in ("audio/file", "all.zip"):
        answer = client.get(f"/media/{recording.key}/{path}", params={"format": "aiff"})
        assert answer.status_code == 422
        assert "wav24" in answer.json()["todo"]


def test_the_archive_has_one_file_for_each_track_and_the_manifest(client, result):
    answer = client.get(f"/media/{result.key}/all.zip", params={"format": "wav32f"})
    assert unquote(answer.headers["content-disposition"]).endswith("My song - drums_, drums_ - only.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        # “drums?” and “drums!” would be one file name.
        assert archive.namelist() == ["drums_.wav", "drums_ (2).wav", "everything else.wav", "manifest.toml"]
        for index, name in enumerate(archive.namelist()[:3]):
            sound, _ = soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")
            assert np.array_equal(sound.T, decode(result.tracks[index].audio).waveform.samples)
        manifest = tomllib.loads(archive.read("manifest.toml").decode())
    assert manifest["config"]["prompts"][0]["text"] == "drums?"
    assert manifest["inputs"]["recording"] == result.recording


def test_one_track_is_called_in_a_download_as_it_is_in_the_archive(client, result):
    answer = client.get(f"/media/{result.key}/1/file")
    assert unquote(answer.headers["content-disposition"]).endswith("My song - drums_ (2) - only.wav")


def test_the_mix_is_the_sum_of_what_the_mixer_lets_through(client, result, recording):
    tracks = {"track": ["audio", "1"], "gain_db": [0.0, -6.0], "pan": [0.0, 0.0], "format": "wav32f"}
    answer = client.get(f"/media/{result.key}/mix", params=tracks)
    assert unquote(answer.headers["content-disposition"]).endswith("My song - drums_, drums_ - only - mix.wav")
    sound, _ = soundfile.read(io.BytesIO(answer.content), dtype="float32", always_2d=True)
    mixture = decode(recording.audio).waveform.samples
    expected = mixture + 10 ** (-6 / 20) * decode(result.tracks[1].audio).waveform.samples
    assert pytest.approx(expected, abs=1e-6) == sound.T


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"track": ["0", "1"], "gain_db": [0.0]}, 422),
        ({"track": ["7"], "gain_db": [0.0]}, 404),
        ({"track": ["0"] * 200, "gain_db": [0.0] * 200}, 422),
        ({"track": ["0"], "gain_db": ["loud"]}, 422),
        ({"track": ["0"], "gain_db": [0.0], "rate": 7}, 422),
        ({}, 422),
    ],
)
def test_a_mix_that_cannot_be_is_refused(client, result, query, status):
    assert client.get(f"/media/{result.key}/mix", params=query).status_code == status


def test_a_download_has_the_rate_that_was_chosen(client, result):
    answer = client.get(f"/media/{result.key}/0/file", params={"format": "wav24", "rate": 22_050})
    sound, rate = soundfile.read(io.BytesIO(answer.content))
    kept = decode(result.tracks[0].audio).waveform
    assert rate == 22_050 and abs(len(sound) - kept.n_samples * 22_050 / kept.sample_rate) <= 1


def test_the_archive_outlives_its_recording(client, store, recording, result):
    store.remove(recording.key)
    answer = client.get(f"/media/{result.key}/all.zip")
    assert unquote(answer.headers["content-disposition"]).endswith("stems - drums_, drums_ - only.zip")


# Uploads


def test_an_uploaded_song_is_in_the_library(client, store):
    answer = upload(client, odd_files.stored("FLAC"), "my song.flac")
    assert answer.status_code == 200
    about = answer.json()
    assert (about["name"], about["warnings"]) == ("my song.flac", [])
    assert window(client, recording_of(store.get(about["key"])), 0, 10).shape == (2, 10)
    assert empty(store)


BROKEN = {
    "empty": b"",
    "text": b"no audio at all\n" * 100,
    "noise": odd_files.noise_bytes(),
    "cut header": odd_files.stored("WAV")[:20],
    "header alone": odd_files.stored("WAV")[:44],
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(5000),
    "archive": b"PK\x03\x04" + bytes(5000),
    "midi": b"MThd\x00\x00\x00\x06" + bytes(100),
    "flac without sound": odd_files.flac_without_frames(),
    "not a number": odd_files.with_values(float("nan"), 1.0),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_upload_says_what_why_and_what_to_do(client, store, content):
    answer = upload(client, content)
    assert answer.status_code == 422
    said = answer.json()
    assert set(said) == {"what", "why", "todo"} and all(said.values())
    assert "Traceback" not in answer.text and str(store.scratch_folder) not in answer.text
    assert store.list() == [] and empty(store)


@pytest.mark.parametrize("announced", ["99999999999999", "-1", "nonsense", "5", "0"])
def test_a_lying_length_is_not_believed(client, store, announced, monkeypatch):
    monkeypatch.setattr(media, "MAX_UPLOAD_BYTES", 300_000)
    answer = upload(client, odd_files.stored("WAV"), headers={"content-length": announced})
    if announced == "99999999999999":  # refused before a byte is read
        assert answer.status_code == 422 and "too large" in answer.json()["what"]
    else:
        assert answer.status_code == 200
    assert empty(store)


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}])
def test_a_body_over_the_limit_is_refused_whatever_it_announced(client, store, headers, monkeypatch):
    monkeypatch.setattr(media, "MAX_UPLOAD_BYTES", 1000)
    answer = upload(client, odd_files.stored("WAV"), headers=headers)
    assert answer.status_code == 422
    assert "too large" in answer.json()["what"]
    assert store.list() == [] and empty(store)


def test_a_refused_upload_is_called_by_the_name_its_owner_knows(client):
    answer = client.put("/api/uploads", params={"name": "my song.wav"}, content=b"no audio at all")
    assert "“my song.wav”" in answer.json()["what"]


def test_a_full_disk_refuses_uploads_in_words(client, store, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, media.DISK_RESERVE_BYTES + 1000))
    answer = upload(client, odd_files.stored("WAV"))
    assert answer.status_code == 422
    assert "no room" in answer.json()["what"]
    assert empty(store)


def test_a_disk_that_fills_up_during_an_upload_is_said_in_words(client, store, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    usual = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", *a, **k: Full() if mode == "wb" else usual(path, mode, *a, **k)
    )
    answer = upload(client, odd_files.stored("WAV"))
    assert answer.status_code == 503
    assert "No space left" in answer.json()["why"]
    assert store.list() == [] and empty(store)


def test_a_store_without_room_answers_in_words(client, store):
    store.limit_bytes = 1000
    answer = upload(client, odd_files.stored("WAV"))
    assert answer.status_code == 503
    assert "no room" in answer.json()["what"]
    assert empty(store)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie: x=1"),
        ("🥁 drüms.wav", "🥁 drüms.wav"),
        ("x" * 500, "x" * 200),
        ("\x00\x1b[31m", "[31m"),
        ("", "recording"),
        ("<img src=x>.wav", "<img src=x>.wav"),
    ],
)
def test_a_name_is_display_text_and_nothing_else(client, store, name, shown, tmp_path):
    about = upload(client, odd_files.stored("WAV"), name).json()
    assert about["name"] == shown
    answer = client.get(f"/media/{about['key']}/audio/file")
    attached = answer.headers["content-disposition"]
    assert attached.isascii() and "\n" not in attached and "set-cookie" not in answer.headers
    assert "/" not in unquote(attached.split("''")[1])
    assert all(path.is_relative_to(tmp_path / "home") for path in store.get(about["key"]).files.values())


def test_the_same_song_twice_is_one_recording(client, store):
    keys = {upload(client, odd_files.stored("WAV"), name).json()["key"] for name in ("a", "b")}
    assert len(keys) == len(store.list()) == 1


def test_the_demo_is_a_recording_like_any_other(client, store):
    about = client.post("/api/demo").json()
    demo = load_demo()
    assert (
        np.abs(window(client, recording_of(store.get(about["key"])), 0, 1000) - demo.mixture[:, :1000]).max() < 2**-22
    )
    assert client.post("/api/demo").json()["key"] == about["key"]
    assert empty(store)


def test_the_report_of_a_result_is_yaml_that_names_its_recording(client, result, recording):
    answer = client.get(f"/media/{result.key}/report.yaml")
    assert answer.status_code == 200
    assert unquote(answer.headers["content-disposition"]).endswith("drums_, drums_.report.yaml")
    report = yaml.safe_load(answer.text)
    assert report["file"] == recording.name
    assert report["chunks"]["total"] == report["chunks"]["computed"] + report["chunks"]["from_store"]
    assert report["settings"]["prompts"][0]["text"] == "drums?"
    assert client.get(f"/media/{'0' * 64}/report.yaml").status_code == 404


# What is heard while it is made


def test_tracks_are_heard_and_drawn_while_they_are_made_under_the_address_they_keep(
    client, store, making, recording, monkeypatch
):
    run_fakes.install(monkeypatch)
    made = separate_recording(recording, Request.of("drums?", "drums!"), store, Inline())
    making.job = Job(record=JobRecord(id="1", recording=recording.key, recording_name="song", prompts=(), request={}))
    heard = []
    for event in made:
        making.job.note(event)
        if isinstance(event, ChunkFinished):
            key, n_ready = making.job.growing.key, making.job.n_ready
            answer = client.get(f"/media/{key}/0/pcm", params={"start": 0, "count": recording.n_samples})
            heard.append(np.frombuffer(answer.content, "<f4").reshape(-1, recording.n_channels))
            assert len(heard[-1]) == n_ready
            whole = n_ready == recording.n_samples
            assert ("no-store" in answer.headers["cache-control"]) == (not whole), "what is cut short is not kept"
            assert len(client.get(f"/media/{key}/0/peaks").content) == 2 * (n_ready // 256)
            assert client.get(f"/media/{key}/7/pcm", params={"start": 0, "count": 1}).status_code == 404
    making.job = None
    final = client.get(f"/media/{key}/0/pcm", params={"start": 0, "count": recording.n_samples}).content
    final = np.frombuffer(final, "<f4").reshape(-1, recording.n_channels)
    assert len(heard) > 1 and all(np.array_equal(part, final[: len(part)]) for part in heard)


def test_a_track_on_its_way_to_its_place_is_waited_for(client, store, making, result, recording, monkeypatch):
    making.job = Job(record=JobRecord(id="1", recording=recording.key, recording_name="song", prompts=(), request={}))
    making.job.growing = Growing(key=result.key, files={"0": Path("gone.wav"), "0.peaks": Path("gone")}, n_channels=2)
    making.job.n_ready = 1
    found, asked = store.get, []
    monkeypatch.setattr(store, "get", lambda key: asked.append(key) or (found(key) if len(asked) > 3 else None))
    assert client.get(f"/media/{result.key}/0/peaks").status_code == 200
    monkeypatch.setattr(media, "MOVING_S", 0.05)
    monkeypatch.setattr(store, "get", lambda key: None)
    assert client.get(f"/media/{result.key}/0/peaks").status_code == 204


def test_a_track_that_was_moved_to_its_place_meanwhile_is_found_there(client, making, result, recording):
    making.job = Job(record=JobRecord(id="1", recording=recording.key, recording_name="song", prompts=(), request={}))
    making.job.growing = Growing(key=result.key, files={"0": Path("gone.wav"), "0.peaks": Path("gone")}, n_channels=2)
    making.job.n_ready = 1
    assert len(window(client, result, 0, 100, "0")[0]) == 100
    assert client.get(f"/media/{result.key}/0/peaks").content == result.tracks[0].peaks.read_bytes()
