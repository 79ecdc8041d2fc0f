"""The table of `tests/golden/inputs/README.md` holds: in the terminal, in JSON and for uploads alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation.results.kept import recording_of
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
    assert json.loads(result)["warnings"] == []
    assert soundfile.info("drums.wav").frames == 264_600
    assert capfd.readouterr().err == ""


def test_the_picture_of_a_film_with_reordered_frames_comes_back_with_the_sound(client, store, tmp_path):
    source = INPUTS / "plain_h264.mkv"
    answer = upload(client, source.read_bytes(), source.name).json()
    assert answer["warnings"] == []
    got = tmp_path / "got.mp4"
    got.write_bytes(client.get(f"/media/{answer['key']}/audio/file?format=video").content)
    assert packets(got) == packets(source)
    assert len(frames(got)) == 75 and frames(got) == frames(source)


def test_a_picture_that_is_lost_is_said_where_the_film_was_brought(client, folder, backend):
    path = film(folder / "film.flv")
    words = "The picture is not kept, so only the sound can be downloaded: "
    (said,) = upload(client, path.read_bytes(), path.name).json()["warnings"]
    assert said.startswith(words)
    assert f"note: {words}" in audio_playground("extract", "auto", path, "-p", "drums").output
