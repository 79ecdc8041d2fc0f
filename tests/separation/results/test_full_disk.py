"""Runs on a disk that is full, a real one: a sentence, nothing half-made, and they go on once there is room."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import soundfile

from separation import Waveform, decode, encode
from separation.audio.encode import FORMATS
from separation.engine.engine import Inline
from separation.errors import FileError
from separation.events import ChunkFinished, Planned, Warned
from separation.request import Request
from separation.results.runs import import_recording, separate_recording
from separation.results.streamed import STREAMABLE, StreamedTracks
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.small_disk import MB
from tests.support.store_files import check_consistent
from tests.support.terminal import audio_playground


def test_an_extraction_without_room_is_a_sentence_and_goes_on_once_there_is_some(disk, backend, tmp_path):
    song = run_fakes.song(tmp_path / "song.wav", 20)
    words = ("extract", "auto", song, "-p", "drums", "-o", "stems", "--json")
    said = json.loads(audio_playground(*words, status=3).stdout)
    assert "cannot be written" in said["what"] and "No space left" in said["why"]
    assert str(disk.folder) in said["todo"]
    assert not list((tmp_path / "stems").iterdir())
    check_consistent(disk.home)
    n_chunks = len(ArtifactStore(disk.home).list("chunk"))
    assert n_chunks > 0
    disk.resize(32 * MB)
    evaluations = backend.n_evaluations
    assert json.loads(audio_playground(*words).stdout)["cached"] is False
    assert len(list((tmp_path / "stems").iterdir())) == 2
    chunks = len(ArtifactStore(disk.home).list("chunk"))
    assert backend.n_evaluations - evaluations == chunks - n_chunks, "the chunks from before were not computed again"
    check_consistent(disk.home)


def test_a_disk_that_is_full_from_the_start_is_a_sentence(disk, backend, tmp_path):
    song = run_fakes.song(tmp_path / "song.wav", 2)
    filler = disk.fill()
    words = ("extract", "auto", song, "-p", "drums", "-o", "stems")
    assert "cannot be opened. The system says: " in audio_playground(*words, status=6).output
    filler.unlink()
    audio_playground(*words)


def test_a_full_disk_for_temporary_files_is_a_sentence(disk, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "roomy"))
    song = run_fakes.song(tmp_path / "song.wav", 2)
    disk.fill()
    words = ("extract", "auto", song, "-p", "drums", "-o", "stems", "--temp-dir", disk.folder)
    output = audio_playground(*words, status=3).output
    assert "No space left on device" in output and f"Check that '{disk.folder}' exists" in output
    assert [path.name for path in disk.folder.iterdir()] == ["filler"]
    (disk.folder / "filler").unlink()
    audio_playground(*words)
    assert list(disk.folder.iterdir()) == []


def test_tracks_without_room_are_a_sentence_and_the_result_is_kept(disk, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "roomy"))
    song = run_fakes.song(tmp_path / "song.wav", 2)
    disk.fill()
    for format_ in ("wav32f", "wav24", "flac", "mp3"):
        words = ("extract", "auto", song, "-p", "drums", "--format", format_)
        output = audio_playground(*words, "-o", disk.folder, status=3).output
        assert "has room" in output or "The disk may be full" in output, output
        assert [path.name for path in disk.folder.iterdir()] == ["filler"]
    (result,) = ArtifactStore(tmp_path / "roomy").list("result")
    (disk.folder / "filler").unlink()
    assert json.loads(audio_playground(*words, "-o", disk.folder, "--json").stdout)["key"] == result.key


@pytest.mark.parametrize("format_", STREAMABLE)
@pytest.mark.parametrize("n_samples", [101, 3_000, 20_000])  # of a chunk; the first is less than any buffer
def test_streams_cut_off_by_a_full_disk_can_be_read_as_far_as_they_say(disk, format_, n_samples):
    disk.fill().write_bytes(bytes(disk.free_bytes + (disk.folder / "filler").stat().st_size - 600_000))
    stems = ("a dog", "everything else")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, n_samples)).astype(np.float32)
    events = [Planned(model="m", device="cpu", stems=stems, spans_s=())]
    events += [
        ChunkFinished(index=index, n_chunks=9, start=0, audio={stems[0]: noise, stems[1]: -noise})
        for index in range(400_000 // n_samples)
    ]
    tracks = StreamedTracks(disk.folder, format_, 44_100)
    with pytest.raises(FileError, match="No space left on device"), tracks:
        for event in events:
            tracks.take(event)
    assert tracks.n_samples >= 20_000
    for stem, path in tracks.paths.items():
        read = decode(path)
        assert read.warnings == () and soundfile.info(path).frames == read.waveform.n_samples >= tracks.n_samples
        expected = np.resize(noise.T, (read.waveform.n_samples, 2)).T * (-1) ** stems.index(stem)
        assert np.abs(read.waveform.samples - expected).max() < 1e-4


def test_a_streaming_run_without_room_says_how_far_its_files_go(disk, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "roomy"))
    run_fakes.song(tmp_path / "song.wav", 20)
    disk.fill().write_bytes(bytes(disk.free_bytes + (disk.folder / "filler").stat().st_size - 600_000))
    words = ("extract", "auto", "song.wav", "-p", "drums", "-o", disk.folder, "--format", "flac", "--streaming")
    result = audio_playground(*words, status=3)
    (said,) = re.findall(r"hold the first ([0-9.]+) s", result.output)
    lengths = [decode(path).waveform.duration_s for path in disk.folder.glob("*.flac")]
    assert len(lengths) == 2 and 0 <= min(lengths) - float(said) < 0.1
    assert "No space left on device" in result.output


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_without_room_is_a_sentence_of_the_system_and_is_not_there(disk, format_):
    disk.fill().write_bytes(bytes(disk.free_bytes + (disk.folder / "filler").stat().st_size - 100_000))
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 400_000)).astype(np.float32)
    with pytest.raises(FileError, match="No space left on device"):
        encode(Waveform(noise, 44_100), disk.folder / "file", format_)
    assert [path.name for path in disk.folder.iterdir()] == ["filler"]


def test_a_run_goes_on_when_its_chunks_cannot_be_kept_and_says_so(disk, backend, tmp_path):
    store = ArtifactStore(disk.home, scratch=tmp_path / "elsewhere")
    recording = import_recording(run_fakes.song(tmp_path / "song.wav", 4), store)
    filler = disk.fill()
    run = separate_recording(recording, Request.of("drums"), store, Inline())
    warnings = []
    while True:
        try:
            event = next(run)
        except StopIteration as stop:
            result = stop.value
            break
        if isinstance(event, Warned):
            warnings.append(event.message)
            filler.unlink(missing_ok=True)
    refused = [warning for warning in warnings if warning.startswith("Finished chunks are not kept from here on.")]
    assert len(refused) == 1 and "No space left" in refused[0]
    tracks = [decode(track.audio).waveform.samples for track in result.tracks]
    assert np.allclose(sum(tracks), decode(recording.audio).waveform.samples, atol=1e-5)
    assert store.list("chunk") == []
    check_consistent(disk.home)


def test_a_batch_without_room_names_what_failed_and_goes_on_once_there_is_some(disk, backend, tmp_path):
    names = [f"{index}.wav" for index in range(6)]
    (tmp_path / "music").mkdir()
    for seed, name in enumerate(names):
        run_fakes.song(tmp_path / "music" / name, 6, seed=seed)
    words = ("batch", "music", "-o", "out", "-p", "drums", "--json")
    said = json.loads(audio_playground(*words, status=6).stdout)
    assert 0 < said["failed"] < 6 and said["done"] == 6 - said["failed"]
    assert all("No space left" in failure["why"] or "is full" in failure["why"] for failure in said["failures"])
    assert [failure["file"] for failure in json.loads((tmp_path / "out" / "failures.json").read_text())] == [
        failure["file"] for failure in said["failures"]
    ]
    check_consistent(disk.home)
    done = said["done"]
    disk.resize(64 * MB)
    said = json.loads(audio_playground(*words).stdout)
    assert (said["done"], said["failed"]) == (6, 0) and said["cached"] == done
    check_consistent(disk.home)
