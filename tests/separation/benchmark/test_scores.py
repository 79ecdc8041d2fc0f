"""What the tracks of a result are worth beside the true stems of its recording."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from separation.benchmark import scores as module
from separation.benchmark.scores import ResultScores, StemScores, scores_against_truth
from separation.errors import AudioError, SettingsError
from separation.metrics import speech_scores
from separation.metrics.log_wmse import log_wmse
from separation.metrics.reference import si_sdr
from separation.metrics.sdr import frames_sdr, whole_sdr
from separation.metrics.spectral_scores import bleedless_and_fullness, l1_freq, log_spectral_distance_db
from separation.metrics.unreferenced import explained_energy
from tests.support.kept_songs import RATE, a_song, separated

N = 3 * RATE
SPEECH = {"stoi", "pesq"}


def noises(*names, n_channels=2, n=N):
    """Independent noises, each louder and duller than the one before."""
    rng = np.random.default_rng(1)
    white = rng.standard_normal((len(names), n_channels, n + len(names)))
    dull = {name: sum(np.roll(white[at], shift) for shift in range(at + 1)) for at, name in enumerate(names)}
    return {name: 0.05 * own[:, :n] for name, own in dull.items()}


def leaky(stems, leak=0.1, gain=0.9):
    """Each stem with some of all others."""
    whole = sum(stems.values())
    return {name: (gain * own + leak * (whole - own)).astype(np.float32) for name, own in stems.items()}


def numbers(scores: StemScores) -> dict[str, float | None]:
    return {one.name: getattr(scores, one.name) for one in fields(scores) if one.name != "undefined"}


def test_each_value_is_what_its_measure_says(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    estimates = leaky(stems)
    found = scores_against_truth(separated(tmp_path / "result", recording, estimates), recording, truth)
    mixture = sum(stems.values()).astype(np.float32)
    references = {name: own.astype(np.float32) for name, own in stems.items()}
    frames = frames_sdr(estimates, references, RATE)
    assert (found.n_dropped_frames, found.untold, list(found.tracks)) == (0, (), ["drums", "bass"])
    for name, scores in found.tracks.items():
        pair = (estimates[name], references[name])
        bleedless, fullness = bleedless_and_fullness(*pair, RATE)
        assert numbers(scores) == {
            "si_sdr_db": pytest.approx(si_sdr(*pair)),
            "sdr_db": pytest.approx(frames.median_db[name]),
            "sdr_whole_db": pytest.approx(whole_sdr(*pair)),
            "bleedless": pytest.approx(bleedless),
            "fullness": pytest.approx(fullness),
            "l1_freq": pytest.approx(l1_freq(*pair)),
            "log_wmse": pytest.approx(log_wmse(*pair, mixture, RATE), abs=1e-4),
            "log_spectral_distance_db": pytest.approx(log_spectral_distance_db(*pair)),
            "explained_energy": pytest.approx(explained_energy(estimates[name], mixture, RATE)),
            "stoi": None,
            "pesq": None,
        }
        assert scores.undefined == dict.fromkeys(SPEECH, module.NO_VOICE)
    assert found.tracks["bass"].si_sdr_db > found.tracks["drums"].si_sdr_db, "the louder one keeps more of itself"


def test_a_name_finds_the_stem_that_it_means_and_sums_of_stems(tmp_path):
    """The singer is the voice, and everything else all that no other track is."""
    stems = noises("voice", "drums", "keys")
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky({"singer": stems["voice"], "everything else": stems["drums"] + stems["keys"]})
    found = scores_against_truth(separated(tmp_path / "result", recording, tracks), recording, truth)
    rest = (stems["drums"] + stems["keys"]).astype(np.float32)
    assert found.untold == ()
    assert found.tracks["singer"].si_sdr_db == pytest.approx(
        si_sdr(tracks["singer"], stems["voice"].astype(np.float32)), abs=1e-4
    )
    assert found.tracks["everything else"].si_sdr_db == pytest.approx(si_sdr(tracks["everything else"], rest), abs=1e-4)
    assert found.tracks["singer"].undefined.get("stoi") != module.NO_VOICE
    assert found.tracks["everything else"].undefined["stoi"] == module.NO_VOICE


def test_a_track_without_truth_is_named(tmp_path):
    stems = noises("voice", "drums")
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky(stems) | {"dog barking": stems["voice"], "everything else": stems["drums"]}
    found = scores_against_truth(separated(tmp_path / "result", recording, tracks), recording, truth)
    assert (found.untold, set(found.tracks)) == (("dog barking", "everything else"), {"voice", "drums"})
    only = separated(tmp_path / "other", recording, {"dog barking": stems["voice"]})
    assert scores_against_truth(only, recording, truth) == ResultScores(
        tracks={}, n_dropped_frames=0, untold=("dog barking",)
    )


def test_with_a_silent_truth_there_is_what_compares_levels_and_no_ratio(tmp_path):
    stems = noises("drums", "bass")
    stems["bass"][:] = 0
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky(stems)
    found = scores_against_truth(separated(tmp_path / "result", recording, tracks), recording, truth)
    bass = found.tracks["bass"]
    assert {name for name, value in numbers(bass).items() if value is not None} == {
        "l1_freq",
        "log_wmse",
        "explained_energy",
    }
    assert bass.undefined["si_sdr_db"] == module.SILENT_TRUTH
    assert (bass.sdr_db, bass.undefined["sdr_db"], found.n_dropped_frames) == (None, module.NO_FRAME, 3)
    quieter = scores_against_truth(
        separated(tmp_path / "other", recording, tracks | {"bass": 0.1 * tracks["bass"]}), recording, truth
    )
    assert quieter.tracks["bass"].log_wmse > bass.log_wmse + 5
    assert quieter.tracks["bass"].l1_freq > bass.l1_freq + 5


def test_a_silent_track_lacks_everything(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky(stems) | {"bass": np.zeros((2, N))}
    bass = scores_against_truth(separated(tmp_path / "r", recording, tracks), recording, truth).tracks["bass"]
    assert (bass.si_sdr_db, bass.undefined["si_sdr_db"]) == (None, module.NOTHING_TRUE)
    assert (bass.explained_energy, bass.undefined["explained_energy"]) == (None, module.SILENT_TRACK)
    assert bass.sdr_whole_db == pytest.approx(0, abs=1e-6)
    assert (bass.bleedless, bass.fullness) == (100, pytest.approx(0, abs=2))


def test_a_silent_recording_has_no_level_to_weigh_an_error_with(tmp_path):
    stems = {name: np.zeros((2, N)) for name in ("drums", "bass")}
    recording, truth = a_song(tmp_path, stems)
    result = separated(tmp_path / "result", recording, noises("drums", "bass"))
    drums = scores_against_truth(result, recording, truth).tracks["drums"]
    assert (drums.log_wmse, drums.undefined["log_wmse"]) == (None, module.SILENT_RECORDING)
    assert drums.explained_energy == 0


def test_what_is_perfect_has_no_number_that_data_could_not_hold(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    found = scores_against_truth(separated(tmp_path / "result", recording, stems), recording, truth)
    drums = found.tracks["drums"]
    assert (drums.sdr_db, drums.undefined["sdr_db"]) == (None, module.PERFECT)
    assert (drums.bleedless, drums.fullness, drums.l1_freq, drums.log_spectral_distance_db) == (100, 100, 100, 0)
    json.dumps(found.to_dict(), allow_nan=False)


def test_scores_survive_as_plain_values(tmp_path):
    stems = noises("voice", "drums")
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky(stems) | {"a dog": stems["drums"]}
    found = scores_against_truth(separated(tmp_path / "result", recording, tracks), recording, truth)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert ResultScores.from_dict(values) == found
    values["tracks"]["voice"]["of_a_later_version"] = 1.0
    assert ResultScores.from_dict(values) == found


def test_a_result_that_ends_early_is_compared_with_the_beginning(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    begun = {name: own[:, : 2 * RATE + 100] for name, own in leaky(stems).items()}
    found = scores_against_truth(separated(tmp_path / "result", recording, begun), recording, truth)
    reference = stems["drums"][:, : 2 * RATE + 100].astype(np.float32)
    assert found.tracks["drums"].sdr_whole_db == pytest.approx(whole_sdr(begun["drums"], reference), abs=1e-6)


def test_a_mono_track_is_on_both_sides_of_a_stereo_recording(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    mono = {name: own.mean(axis=0, keepdims=True) for name, own in leaky(stems).items()}
    both = {name: np.repeat(own, 2, axis=0) for name, own in mono.items()}
    found = [
        scores_against_truth(separated(tmp_path / f"{index}", recording, tracks), recording, truth)
        for index, tracks in enumerate((mono, both))
    ]
    assert found[0] == found[1]
    assert found[0].tracks["drums"].si_sdr_db < 0.5, "its sides are not the same"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"recording": "another"}, "not separated from"),
        ({"sample_rate": 2 * RATE}, "stereo at 16000 Hz"),
        ({"n_samples": 0}, "0 s long"),
    ],
)
def test_what_does_not_belong_together_is_refused(change, why, tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    result = replace(separated(tmp_path / "result", recording, stems), **change)
    with pytest.raises(SettingsError, match=why):
        scores_against_truth(result, recording, truth)


def test_stems_of_another_recording_are_refused(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    result = separated(tmp_path / "result", recording, stems)
    with pytest.raises(SettingsError, match="not the true stems"):
        scores_against_truth(result, recording, replace(truth, key="another"))


def test_a_stereo_track_of_a_mono_recording_is_refused(tmp_path):
    stems = noises("drums", "bass", n_channels=1)
    recording, truth = a_song(tmp_path, stems)
    result = separated(tmp_path / "result", recording, noises("drums", "bass"))
    with pytest.raises(SettingsError, match="has 2 channels at 8000 Hz"):
        scores_against_truth(result, recording, truth)


def test_more_than_ten_minutes_are_refused_before_they_are_read(tmp_path):
    recording, truth = a_song(tmp_path, noises("drums"))
    long = {"n_samples": 600 * RATE + 1}
    result = replace(separated(tmp_path / "result", recording, noises("drums")), **long)
    for track in result.tracks:
        track.audio.unlink()
    with pytest.raises(SettingsError, match="at most 600 s"):
        scores_against_truth(result, replace(recording, **long), replace(truth, **long))


def test_samples_that_are_no_numbers_are_not_scored(tmp_path):
    stems = noises("drums", "bass")
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky(stems)
    tracks["bass"][0, 100] = np.nan
    with pytest.raises(AudioError, match="not a number"):
        scores_against_truth(separated(tmp_path / "result", recording, tracks), recording, truth)


def test_a_file_that_is_gone_is_said(tmp_path):
    recording, truth = a_song(tmp_path, noises("drums", "bass"))
    result = separated(tmp_path / "result", recording, noises("drums", "bass"))
    result.tracks[1].audio.unlink()
    with pytest.raises(AudioError):
        scores_against_truth(result, recording, truth)


@pytest.mark.parametrize("installed", [True, False])
def test_voices_have_the_scores_of_speech_if_the_packages_are_there(installed, tmp_path, monkeypatch):
    for name, score in (("stoi", 0.75), ("pesq", None)):
        monkeypatch.setattr(speech_scores, f"has_{name}", lambda: installed)
        monkeypatch.setattr(speech_scores, name, lambda estimate, reference, rate, score=score: score)
    stems = noises("speech", "music")
    recording, truth = a_song(tmp_path, stems)
    tracks = leaky({"man speaking": stems["speech"], "no vocals": stems["music"]})
    found = scores_against_truth(separated(tmp_path / "result", recording, tracks), recording, truth).tracks
    voice, music = found["man speaking"], found["no vocals"]
    assert (music.stoi, music.undefined["stoi"]) == (None, module.NO_VOICE)
    assert (voice.stoi, voice.pesq) == (0.75 if installed else None, None)
    why = {name: voice.undefined.get(name) for name in SPEECH}
    assert why == (
        {"stoi": None, "pesq": module.NO_SPEECH}
        if installed
        else {"stoi": "the package pystoi is not installed", "pesq": "the package pesq is not installed"}
    )
