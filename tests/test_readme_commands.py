"""The commands of the README, as they stand and in their order, on files of the names that they use."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import yaml

from assets.demo_recording import load_demo
from separation import Waveform, decode
from separation.audio.encode import encode
from tests.separation.audio.test_video import film
from tests.support import run_fakes
from tests.support.terminal import audio_playground
from tests.test_documents import DOCUMENTS, README, blocks, commands, lines

SHOWN = README.partition("## In the terminal")[2].partition("\n## ")[0]
# What needs weights or a network ends with the status of a backend that cannot run here, and says what to do.
NOT_HERE = {"extract sam-audio": 4, "models download": 4}
SONG_S = 15  # two of the chunks that a command cuts
NEEDS_A_NETWORK = "--download"  # `test_cli` has it fetch from a server of its own


@pytest.fixture
def folder(folder, monkeypatch):
    """The files that the commands name, on a computer without models, a network, or other programs such as ffmpeg."""

    def offline(*address):
        raise OSError("there is no network")

    monkeypatch.setattr("socket.socket.connect", offline)
    monkeypatch.setenv("PATH", str(folder / "no programs"))
    monkeypatch.setenv("TORCH_HOME", str(folder / "no models"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "no models"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    demo = load_demo()
    song = Waveform(demo.mixture[:, : SONG_S * demo.sample_rate], demo.sample_rate)
    encode(song, folder / "other.wav")
    encode(song, folder / "song.mp3", "mp3")
    run_fakes.song(folder / "street.wav", 4.0)
    talk = np.zeros(791 * 8_000)
    # Where the command cuts it, but not all of it: what is silent is separated at once.
    talk[749 * 8_000 : 755 * 8_000] = 0.1 * np.random.default_rng(0).standard_normal(6 * 8_000)
    soundfile.write(folder / "talk.mp3", talk, 8_000, format="MP3")
    film(folder / "film.mp4").rename(folder / "interview.mp4")
    (folder / "songs" / "live").mkdir(parents=True)
    run_fakes.song(folder / "songs" / "one.wav", 1.0)
    run_fakes.song(folder / "songs" / "live" / "two.wav", 1.0, seed=1)
    (folder / "song.yaml").write_text(blocks("yaml", DOCUMENTS["docs/workflows.md"])[0], "utf-8")
    return folder


@pytest.mark.long
def test_they_all_do_what_they_say(folder):
    words = commands(SHOWN)
    assert len(words) == len(lines(SHOWN)) == 14
    for command in words:
        if NEEDS_A_NETWORK in command:
            continue
        audio_playground(*command, status=NOT_HERE.get(" ".join(command[:2]), 0))
    names = {path.name for path in (folder / "stems").iterdir()}
    assert names >= {"drums.wav", "bass.wav", "everything else.wav", "one", "live", "sources.json"}
    assert decode(folder / "stems" / "vocals.wav").waveform.duration_s == pytest.approx(40, abs=0.01)
    assert yaml.safe_load((folder / "run.yaml").read_text("utf-8"))["file"] == "talk.mp3"
    assert (folder / "interview.wav").exists() and (folder / "tape.flac").exists()
    parts = json.loads((folder / "parts" / "song.chunks.json").read_text("utf-8"))
    assert decode(folder / "song.wav").waveform.n_samples == parts["n_samples"]
