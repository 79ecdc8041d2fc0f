"""The table of `tests/golden/inputs/README.md` holds: in the terminal, in JSON and for uploads alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation import Request
from separation.audio.part import Part
from separation.backends import registry
from separation.errors import AudioError
from separation.estimates.estimates import preflight
from separation.results.kept import recording_of, reports_of
from separation.results.runs import import_recording, import_track
from storage.library import newest
from tests.separation.audio.test_video import film, frames, packets
from tests.support.media_steps import upload
from tests.support.terminal import audio_playground

INPUTS = Path(__file__).parents[2] / "golden/inputs"


def test_the_table_names_every_file():
    table = (INPUTS / "README.md").read_text("utf-8")
    names = {path.name for path in INPUTS.iterdir()} - {"README.md"}
    assert names == {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}


def test_no_file_is_large():
    assert all(path.stat().st_size < 200_000 for path in INPUTS.iterdir())


@pytest.mark.parametrize("name", ["chained.ogg", "cat.mp3"])
def test_files_laid_end_to_end_are_heard_to_their_end(name, folder, client, store, capfd, backend):
    said = json.loads(audio_playground("convert", "to-wav", INPUTS / name, "-o", "whole.wav", "--json").stdout)
    assert (said["n_samples"], said["sample_rate"], said["warnings"]) == (264_600, 44_100, [])
    assert "6.00 s" in audio_playground("convert", "to-wav", INPUTS / name, "-o", "whole.wav").output

    answer = upload(client, (INPUTS / name).read_bytes(), name).json()
    recording = recording_of(store.get(answer["key"]))
    assert (recording.n_samples, answer["warnings"]) == (264_600, [])
    heard, _ = soundfile.read(recording.audio, dtype="float32")
    assert np.array_equal(heard, soundfile.read("whole.wav", dtype="float32")[0])
    assert np.sqrt(np.mean(heard[140_000:260_000] ** 2)) > 0.01, "the second half sounds"

    result = audio_playground("extract", "auto", INPUTS / name, "-p", "drums", "--json").stdout
    assert not any("header" in said or "not used" in said for said in json.loads(result)["warnings"])
    assert soundfile.info("drums.wav").frames == 264_600
    assert capfd.readouterr().err == ""


def test_a_file_at_which_ffmpeg_gives_up_is_one_of_our_errors(folder, client, store):
    data, convert = INPUTS / "damaged.webm", ("convert", "to-wav", INPUTS / "damaged.webm", "-o", "x.wav")
    assert "No decoder gets sound out of it" in audio_playground(*convert, status=3).output
    said = json.loads(audio_playground(*convert, "--json", status=3).stdout)
    assert said["error"] == "AudioError" and all(said[part] for part in ("what", "why", "todo"))
    answer = upload(client, data.read_bytes(), data.name)
    assert answer.status_code == 422 and "“damaged.webm” cannot be used as audio" in answer.json()["what"]
    assert store.list() == []


def test_a_very_short_file_is_separated_and_the_next_estimate_stays_sane(folder, store):
    extract = ("extract", "builtin", INPUTS / "n64.wav", "-p", "drums", "--json")
    assert not json.loads(audio_playground(*extract).stdout)["cached"]
    assert soundfile.info("drums.wav").frames == 64
    settled, _ = registry.choose(Request.of("drums", backend="builtin"))
    expected = preflight(settled, 180.0, reports_of(newest(store, "result")), 8 * 10**9)
    assert expected.fits, "a song of three minutes fits into 8 GB"


def test_the_picture_of_a_film_with_reordered_frames_comes_back_with_the_sound(client, store, tmp_path):
    source = INPUTS / "plain_h264.mkv"
    answer = upload(client, source.read_bytes(), source.name).json()
    assert answer["warnings"] == []
    got = tmp_path / "got.mp4"
    got.write_bytes(client.get(f"/media/{answer['key']}/audio/file?format=video").content)
    assert packets(got) == packets(source)
    assert len(frames(got)) == 75 and frames(got) == frames(source)


def pitch_hz(path):
    samples, rate = soundfile.read(path, always_2d=True)
    return int(np.abs(np.fft.rfft(samples[:rate, 0])).argmax())


DEFAULT = "It has 2 audio tracks; the default one is used, number 2 (aac, stereo)."


def test_of_several_audio_tracks_the_default_one_is_taken_and_said(client, store, folder, backend):
    convert = ("convert", "to-wav", INPUTS / "two.mp4", "-o", "two.wav")
    assert f"note: {DEFAULT}" in audio_playground(*convert).output
    assert pitch_hz("two.wav") == 55
    assert json.loads(audio_playground(*convert, "--json").stdout)["warnings"] == [DEFAULT]

    answer = upload(client, (INPUTS / "two.mp4").read_bytes(), "two.mp4").json()
    recording = recording_of(store.get(answer["key"]))
    assert answer["warnings"] == [DEFAULT] and pitch_hz(recording.audio) == 55
    assert (recording.audio_tracks, recording.audio_track) == (("aac, mono", "aac, stereo"), 2)


def test_any_audio_track_can_be_chosen(client, store, folder, backend):
    audio_playground("convert", "to-wav", INPUTS / "two.mp4", "-o", "one.wav", "--audio-track", 1)
    assert pitch_hz("one.wav") == 440
    said = json.loads(
        audio_playground("extract", "auto", INPUTS / "two.mp4", "-p", "drums", "--audio-track", 1, "--json").stdout
    )
    assert DEFAULT not in said["warnings"] and pitch_hz("drums.wav") == 440
    assert (
        "There is no audio track 3. The file has 2 audio tracks."
        in audio_playground("extract", "auto", INPUTS / "two.mp4", "-p", "drums", "--audio-track", 3, status=2).output
    )
    assert (
        "The file has 1 audio track."
        in audio_playground("convert", "to-wav", INPUTS / "cat.mp3", "-o", "x.wav", "--audio-track", 2, status=2).output
    )

    answer = upload(client, (INPUTS / "two.mp4").read_bytes(), "two.mp4").json()
    both = recording_of(store.get(answer["key"]))
    other = import_track(both, 1, store)
    assert other.key != both.key and pitch_hz(other.audio) == 440
    assert (other.name, other.audio_track, other.warnings) == ("two.mp4, audio track 1", 1, ())
    assert import_track(other, 2, store).key == both.key, "the default one is the same recording by any name"
    assert packets(other.picture.path) == packets(INPUTS / "two.mp4")
    store.remove(both.key)
    assert pitch_hz(import_track(other, 2, store).audio) == 55, "each has the file it came from"


def test_the_other_track_of_a_file_that_was_not_sent_here_is_not_at_hand(store):
    recording = import_recording(INPUTS / "two.mp4", store)
    with pytest.raises(AudioError, match="Upload the file again"):
        import_track(recording, 1, store)
    assert import_recording(INPUTS / "two.mp4", store, part=Part(track=2)).key == recording.key
    assert import_recording(INPUTS / "two.mp4", store, part=Part(track=1)).key != recording.key


def test_a_file_that_is_sent_after_it_was_imported_here_can_be_chosen_from(client, store):
    here = import_recording(INPUTS / "two.mp4", store)
    answer = upload(client, (INPUTS / "two.mp4").read_bytes(), "two.mp4").json()
    assert answer["key"] == here.key
    assert pitch_hz(import_track(recording_of(store.get(here.key)), 1, store).audio) == 440


def test_a_picture_that_is_lost_is_said_where_the_film_was_brought(client, folder, backend):
    path = film(folder / "film.flv")
    words = "The picture is not kept, so only the sound can be downloaded: "
    (said,) = upload(client, path.read_bytes(), path.name).json()["warnings"]
    assert said.startswith(words)
    assert f"note: {words}" in audio_playground("extract", "auto", path, "-p", "drums").output
