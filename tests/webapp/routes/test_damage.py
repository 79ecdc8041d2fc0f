"""Damaged files are neither played nor exported: it is said what happened, and what to do."""

from __future__ import annotations

import shutil

import pytest

from assets import demo_recording
from separation import Request
from separation.engine.engine import Inline
from separation.results.kept import result_of
from separation.results.runs import separate_recording
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.damage import flip, touched
from webapp.state import played


@pytest.fixture
def result(store, recording, monkeypatch):
    run_fakes.install(monkeypatch)
    *_, kept = separate_recording(recording, Request.of("drums", "bass"), store, Inline())
    return result_of(store.get(kept.key))


def damaged(track):
    flip(track.audio, 400)
    touched(track.audio)


def files_of(kept):
    return f"/media/{kept.key}/{kept.tracks[0].id}"


@pytest.mark.parametrize("what", ["pcm?start=0&count=10", "peaks", "spectrogram/0/0"])
def test_a_damaged_track_is_not_played(client, result, store, what):
    damaged(result.tracks[0])
    assert client.get(f"{files_of(result)}/{what}").status_code == 204
    assert store.checks.lost[result.key].name == result.name


@pytest.mark.parametrize("what", ["file?format=flac", "all.zip", "mix?track=0&gain_db=0&format=wav16"])
def test_rot_that_changed_no_time_is_found_before_an_export(client, store, result, what):
    part = what if not what.startswith("file") else f"0/{what}"
    assert client.get(f"/media/{result.key}/{part}").status_code == 200
    flip(result.tracks[0].audio, 400)
    answer = client.get(f"/media/{result.key}/{part}")
    assert answer.status_code == 503
    assert "is damaged" in answer.json()["what"] and "made again" in answer.json()["todo"]
    assert client.get(f"/media/{result.key}/{part}").status_code == 503, "it is said again"


def test_the_recording_in_a_mix_is_compared_too(client, recording, result):
    flip(recording.audio, 400)
    answer = client.get(f"/media/{result.key}/mix?track=0&track=audio&gain_db=0&gain_db=0")
    assert answer.status_code == 503 and recording.name in answer.json()["what"]
    assert client.get(f"/media/{result.key}/mix?track=0&gain_db=0").status_code == 200


def test_a_track_is_exported_although_another_one_is_damaged(client, result):
    flip(result.tracks[1].audio, 400)
    assert client.get(f"/media/{result.key}/0/file").status_code == 200
    assert client.get(f"/media/{result.key}/1/file").status_code == 503


def test_a_damaged_upload_can_be_sent_again(client, store, recording, tmp_path):
    damaged(recording.tracks[0])
    assert client.get(f"/media/{recording.key}/audio/file").status_code == 503
    song = run_fakes.song(tmp_path / "again.wav").read_bytes()
    sent = client.put("/api/uploads", params={"name": "again.wav"}, content=song)
    assert sent.status_code == 200
    assert client.get(f"/media/{sent.json()['key']}/audio/file").status_code == 200


def test_a_damaged_demo_is_made_again(client, store):
    key = client.post("/api/demo").json()["key"]
    item = store.get(key)
    before = item.files["audio"].read_bytes()
    flip(item.files["audio"], 4000)
    touched(item.files["audio"])
    assert client.post("/api/demo").json()["key"] == key
    assert store.get(key).files["audio"].read_bytes() == before


@pytest.mark.parametrize("damage", ["a bit of a stem", "a bit of the list", "all of it"])
def test_a_demo_of_which_the_programs_own_files_are_damaged_is_refused_in_words(client, tmp_path, monkeypatch, damage):
    folder = shutil.copytree(demo_recording.DEMO_DIR, tmp_path / "demo")
    monkeypatch.setattr(demo_recording, "DEMO_DIR", folder)
    if damage == "a bit of a stem":
        flip(folder / "drums.ogg", 200_000)
    elif damage == "a bit of the list":
        flip(folder / "demo.json", 0)
    else:
        shutil.rmtree(folder)
    answer = client.post("/api/demo")
    assert answer.status_code == 422
    assert answer.json()["what"] == "The demo song cannot be read."
    assert "damaged or gone" in answer.json()["why"] and "Install the program again" in answer.json()["todo"]


def test_what_is_large_is_compared_while_it_plays(recording, store, monkeypatch):
    monkeypatch.setattr(played, "AT_ONCE_BYTES", 0)
    fresh = ArtifactStore(store.folder)
    flip(recording.audio, 400)
    checks = played.PlayedChecks(fresh)
    assert checks.get(recording.key).key == recording.key, "nobody waits for it"
    assert checks.finish()
    assert checks.get(recording.key) is None and recording.key in fresh.checks.lost


def test_what_was_compared_is_not_compared_again_for_each_window(recording, store, monkeypatch):
    monkeypatch.setattr(played, "AT_ONCE_BYTES", 0)
    fresh = ArtifactStore(store.folder)
    checks = played.PlayedChecks(fresh)
    checks.get(recording.key)
    assert checks.finish()
    monkeypatch.setattr("storage.damage.file_digest", lambda path: pytest.fail("it was read again"))
    for _ in range(3):
        assert checks.get(recording.key)
    assert checks.finish()
