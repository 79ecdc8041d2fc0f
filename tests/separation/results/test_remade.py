"""Bits flip in each kind of kept file: it is noticed, named, and made again, or it is said what to do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from separation import Request, decode
from separation.engine.engine import Inline
from separation.events import ChunkFinished
from separation.results.kept import recording_of
from separation.results.remade import remade
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.separation.audio.test_video import film
from tests.support import run_fakes
from tests.support.damage import flip
from tests.support.terminal import audio_playground

N_CHUNKS = 5  # of 0.5 s, sharing 0.05 s, in 2 s
WORDS = ("extract", "auto", "song.wav", "-p", "drums")


@pytest.fixture
def song(folder):
    return run_fakes.song(folder / "song.wav")


def kept(folder, kind):
    """The files of the only kept thing of that kind."""
    (item, *_) = ArtifactStore(folder / "home").list(kind)
    return item.files


def samples(path):
    return decode(path).waveform.samples


@pytest.mark.parametrize(
    ("kind", "file", "n_computed"),
    [("recording", "audio", 0), ("result", "0", 0), ("result", "1", 0)],
)
def test_the_terminal_makes_what_is_damaged_again_and_says_so(folder, backend, song, kind, file, n_computed):
    audio_playground(*WORDS)
    before = {path.name: path.read_bytes() for path in folder.glob("*.wav")}
    flip(kept(folder, kind)[file], 400)
    said = audio_playground(*WORDS).output
    assert f"note: The kept {kind} “" in said and "is damaged" in said and f"“{file}”" in said
    assert {path.name: path.read_bytes() for path in folder.glob("*.wav")} == before
    assert backend.n_evaluations == N_CHUNKS + n_computed, "the chunks are whole"
    assert "is damaged" not in audio_playground(*WORDS).output
    assert len(list((folder / "home/damaged").iterdir())) == 1


def test_a_damaged_chunk_is_computed_again(folder, backend, song):
    key = json.loads(audio_playground(*WORDS, "--json").stdout)["key"]
    before = Path("drums.wav").read_bytes()
    store = ArtifactStore(folder / "home")
    store.remove(key)
    flip(kept(folder, "chunk")["stems"], 400)
    assert "note: The kept chunk" in audio_playground(*WORDS).output
    assert backend.n_evaluations == N_CHUNKS + 1 and Path("drums.wav").read_bytes() == before


def test_without_the_cache_a_damaged_copy_is_replaced(folder, backend, song):
    audio_playground(*WORDS)
    before = {path.name: path.read_bytes() for path in folder.glob("*.wav")}
    for kind, file in (("recording", "audio"), ("result", "0"), ("chunk", "stems")):
        flip(kept(folder, kind)[file], 400)
    said = audio_playground(*WORDS, "--no-cache").output
    assert all(f"The kept {kind} “" in said for kind in ("recording", "result", "chunk"))
    assert {path.name: path.read_bytes() for path in folder.glob("*.wav")} == before
    checked = json.loads(audio_playground("cache", "check", "--json").stdout)
    assert checked["damaged"] == [] and checked["n_whole"] == N_CHUNKS + 2


def test_a_batch_says_it_and_makes_it_again(folder, backend, song):
    (folder / "in").mkdir()
    song.rename(folder / "in" / "song.wav")
    words = ("batch", "in", "-p", "drums", "-o", "out")
    audio_playground(*words)
    before = Path("out/song/drums.wav").read_bytes()
    flip(kept(folder, "result")["0"], 400)
    assert "The kept result “drums” is damaged" in audio_playground(*words).output
    assert Path("out/song/drums.wav").read_bytes() == before


def test_damaged_peaks_are_made_again_of_the_sound(tmp_path, song):
    store = ArtifactStore(tmp_path / "home", remake=remade)
    told = []
    store.checks.on_damage = told.append
    recording = import_recording(song, store)
    before = recording.peaks.read_bytes()
    flip(recording.peaks)
    again = recording_of(store.check(recording.key))
    assert again.peaks.read_bytes() == before and again.audio == recording.audio
    assert "made again" in str(told[0])


def test_a_recording_whose_picture_is_damaged_goes_on_without_it(tmp_path):
    store = ArtifactStore(tmp_path / "home", remake=remade)
    store.checks.on_damage = lambda damage: None
    recording = import_recording(film(tmp_path / "film.mp4"), store)
    assert recording.picture is not None
    flip(recording.picture.path)
    again = recording_of(store.check(recording.key))
    assert again.picture is None and again.audio == recording.audio


def test_a_damaged_recording_that_cannot_be_made_again_says_what_to_do(tmp_path, song):
    store = ArtifactStore(tmp_path / "home", remake=remade)
    told = []
    store.checks.on_damage = told.append
    recording = import_recording(song, store)
    flip(recording.audio, 400)
    assert store.check(recording.key) is None
    assert "song.wav" in str(told[0]) and "its file is brought again" in str(told[0])
    assert import_recording(song, store).key == recording.key


def test_what_a_run_reads_is_compared_before_it_computes(folder, backend, song):
    store = ArtifactStore(folder / "home")
    recording = import_recording(song, store)
    run = separate_recording(recording, Request.of("drums"), store, Inline())
    chunks = [event for event in run if isinstance(event, ChunkFinished)]
    assert len(chunks) == N_CHUNKS and np.any(samples(recording.audio))
