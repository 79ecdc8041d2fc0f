"""`--no-cache`: nothing that is kept is used, and what is computed takes its place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from separation import decode
from separation.results.bypass_cache import BypassCache
from separation.results.kept import recording_of
from separation.results.runs import import_recording
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.terminal import audio_playground

N_CHUNKS = 5  # of 0.5 s, sharing 0.05 s, in 2 s


pytestmark = pytest.mark.usefixtures("folder")


def silence(backend):
    """From now on the model answers otherwise, without saying that it is another one."""
    backend.model.split = lambda heard, window: dict.fromkeys(("drums", "bass", "vocals", "other"), 0 * heard)


def is_silent(path):
    return not np.any(decode(path).waveform.samples)


@pytest.mark.parametrize("command", ["extract", "batch"])
def test_everything_is_computed_anew_and_takes_the_place_of_what_was_kept(folder, backend, command):
    (folder / "in").mkdir()
    run_fakes.song(folder / "in" / "song.wav")
    words = {
        "extract": ("extract", "auto", "in/song.wav", "-p", "drums", "-o", "out/song", "--json"),
        "batch": ("batch", "in", "-p", "drums", "-o", "out", "--json"),
    }[command]
    audio_playground(*words)
    assert backend.n_evaluations == N_CHUNKS
    assert json.loads(audio_playground(*words).stdout)["cached"] == 1
    assert backend.n_evaluations == N_CHUNKS and not is_silent("out/song/drums.wav")
    n_kept = len(ArtifactStore(folder / "home").list())
    silence(backend)
    assert json.loads(audio_playground(*words, "--no-cache").stdout)["cached"] == 0
    assert backend.n_evaluations == 2 * N_CHUNKS, "neither the result nor a chunk was taken from the store"
    assert is_silent("out/song/drums.wav")
    assert len(ArtifactStore(folder / "home").list()) == n_kept
    (folder / "out/song/drums.wav").unlink()
    assert json.loads(audio_playground(*words).stdout)["cached"] == 1
    assert backend.n_evaluations == 2 * N_CHUNKS and is_silent("out/song/drums.wav")


def test_the_chunks_that_were_kept_are_replaced_too(folder, backend):
    run_fakes.song(folder / "song.wav")
    words = ("extract", "auto", "song.wav", "-p", "drums", "--json")
    audio_playground(*words)
    silence(backend)
    result = json.loads(audio_playground(*words, "--no-cache").stdout)
    store = ArtifactStore(folder / "home")
    store.remove(result["key"])
    audio_playground(*words)
    assert backend.n_evaluations == 2 * N_CHUNKS, "the last run found its chunks"
    assert is_silent("drums.wav")


def test_a_bypassed_store_finds_what_it_kept_itself(folder):
    store = ArtifactStore(folder / "home")
    song = run_fakes.song(folder / "song.wav")
    kept = import_recording(song, store)
    bypass = BypassCache(store)
    assert bypass.get(kept.key) is None
    again = import_recording(song, bypass)
    assert again.key == kept.key and again.created > kept.created
    assert bypass.get(kept.key) == store.get(kept.key) and recording_of(store.get(kept.key)) == again
    store.remove(kept.key)
    assert bypass.get(kept.key) is None
