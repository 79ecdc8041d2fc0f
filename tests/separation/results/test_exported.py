"""Files of tracks: at one level, so that they add up, and nothing clipped unless that was asked for."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import soundfile

from separation import Waveform, decode, encode
from separation.export.level import PEAK_RULES
from separation.results import exported
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.terminal import audio_playground

PEAK = 4.0  # of the mixture; drums have four tenths of it, everything else six tenths
RESCALED_DB = 20 * np.log10(10 ** (-1 / 20) / (0.6 * PEAK))
QUIET_ERROR = {"wav16": 3 * 2**-15, "wav24": 2**-22, "flac": 2**-22}


@pytest.fixture
def loud(folder):
    """Noise over full scale: every sample is its peak or its negative."""
    signs = np.random.default_rng(0).choice([-PEAK, PEAK], (2, 2 * run_fakes.RATE)).astype(np.float32)
    encode(Waveform(signs, run_fakes.RATE), folder / "loud.wav")
    return folder / "loud.wav"


def samples(path):
    return decode(path).waveform.samples


def extracted(*words):
    command = ("extract", "auto", "loud.wav", "-p", "drums", "-o", "out", "--json")
    return json.loads(audio_playground(*command, *words).stdout)


def the_result(said, folder):
    from separation.results.kept import result_of

    return result_of(ArtifactStore(folder / "home").get(said["key"]))


@pytest.mark.parametrize("format_", QUIET_ERROR)
def test_tracks_over_full_scale_are_turned_down_alike_and_still_add_up(loud, backend, folder, format_):
    said = extracted("--format", format_)
    assert said["gain_db"] == pytest.approx(RESCALED_DB)
    gain = 10 ** (said["gain_db"] / 20)
    tracks = {name: samples(path) for name, path in said["tracks"].items()}
    mixture = samples(loud)
    assert np.abs(sum(tracks.values()) - gain * mixture).max() < 2 * QUIET_ERROR[format_]
    assert np.abs(tracks["drums"] - 0.4 * gain * mixture).max() < QUIET_ERROR[format_]
    (note,) = [warning for warning in said["warnings"] if "turned down" in warning]
    assert f"turned down by {-RESCALED_DB:.1f} dB" in note and "+7.6 dBFS" in note


@pytest.mark.parametrize("format_", ["mp3", "ogg"])
def test_lossy_formats_get_the_same_gain(folder, backend, format_):
    signs = np.zeros((2, 16_000), np.float32)
    signs[:] = PEAK * np.sin(2 * np.pi * 440 * np.arange(16_000) / run_fakes.RATE)
    encode(Waveform(signs, run_fakes.RATE), folder / "loud.wav")
    said = extracted("--format", format_)
    assert said["gain_db"] == pytest.approx(RESCALED_DB, abs=0.02)
    tracks = [samples(path)[:, 2_000:14_000] for path in said["files"]]
    levels = [np.std(track) / np.std(signs[:, 2_000:14_000]) for track in tracks]
    gain = 10 ** (said["gain_db"] / 20)
    assert levels == pytest.approx([0.4 * gain, 0.6 * gain], rel=0.1)
    assert levels[1] / levels[0] == pytest.approx(1.5, rel=0.01)


def test_one_sample_too_loud_in_one_track_turns_all_of_them_down(folder, backend):
    quiet = np.full((2, 16_000), 0.5, np.float32)
    quiet[1, -1] = 1.0 / 0.6 * 1.01
    encode(Waveform(quiet, run_fakes.RATE), folder / "loud.wav")
    gain = 10 ** (extracted("--format", "wav24")["gain_db"] / 20)
    assert gain == pytest.approx(10 ** (-1 / 20) / 1.01, rel=1e-5)
    assert samples(folder / "out" / "drums.wav")[0, 0] == pytest.approx(0.4 * 0.5 * gain, abs=1e-6)


def test_what_fits_is_written_as_it_is(folder, backend):
    encode(Waveform(np.full((2, 16_000), 1.0, np.float32), run_fakes.RATE), folder / "loud.wav")
    said = extracted("--format", "wav24")
    assert said["gain_db"] == 0 and not any("turned down" in warning for warning in said["warnings"])
    assert samples(folder / "out" / "everything else.wav").max() == pytest.approx(0.6, abs=1e-6)


def test_clipping_is_done_where_it_is_asked_for_and_counted(loud, backend, folder):
    said = extracted("--format", "wav24", "--peak", "clip")
    assert said["gain_db"] == 0
    assert np.abs(samples(folder / "out" / "drums.wav")).min() > 0.9999
    n_clipped = samples(loud).size
    assert f"drums.wav: {n_clipped} samples over full scale were clipped (peak +4.1 dBFS)." in said["warnings"]


@pytest.mark.parametrize("format_", ["wav16", "wav24"])
def test_floats_keep_the_peaks_and_it_is_said(loud, backend, folder, format_):
    said = extracted("--format", format_, "--peak", "float")
    assert soundfile.info(said["tracks"]["drums"]).subtype == "FLOAT"
    assert np.abs(samples(said["tracks"]["drums"])).max() == pytest.approx(0.4 * PEAK)
    assert any("Written as 32-bit float" in warning for warning in said["warnings"])


def test_floats_are_not_written_where_nothing_passes_full_scale(folder, backend):
    run_fakes.song(folder / "loud.wav")
    said = extracted("--format", "wav16", "--peak", "float")
    assert soundfile.info(said["tracks"]["drums"]).subtype == "PCM_16"


@pytest.mark.parametrize("format_", ["flac", "mp3", "ogg"])
def test_a_format_without_floats_is_refused_before_any_work_in_a_workflow_too(loud, backend, folder, format_):
    words = ("extract", "auto", "loud.wav", "-p", "drums", "-o", "out", "--format", format_, "--peak", "float")
    assert "no float samples" in audio_playground(*words, status=2).stderr
    assert (
        "no float samples"
        in audio_playground(
            "batch", ".", "-p", "drums", "-o", "out", "--format", format_, "--peak", "float", status=2
        ).stderr
    )
    options = f"source: loud.wav, prompt: drums, out: out, format: {format_}, peak: float"
    (folder / "w.yaml").write_text(f"steps:\n- {{name: a, command: extract auto, with: {{{options}}}}}\n")
    assert "no float samples" in audio_playground("run", "-c", "w.yaml", "--dry-run", status=2).stderr
    assert backend.n_loads == 0 and not (folder / "out").exists()


def test_a_batch_turns_each_recording_down_by_itself_and_says_which(loud, backend, folder):
    (folder / "music").mkdir()
    loud.rename(folder / "music" / "loud.wav")
    run_fakes.song(folder / "music" / "quiet.wav")
    said = audio_playground("batch", "music", "-p", "drums", "-o", "out", "--format", "wav24").output.splitlines()
    assert [line for line in said if "turned down" in line] == [
        "note: All of it is turned down by 8.6 dB, since peaks of up to +7.6 dBFS would be clipped."
    ]
    quiet = 0.4 * samples(folder / "music" / "quiet.wav")
    assert np.abs(samples(folder / "out" / "quiet" / "drums.wav") - quiet).max() < 1e-6
    assert np.abs(samples(folder / "out" / "loud" / "drums.wav")).max() == pytest.approx(
        0.4 * PEAK * 10 ** (RESCALED_DB / 20), abs=1e-6
    )


def test_a_result_of_an_earlier_version_is_measured_from_its_files(loud, backend, folder):
    from dataclasses import replace

    store = ArtifactStore(folder / "home")
    result = the_result(extracted("--format", "wav24"), folder)
    new = exported.kept_level(result, "wav24", "rescale")
    assert exported.kept_level(replace(result, peak=None), "wav24", "rescale") == new
    assert store.get(result.key).info["peak"] == result.peak == pytest.approx(0.6 * PEAK)


def test_another_rate_is_measured_at_that_rate(loud, backend, folder):
    result = the_result(extracted("--format", "wav24"), folder)
    own, other = (exported.kept_peak(result, lambda own_rate, rate=rate: rate) for rate in (run_fakes.RATE, 44_100))
    assert own == pytest.approx(0.6 * PEAK) and other > 1.05 * own, "between samples noise is louder"


# Files that grow


@pytest.mark.parametrize("format_", ["wav16", "wav24", "flac"])
def test_streaming_says_beforehand_that_it_will_clip_and_afterwards_how_much(loud, backend, folder, format_):
    words = ("extract", "auto", "loud.wav", "-p", "drums", "-o", "out", "--format", format_, "--streaming")
    said = audio_playground(*words).output
    assert said.index("what is over full scale will be clipped") < said.index("chunk 1 of")
    assert "note: drums: 32000 samples over full scale were clipped (peak +4.1 dBFS)." in said
    first = samples(folder / "out" / f"drums{exported.FORMATS[format_]}")
    assert "turned down" not in audio_playground(*words).output, "the kept result is written in the same way"
    assert np.array_equal(samples(folder / "out" / f"drums{exported.FORMATS[format_]}"), first)


def test_streaming_writes_floats_where_they_are_asked_for(loud, backend, folder):
    said = extracted("--format", "wav16", "--peak", "float", "--streaming")
    assert np.abs(samples(said["tracks"]["drums"])).max() == pytest.approx(0.4 * PEAK)
    assert any("Written as 32-bit float" in warning for warning in said["warnings"])


def test_streaming_cannot_turn_down_what_is_not_known_yet(loud, backend, folder):
    words = ("extract", "auto", "loud.wav", "-p", "drums", "-o", "out", "--streaming", "--peak", "rescale")
    assert "cannot be turned down" in audio_playground(*words, "--format", "flac", status=2).stderr
    assert backend.n_loads == 0
    audio_playground(*words, "--format", "wav32f")


def test_what_goes_into_a_fifo_is_turned_down_as_a_file_is(loud, folder):
    import os

    os.mkfifo(folder / "pipe.flac")
    got = []
    reader = threading.Thread(target=lambda: got.append((folder / "pipe.flac").read_bytes()))
    reader.start()
    said = audio_playground("merge", "concat", "loud.wav", "-o", "pipe.flac", "--format", "flac").output
    reader.join()
    audio_playground("merge", "concat", "loud.wav", "-o", "file.flac", "--format", "flac")
    assert "turned down by 13.0 dB" in said
    assert got == [(folder / "file.flac").read_bytes()]
    assert np.abs(samples(folder / "file.flac")).max() == pytest.approx(10 ** (-1 / 20), abs=1e-6)


# Cut and joined files


@pytest.mark.parametrize("rule", PEAK_RULES)
def test_chunks_are_written_at_one_level_and_joined_at_it(folder, rule):
    ramp = np.linspace(-0.5, 2.0, 3 * run_fakes.RATE, dtype=np.float32)[None]
    encode(Waveform(ramp, run_fakes.RATE), folder / "ramp.wav")
    words = ("--format", "wav24", "--peak", rule)
    said = json.loads(
        audio_playground(
            "chunk", "split", "ramp.wav", "--duration", 1, "--overlap", 0.1, "-o", "cut", *words, "--json"
        ).stdout
    )
    joined = json.loads(audio_playground("merge", "concat", "cut", "-o", "joined.wav", *words, "--json").stdout)
    gain = 10 ** (-1 / 20) / 2 if rule == "rescale" else 1
    expected = ramp.clip(-1, 1) if rule == "clip" else gain * ramp
    assert np.abs(samples(folder / "joined.wav") - expected).max() < 1e-6
    sign = {"rescale": "turned down by 7.0 dB", "clip": "were clipped", "float": "32-bit float"}[rule]
    assert any(sign in warning for warning in said["warnings"])
    assert any(sign in warning for warning in joined["warnings"]) == (rule == "float")
