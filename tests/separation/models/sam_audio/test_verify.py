"""The comparison with reference tensors, as anyone runs it from the terminal."""

from __future__ import annotations

import json

import numpy as np
import pytest

from separation.models.sam_audio import verify
from tests.support.needing_mlx import with_mlx
from tests.support.sam_models import CHECKPOINT, GOLDEN


class Arithmetic:
    """A subject whose answers are plain arithmetic, with 16 latents a frame as the tiny network has."""

    tolerances = verify.TorchSubject.tolerances

    def features(self, clips):
        whole = np.stack([np.pad(clip, (0, -len(clip) % 1920)) for clip in clips])
        return np.repeat(whole.reshape(len(clips), -1, 1920).mean(2, keepdims=True), 16, axis=2)

    def velocity(self, features, prompts, rows, frame_mask):
        words = np.array([len(prompt) for prompt in prompts])[:, None, None]
        given = np.concatenate([features, features + rows[..., None]], axis=2) * frame_mask[..., None] + words
        return lambda x, t: (given - x * t).astype(np.float32)

    def decode(self, latents):
        return np.repeat(latents.sum(2), 1920, axis=1)


@pytest.fixture
def case(tmp_path):
    """Writes a file that the arithmetic meets exactly: two clips of 3 and 2 frames, one stereo, one with an anchor."""
    rng, subject = np.random.default_rng(0), Arithmetic()
    clips = [rng.standard_normal((2, 5000)).astype(np.float32), rng.standard_normal((1, 3840)).astype(np.float32)]
    meta = {
        "descriptions": ["drums", ""],
        "anchors": [[["+", 0, 0.04]], []],
        "ode": {"method": "euler", "options": {"step_size": 0.3}},
    }
    rows, mask = np.array([[1, 0, 0], [0, 0, 3]]), np.array([[True] * 3, [True, True, False]])
    features = subject.features([clips[0].mean(0), np.pad(clips[1][0], (0, 5000 - 3840))])
    velocity = subject.velocity(features, meta["descriptions"], rows, mask)
    x = noise = rng.standard_normal((2, 3, 32)).astype(np.float32)
    for t, dt in ((0, 0.3), (0.3, 0.3), (0.6, 0.3), (0.9, 0.1)):
        x = x + dt * velocity(x, t)
    golden = {
        "audio_0": clips[0],
        "audio_1": clips[1],
        "noise": noise,
        "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8),
        "audio_features": np.concatenate([features, features], axis=2),
        **{f"v_t{t}": velocity(noise, float(t)) for t in ("0", "0.37", "1")},
        "final_latent": x,
        "target_nowm_0": subject.decode(x[..., :16])[0],
        "residual_nowm_1": subject.decode(x[..., 16:])[1, :3840],
    }

    def write(**changes):
        path = tmp_path / "case.npz"
        np.savez(path, **{name: value for name, value in {**golden, **changes}.items() if value is not None})
        return path

    write.golden = golden
    return write


def test_a_file_that_is_met_is_within_tolerance_in_every_quantity(case):
    report = verify.report(Arithmetic(), case())
    assert report["within_tolerance"]
    for name in ("features", "velocity", "velocity_t0", "velocity_t0.37", "velocity_t1", "latent", "waveform"):
        assert 0 <= report[name] < 1e-4


@pytest.mark.parametrize(
    "key, shown",
    [
        ("audio_features", "features"),
        ("v_t0", "velocity_t0"),
        ("v_t0.37", "velocity_t0.37"),
        ("v_t1", "velocity_t1"),
        ("final_latent", "latent"),
        ("target_nowm_0", "waveform"),
        ("residual_nowm_1", "waveform"),
    ],
)
def test_one_wrong_value_anywhere_is_failure_and_its_size_is_shown(case, key, shown):
    wrong = case.golden[key].copy()
    wrong.flat[wrong.size // 2] += 0.5
    report = verify.report(Arithmetic(), case(**{key: wrong}))
    assert not report["within_tolerance"]
    assert report[shown] == pytest.approx(0.5, abs=1e-3)
    assert shown.startswith("velocity") == (report["velocity"] > 0.4)


def test_what_a_file_does_not_hold_is_null_and_the_rest_is_compared(case):
    report = verify.report(Arithmetic(), case(final_latent=None, v_t1=None))
    assert report["within_tolerance"]
    assert report["latent"] is None and report["waveform"] is None and report["velocity_t1"] is None
    assert report["velocity"] is not None


def test_a_file_with_nothing_to_compare_does_not_pass(case):
    only = dict.fromkeys(("audio_features", "v_t0", "v_t0.37", "v_t1", "final_latent"))
    assert not verify.report(Arithmetic(), case(**only))["within_tolerance"]


@pytest.mark.parametrize("changes", [{"noise": None}, {"v_t0": np.zeros((2, 4, 32), np.float32)}, {"audio_1": None}])
def test_a_file_that_cannot_be_compared_is_failure_with_a_reason(case, changes):
    report = verify.report(Arithmetic(), case(**changes))
    assert not report["within_tolerance"] and report["error"]


def test_a_value_that_is_not_a_number_is_failure_in_valid_json(case):
    report = verify.report(Arithmetic(), case(v_t0=np.full((2, 3, 32), np.nan, np.float32)))
    assert not report["within_tolerance"] and "not finite" in report["error"]
    json.dumps(report, allow_nan=False)


def run(capsys, *files, checkpoint=CHECKPOINT, backend="torch"):
    status = verify.main(["--checkpoint", str(checkpoint), "--backend", backend, *map(str, files)])
    out = capsys.readouterr()
    return status, [json.loads(line) for line in out.out.splitlines()], out.err


@pytest.mark.parametrize("backend", ["torch", pytest.param("mlx", marks=with_mlx)])
def test_each_file_is_a_line_and_all_within_tolerance_is_success(capsys, backend):
    files = ["20_padded_batch.npz", "21_equal_batch.npz"]
    status, lines, _ = run(capsys, *(GOLDEN / file for file in files), backend=backend)
    assert status == 0
    assert [line["file"] for line in lines] == files
    assert all(line["backend"] == backend and 0 < line["velocity"] < 1e-5 for line in lines)


@pytest.mark.parametrize("backend", ["torch", pytest.param("mlx", marks=with_mlx)])
def test_a_backend_past_its_tolerance_fails_however_little(capsys, tmp_path, backend):
    golden = dict(np.load(GOLDEN / "21_equal_batch.npz"))
    golden["v_t0"][0, 0, 0] += 1e-4
    np.savez(tmp_path / "changed.npz", **golden)
    status, (line,), _ = run(capsys, tmp_path / "changed.npz", backend=backend)
    assert status == 1 and not line["within_tolerance"]
    assert line["velocity_t0"] == pytest.approx(1e-4, abs=1e-5)


def test_a_failing_file_does_not_hide_the_next(capsys, tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    status, lines, _ = run(capsys, tmp_path / "text.npz", GOLDEN / "21_equal_batch.npz")
    assert status == 1
    assert [line["within_tolerance"] for line in lines] == [False, True]


def test_a_checkpoint_that_is_not_there_is_said_in_words(capsys, tmp_path):
    status, lines, said = run(capsys, GOLDEN / "21_equal_batch.npz", checkpoint=tmp_path)
    assert status == 1 and lines == []
    assert "config.json" in said
