"""Uploads: what arrives becomes a recording, under the address it had from its first byte."""

from __future__ import annotations

import errno
import io
import shutil
from collections import namedtuple
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from assets.demo_recording import load_demo, write_demo_mixture
from separation.results.kept import recording_of
from separation.results.partial import PartialAudio
from separation.results.runs import import_recording
from tests.support import odd_files
from tests.support.media_steps import upload, window
from tests.support.store_files import in_the_making
from webapp.routes import media
from webapp.routes import uploads as upload_routes


def empty(store):
    return in_the_making(store) == []


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
    monkeypatch.setattr(upload_routes, "MAX_UPLOAD_BYTES", 300_000)
    answer = upload(client, odd_files.stored("WAV"), headers={"content-length": announced})
    if announced == "99999999999999":  # refused before a byte is read
        assert answer.status_code == 422 and "too large" in answer.json()["what"]
    else:
        assert answer.status_code == 200
    assert empty(store)


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}])
def test_a_body_over_the_limit_is_refused_whatever_it_announced(client, store, headers, monkeypatch):
    monkeypatch.setattr(upload_routes, "MAX_UPLOAD_BYTES", 1000)
    answer = upload(client, odd_files.stored("WAV"), headers=headers)
    assert answer.status_code == 422
    assert "too large" in answer.json()["what"]
    assert store.list() == [] and empty(store)


def test_a_refused_upload_is_called_by_the_name_its_owner_knows(client):
    answer = client.put("/api/uploads", params={"name": "my song.wav"}, content=b"no audio at all")
    assert "“my song.wav”" in answer.json()["what"]


def test_a_full_disk_refuses_uploads_in_words(client, store, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, upload_routes.DISK_RESERVE_BYTES + 1000))
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


def test_the_demo_comes_with_its_true_stems(client, store):
    recording = recording_of(store.get(client.post("/api/demo").json()["key"]))
    demo = load_demo()
    assert [track.name for track in recording.known_stems] == list(demo.stems)
    for track in recording.known_stems:
        path = f"/media/{recording.key}/{track.id}/pcm?start=1000&count=500"
        heard = np.frombuffer(client.get(path).content, "<f4").reshape(-1, 2).T
        np.testing.assert_array_equal(heard, demo.stems[track.name][:, 1000:1500])


def test_a_demo_that_was_kept_without_its_stems_gets_them(client, store, tmp_path):
    write_demo_mixture(tmp_path / "demo.flac")
    earlier = import_recording(tmp_path / "demo.flac", store, name="My song")
    recording = recording_of(store.get(client.post("/api/demo").json()["key"]))
    assert (recording.key, recording.name, len(recording.known_stems)) == (earlier.key, "My song", 4)


# One address


ID = "0123456789abcdef" * 2


@pytest.mark.parametrize("what", ["pcm?start=3&count=500", "peaks", "spectrogram/0/0", "file"])
def test_a_recording_keeps_the_address_of_its_upload(client, store, what):
    key = upload(client, odd_files.stored("WAV"), id=ID).json()["key"]
    kept, arrived = (client.get(f"/media/{address}/audio/{what}") for address in (key, ID))
    assert (kept.status_code, arrived.status_code) == (200, 200)
    assert arrived.content == kept.content and len(kept.content) > 100
    store.trash(key)
    gone = client.get(f"/media/{ID}/audio/{what}")
    assert gone.status_code == (404 if what == "file" else 204), "until it is deleted"
    store.restore(key)
    assert client.get(f"/media/{ID}/audio/{what}").content == kept.content


def test_the_same_song_sent_again_is_heard_under_either_address(client):
    other = ID[::-1]
    keys = {upload(client, odd_files.stored("WAV"), id=id).json()["key"] for id in (ID, other)}
    assert len(keys) == 1
    heard = {client.get(f"/media/{id}/audio/pcm?start=0&count=9").content for id in (ID, other, *keys)}
    assert len(heard) == 1


def test_an_address_that_is_taken_is_not_given_away(client):
    first = upload(client, odd_files.stored("WAV"), id=ID).json()["key"]
    before = client.get(f"/media/{ID}/audio/pcm?start=0&count=9").content
    second = upload(client, odd_files.stored("FLAC", samples=0.5 * odd_files.tone()), id=ID).json()["key"]
    assert second != first
    assert client.get(f"/media/{ID}/audio/pcm?start=0&count=9").content == before


def test_what_arrives_is_heard_before_during_and_after_under_one_address(client, store, uploads, monkeypatch):
    seen = []
    take = uploads.take

    def looking(key, audio):
        take(key, audio)
        heard = client.get(f"/media/{key}/audio/pcm", params={"start": 0, "count": 10**6})
        assert heard.headers["cache-control"] == "no-store"
        assert len(heard.content) == 4 * audio.n_channels * audio.n_ready
        assert len(client.get(f"/media/{key}/audio/peaks").content) == 2 * (audio.n_ready // 256)
        assert client.get(f"/media/{key}/0/pcm?start=0&count=1").status_code == 404
        assert client.get(f"/media/{key}/audio/pcm?start=0&count=10").headers["cache-control"] != "no-store"
        seen.append(heard.content)

    monkeypatch.setattr(uploads, "take", looking)
    about = upload(client, odd_files.stored("WAV"), id=ID).json()
    whole = client.get(f"/media/{ID}/audio/pcm", params={"start": 0, "count": 10**6})
    assert seen and all(whole.content.startswith(part) for part in seen)
    assert "immutable" in whole.headers["cache-control"]
    assert uploads.resolve(ID) == about["key"] and uploads.partial(ID) == {}


def test_who_asks_while_it_moves_to_its_place_waits_until_it_is_there(client, store, uploads, monkeypatch):
    key = upload(client, odd_files.stored("WAV"), id=ID).json()["key"]
    moved = PartialAudio(
        audio=Path("gone.wav"), peaks=Path("gone"), n_ready=9, n_expected=9, sample_rate=44_100, n_channels=2
    )
    resolve, waited = uploads.resolve, []
    monkeypatch.setattr(uploads, "partial", lambda key: {"audio": moved})
    monkeypatch.setattr(uploads, "resolve", lambda key: resolve(key) if waited else key)
    monkeypatch.setattr(uploads, "wait", lambda key, timeout_s: waited.append((key, timeout_s)))
    answer = client.get(f"/media/{ID}/audio/peaks")
    assert answer.content == recording_of(store.get(key)).peaks.read_bytes()
    assert waited == [(ID, media.MOVING_S)]


def test_nobody_waits_for_an_upload_that_is_not_on_its_way_to_its_place(client, uploads, monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "wait", lambda *_: pytest.fail("it keeps a thread that others need"))
    for what in ("pcm?start=0&count=9", "peaks", "spectrogram/0/0"):
        assert client.get(f"/media/{ID}/audio/{what}").status_code == 204
    here = PartialAudio(audio=tmp_path, peaks=tmp_path, n_ready=9, n_expected=None, sample_rate=44_100, n_channels=2)
    monkeypatch.setattr(uploads, "partial", lambda key: {"audio": here})
    assert client.get(f"/media/{ID}/audio/spectrogram/0/0").status_code == 204


def test_an_upload_that_broke_off_has_no_sound(client, uploads):
    assert upload(client, b"no audio at all", id=ID).status_code == 422
    assert client.get(f"/media/{ID}/audio/pcm?start=0&count=1").status_code == 204
    assert uploads.get(ID) is None and uploads.partial(ID) == {}
