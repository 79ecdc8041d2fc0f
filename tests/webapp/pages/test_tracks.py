"""What the Studio's player is told of recordings and results, finished and half-made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from separation.events import TracksOpened
from separation.metrics.presence_value import Presence
from separation.results.partial import PartialAudio
from storage.records import JobRecord
from tests.support.kept_values import result
from tests.support.studio_values import a_recording, a_result
from webapp.components.tracks.kept_tracks import mixture_track, result_tracks
from webapp.pages.studio.timeline.partial_tracks import arriving_track, partial_tracks
from webapp.state.queue.job import Job
from webapp.state.uploads import Upload

SONG = a_recording()
SENT = PartialAudio(
    audio=Path("a.wav"), peaks=Path("a"), n_ready=4000, n_expected=16_000, sample_rate=8000, n_channels=2
)
UPLOAD = Upload(key="ab" * 16, name="song.wav", audio=SENT)


def test_a_recording_on_its_way_and_when_it_is_there_is_one_track_under_one_address():
    before = arriving_track(UPLOAD)
    after = mixture_track(SONG, "format=flac", has_stems=False, address=UPLOAD.key)
    for same in ("id", "url", "color", "n_samples", "sample_rate", "n_channels"):
        assert before[same] == after[same], same
    assert before["url"] == f"/media/{UPLOAD.key}/audio"
    assert before["ready_samples"] == 4000 and "ready_samples" not in after
    assert (before["download"], after["download"]) == ("", f"/media/{UPLOAD.key}/audio/file?format=flac")


def test_elsewhere_it_has_the_address_of_its_key():
    track = mixture_track(SONG, "format=flac", has_stems=False)
    assert track["url"] == f"/media/{SONG.key}/audio" and track["download"].startswith(track["url"])


def test_beside_its_stems_a_recording_is_muted_and_another_row_of_the_mixer():
    alone, beside = (mixture_track(SONG, "", has_stems=has) for has in (False, True))
    assert (alone["muted"], beside["muted"]) == (False, True)
    assert alone["id"] != beside["id"] and alone["url"] == beside["url"]


def test_before_its_header_is_read_there_is_no_track():
    assert arriving_track(replace(UPLOAD, audio=None)) is None


def test_the_tracks_of_a_run_are_those_of_its_result_as_far_as_they_are_there():
    result = a_result("drums", tracks=("drums", "everything else"))
    job = Job(record=JobRecord(id="1", recording=SONG.key, recording_name="song", prompts=("drums",), request={}))
    assert partial_tracks(job) == []
    files = {name: Path(name) for name in ("0", "0.peaks", "1", "1.peaks")}
    job.tracks = ("drums", "everything else")
    job.opened = TracksOpened(key=result.key, files=files, n_channels=2, sample_rate=8000, n_expected=16_000)
    assert partial_tracks(job) == [], "nothing can be heard yet"
    job.n_ready = 700
    found, kept = partial_tracks(job), result_tracks(result, "")
    for same in ("id", "url", "name", "color", "n_samples", "sample_rate", "n_channels"):
        assert [track[same] for track in found] == [track[same] for track in kept], same
    assert [track["ready_samples"] for track in found] == [700, 700]
    assert job.partial["1"] == PartialAudio(
        audio=Path("1"), peaks=Path("1.peaks"), n_ready=700, n_expected=16_000, sample_rate=8000, n_channels=2
    )


def test_a_lane_says_that_it_is_empty_where_alone_it_sounds_and_that_it_holds_more_than_asked():
    bass = Presence(level_db=-43.2, spans_s=(), duration_s=60.0)
    kick = Presence(level_db=-9.0, spans_s=((12.0, 15.0),), duration_s=60.0)
    report = {
        "presence": {"bass": bass.to_dict(), "kick": kick.to_dict()},
        "notes": ["“kick”: its track holds the whole drum kit, which Fake cannot take apart."],
    }
    notes = {
        track["name"]: track.get("note") for track in result_tracks(result("bass", "kick", "vocals", report=report), "")
    }
    assert notes == {
        "bass": "There seems to be no “bass” in this recording: its track is empty (43 dB below the recording).",
        "kick": "“kick” seems to be there only at 0:12-0:15. “kick”: its track holds the whole drum kit, which Fake "
        "cannot take apart.",
        "vocals": None,
    }
