from __future__ import annotations

import io
import time
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
import yaml

from separation import Request, decode
from separation.audio.encode import FORMATS
from separation.engine.engine import Inline
from separation.events import ChunkFinished, TracksOpened
from separation.results.kept import result_of
from separation.results.known_stems import with_known_stems
from separation.results.partial import PartialAudio
from separation.results.runs import import_recording, separate_recording
from storage.records import JobRecord
from tests.support import run_fakes
from tests.support.media_steps import window
from tests.support.store_files import in_the_making
from webapp.routes import media, writing
from webapp.state.queue.job import Job


@pytest.fixture
def recording(store, tmp_path):
    return import_recording(run_fakes.song(tmp_path / "My song.wav"), store)


@pytest.fixture
def result(store, recording, monkeypatch):
    run_fakes.install(monkeypatch)
    *_, kept = separate_recording(recording, Request.of("drums?", "drums!"), store, Inline())
    return result_of(store.get(kept.key))


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
    name = f"''My song{FORMATS[format_].extension}"
    assert unquote(answer.headers["content-disposition"]).endswith(name)
    kept = decode(recording.audio).waveform.samples.T
    sound, _ = soundfile.read(io.BytesIO(answer.content), always_2d=True)
    assert sound.shape == kept.shape
    step = {"wav16": 2**-14, "wav24": 2**-22, "wav32f": 1e-9, "flac": 2**-22}.get(format_)
    if step:
        assert np.abs(sound - kept).max() < step
    else:  # lossy codecs keep the shape of noise in its lower half only
        assert np.corrcoef(sound[:, 0], kept[:, 0])[0, 1] > 0.7


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=-10", "bytes=0-9,20-29", "bytes=9-5", "lines=1-2"])
@pytest.mark.parametrize("what", ["all.zip", "0/file?format=ogg"])
def test_a_download_that_goes_on_gets_a_whole_file_since_another_is_made_for_it(client, store, result, what, wanted):
    answer = client.get(f"/media/{result.key}/{what}", headers={"Range": wanted})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")
    assert answer.content.startswith(b"OggS" if "ogg" in what else b"PK")
    assert in_the_making(store) == []


def test_a_computer_that_does_not_know_the_year_makes_archives_too(client, result, monkeypatch):
    monkeypatch.setattr(zipfile, "time", SimpleNamespace(time=lambda: 0.0, localtime=lambda *_: time.gmtime(0)))
    answer = client.get(f"/media/{result.key}/all.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert "manifest.toml" in archive.namelist()


def test_while_it_is_made_a_download_lies_where_a_sweep_would_find_it(client, store, result, monkeypatch):
    seen = []
    usual = writing.encode

    def looking(sound, path, *args, **how):
        seen.append(path.parent.parent)
        return usual(sound, path, *args, **how)

    monkeypatch.setattr(writing, "encode", looking)
    client.get(f"/media/{result.key}/all.zip")
    assert set(seen) == {store.scratch_folder}


def test_names_of_any_length_in_any_script_can_be_downloaded(client, store, tmp_path, monkeypatch):
    run_fakes.install(monkeypatch)
    prompts = ("drums", "bass and other", "no vocals", "drums and bass and other", "vocals and drums", "instrumental")
    song = import_recording(run_fakes.song(tmp_path / "song.wav"), store, name="เพลง" * 30 + ".wav")
    *_, kept = separate_recording(song, Request.of(*prompts), store, Inline())
    result = store.get(kept.key)
    for path in ("0/file", "all.zip", "mix?track=0&gain_db=0"):
        answer = client.get(f"/media/{result.key}/{path}")
        assert answer.status_code == 200, answer.text
        name = unquote(answer.headers["content-disposition"].partition("''")[2])
        assert len(name.encode()) <= 255
        assert name.startswith("เพลงเพลง") and "drums" in name, "both are in it"
        (tmp_path / name).touch()


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


def test_an_archive_of_several_results_has_a_folder_for_each_and_their_tracks(client, store, result, tmp_path):
    other = import_recording(run_fakes.song(tmp_path / "other.wav"), store, name="My song.flac")
    *_, kept = separate_recording(other, Request.of("drums?", "drums!"), store, Inline())
    answer = client.get("/media/all.zip", params={"result": [result.key, kept.key], "format": "wav32f"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        sound, _ = soundfile.read(io.BytesIO(archive.read(names[0])), dtype="float32")
    assert np.array_equal(sound.T, decode(result.tracks[0].audio).waveform.samples)
    assert [name.partition("/")[2] for name in names[:4]] == [name.partition("/")[2] for name in names[4:]]
    assert len({name.partition("/")[0] for name in names}) == 2, "results of the same name do not fall together"
    assert all(name.startswith("My song - ") for name in names)
    assert in_the_making(store) == []


def test_an_archive_of_several_results_is_refused_if_one_is_gone_or_they_are_too_many(client, result):
    for gone in ("0" * 64, "nonsense", "../x"):
        assert client.get("/media/all.zip", params={"result": [result.key, gone]}).status_code == 404
    assert client.get("/media/all.zip").status_code == 422
    many = client.get("/media/all.zip", params={"result": [result.key] * 101})
    assert (many.status_code, "At most 100" in many.json()["todo"]) == (422, True)


def test_a_true_stem_is_downloaded_by_its_name(client, store, recording):
    stems = {name: np.zeros((2, recording.n_samples), np.float32) for name in ("drums", "bass/low")}
    with_known_stems(store.get(recording.key), stems, store, sample_rate=recording.sample_rate)
    answer = client.get(f"/media/{recording.key}/stem-1/file?format=wav32f").raise_for_status()
    assert "bass" in answer.headers["content-disposition"] and "drums" not in answer.headers["content-disposition"]


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
        ({"track": ["0"], "gain_db": ["nan"]}, 422),
        ({"track": ["0"], "gain_db": [24.5]}, 422),
        ({"track": ["0"], "gain_db": [0.0], "pan": [-1.5]}, 422),
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


# Reports


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


def gone(result):
    """A run whose files have just been moved to where they are kept."""
    files = {"0": Path("gone.wav"), "0.peaks": Path("gone")}
    return TracksOpened(key=result.key, files=files, n_channels=2, sample_rate=8000, n_expected=16_000)


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
            key, n_ready = making.job.opened.key, making.job.n_ready
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


@pytest.mark.parametrize(
    ("start", "count", "n_samples"),
    [(0, -1, 0), (-5, 3, 3), (-(10**30), 10**30, 600), (10**30, 5, 0), (2**63, -(2**63), 0), (590, 2**63, 10)],
)
def test_a_window_never_leaves_what_is_made_so_far(client, making, recording, monkeypatch, start, count, n_samples):
    track, n_ready = recording.tracks[0], 600
    so_far = PartialAudio(
        audio=track.audio,
        peaks=track.peaks,
        n_ready=n_ready,
        n_expected=None,
        sample_rate=recording.sample_rate,
        n_channels=recording.n_channels,
    )
    monkeypatch.setattr(making, "partial", lambda key: {"audio": so_far})
    assert window(client, recording, start, count).shape == (2, n_samples)
    pairs = client.get(f"/media/{recording.key}/audio/peaks", params={"start": start})
    assert len(pairs.content) == 2 * max(0, n_ready // 256 - max(0, start))


def test_a_track_on_its_way_to_its_place_is_waited_for(client, store, making, result, recording, monkeypatch):
    making.job = Job(record=JobRecord(id="1", recording=recording.key, recording_name="song", prompts=(), request={}))
    making.job.opened = gone(result)
    making.job.n_ready = 1
    found, waited_s = store.get, []

    def kept_meanwhile(timeout_s):
        waited_s.append(timeout_s)
        monkeypatch.setattr(store, "get", found)

    monkeypatch.setattr(store, "get", lambda key, **_: None)
    monkeypatch.setattr(making.job.ended, "wait", kept_meanwhile)
    assert client.get(f"/media/{result.key}/0/peaks").status_code == 200
    monkeypatch.setattr(store, "get", lambda key, **_: None)
    monkeypatch.setattr(making.job.ended, "wait", waited_s.append)
    assert client.get(f"/media/{result.key}/0/peaks").status_code == 204, "it never came"
    assert waited_s == [media.MOVING_S] * 2


def test_a_track_that_was_moved_to_its_place_meanwhile_is_found_there(client, making, result, recording):
    making.job = Job(record=JobRecord(id="1", recording=recording.key, recording_name="song", prompts=(), request={}))
    making.job.opened = gone(result)
    making.job.n_ready = 1
    assert len(window(client, result, 0, 100, "0")[0]) == 100
    assert client.get(f"/media/{result.key}/0/peaks").content == result.tracks[0].peaks.read_bytes()
