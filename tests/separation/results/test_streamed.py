"""Tracks that can be played while they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation import Waveform, decode, encode
from separation.audio.encode import FORMATS
from separation.errors import FileError, SettingsError
from separation.events import ChunkFinished, Planned, SolverStep, TracksOpened
from separation.export import libsndfile
from separation.export.tags import Tags
from separation.results.streamed import STREAMABLE, StreamedTracks

RATE = 44_100
FLAC_BLOCK = 4096  # samples that libsndfile's FLAC encoder holds back at most


def noise(n_samples, n_channels=2, peak=0.5):
    return np.random.default_rng(n_samples).uniform(-peak, peak, (n_channels, n_samples)).astype(np.float32)


def run(pieces, stems=("a dog", "everything else")):
    """The events of a run whose tracks arrive in these pieces; every second stem is the first one upside down."""
    yield Planned(model="m", device="cpu", stems=stems, spans_s=())
    yield SolverStep(done=1, total=1)
    start = 0
    for index, piece in enumerate(pieces):
        audio = {stem: piece * (-1) ** at for at, stem in enumerate(stems)}
        yield ChunkFinished(index=index, n_chunks=len(pieces), start=start, audio=audio)
        start += piece.shape[1]


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("format_", STREAMABLE)
def test_after_every_chunk_the_files_can_be_played_and_hold_what_is_finished(tmp_path, format_, n_channels):
    pieces = [noise(n, n_channels) for n in (10_001, 1, 44_100, 777)]
    done = 0
    with StreamedTracks(tmp_path, format_, RATE) as tracks:
        for event in run(pieces):
            tracks.take(event)
            if isinstance(event, ChunkFinished):
                done += event.audio["a dog"].shape[1]
                assert tracks.n_samples == done
                for path in tracks.paths.values():
                    heard = decode(path).waveform
                    held_back = FLAC_BLOCK if format_ == "flac" else 0
                    assert done - held_back <= heard.n_samples <= done
                    assert (heard.sample_rate, heard.n_channels) == (RATE, n_channels)
                    assert np.abs(np.abs(heard.samples[:, :5]) - np.abs(pieces[0][:, :5])).max() < 1e-4


@pytest.mark.parametrize("format_", STREAMABLE)
def test_finished_files_hold_the_samples_of_files_written_at_once(tmp_path, format_):
    pieces = [noise(n, peak=1.2) for n in (5_000, 20_011, 3)]
    with StreamedTracks(tmp_path, format_, RATE) as tracks:
        for event in run(pieces):
            tracks.take(event)
    whole = Waveform(np.concatenate(pieces, axis=1), RATE)
    at_once = encode(whole, tmp_path / f"whole{FORMATS[format_].extension}", format_)
    grown = decode(tracks.paths["a dog"]).waveform.samples
    assert np.array_equal(grown, decode(at_once.path).waveform.samples)
    assert tracks.notes() == ({} if format_ == "wav32f" else dict.fromkeys(tracks.paths, *at_once.notes))


def test_files_are_named_as_the_tracks_and_appear_with_their_first_audio(tmp_path):
    events = run([noise(100)], stems=("a/dog", "a:dog"))
    with StreamedTracks(tmp_path, "wav16", RATE) as tracks:
        tracks.take(next(events))
        tracks.take(next(events))
        assert list(tmp_path.iterdir()) == []
        tracks.take(next(events))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_dog (2).wav", "a_dog.wav"]


@pytest.mark.parametrize("format_", [name for name in FORMATS if name not in STREAMABLE])
def test_a_format_that_cannot_grow_is_refused_with_those_that_can(tmp_path, format_):
    with pytest.raises(SettingsError, match=rf"{format_} cannot.*wav32f, wav16, wav24, flac"):
        StreamedTracks(tmp_path, format_, RATE)


@pytest.mark.parametrize("format_", STREAMABLE)
def test_a_file_that_cannot_be_written_says_so(tmp_path, format_):
    with StreamedTracks(tmp_path / "missing", format_, RATE) as tracks, pytest.raises(FileError, match="written"):
        for event in run([noise(10)]):
            tracks.take(event)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("format_", STREAMABLE)
def test_a_full_disk_says_so(tmp_path, format_):
    path = tmp_path / f"a dog{FORMATS[format_].extension}"
    path.symlink_to("/dev/full")
    with pytest.raises(FileError, match="written"), StreamedTracks(tmp_path, format_, RATE) as tracks:
        for event in run([noise(100_000)]):
            tracks.take(event)


@pytest.mark.parametrize("format_", ["wav16", "wav24"])
def test_a_file_that_will_pass_the_size_of_a_wav_is_rf64_and_true_after_every_chunk(tmp_path, monkeypatch, format_):
    pieces = [noise(n_samples) for n_samples in (500, 1, 777)]
    monkeypatch.setattr(libsndfile, "RF64_FROM_BYTES", 1_000)
    planned, *rest = run(pieces)
    opened = TracksOpened(key="k", files={}, n_channels=2, sample_rate=RATE, n_expected=1_278)
    with StreamedTracks(tmp_path, format_, RATE) as tracks:
        n_samples = 0
        for event in (planned, opened, *rest):
            tracks.take(event)
            if isinstance(event, ChunkFinished):
                n_samples += event.audio["a dog"].shape[1]
                assert {soundfile.info(path).format for path in tracks.paths.values()} == {"RF64"}
                read = decode(tracks.paths["a dog"])
                assert read.waveform.samples.shape == (2, n_samples) and read.warnings == ()
    tracks.tag(Tags(title="a song"))
    read = decode(tracks.paths["a dog"])
    assert read.waveform.samples == pytest.approx(np.concatenate(pieces, axis=1), abs=2**-14) and not read.warnings
