"""Anchors on frames, the noise, whole frames and the configuration: the parts of SAM-Audio that need no network."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.chunking.anchors import first_frame, frame_spans
from separation.errors import AudioError, BackendUnavailable, WeightsMissing
from separation.models.sam_audio.anchors import ABSENT, NULL, PAD, PRESENT, anchor_rows
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.framing import n_frames, whole_frames
from separation.models.sam_audio.noise import noise
from separation.request import Anchor
from tests.support.sam_models import CASES, CHECKPOINT, tiny_config

NOISE_7_3 = [-0.56732559, -2.07632279, -0.6064592, -0.15308173, -0.20025332, 0.01547252]


def span(text):
    start, stop = text[1:].split("-")
    return Anchor(sign=text[0], start_s=float(start), stop_s=float(stop))


@pytest.mark.parametrize("time_s, frame", [(0, 0), (0.04, 1), (0.041, 2), (0.28, 8), (0.56, 15), (1.0, 25), (1.2, 30)])
def test_an_anchor_starts_on_the_first_frame_at_or_after_it_in_floating_point(time_s, frame):
    assert first_frame(time_s) == frame


@given(time_s=st.floats(0, 1000))
def test_an_anchor_frame_is_never_before_its_time_and_never_a_frame_late(time_s):
    assert time_s - 1e-9 <= first_frame(time_s) * 0.04 < time_s + 0.04 + 1e-9


def test_later_anchors_win_and_the_end_is_cut():
    rows = anchor_rows(frame_spans([span("+0-0.2"), span("-0.12-0.16"), span("+0.36-9")], 0, 10), 10)
    assert rows.tolist() == [PRESENT, PRESENT, PRESENT, ABSENT, PRESENT, NULL, NULL, NULL, NULL, PRESENT]


def test_spans_are_cut_to_the_window_they_are_seen_in():
    spans = [span("+0-0.2"), span("-0.36-9"), span("+0.04-0.08")]
    assert frame_spans(spans, 0, 10) == (("+", 0, 5), ("-", 9, 10), ("+", 1, 2))
    assert frame_spans(spans, 3, 8) == (("+", 0, 2), ("-", 6, 8))
    assert frame_spans(spans, -2, 4) == (("+", 2, 4), ("+", 3, 4))


def test_an_empty_anchor_changes_nothing_and_none_is_a_row_of_its_own():
    assert frame_spans([span("+0.1-0.1")], 0, 5) == ()
    assert anchor_rows([], 5).tolist() == [NULL] * 5


@given(start=st.integers(0, 60), length=st.integers(1, 60))
def test_a_chunk_has_the_anchor_frames_of_the_whole_recording(start, length):
    anchors = [span("+0.28-1.4"), span("-1.32-1.3999"), span("+2.2-2.56")]
    whole = anchor_rows(frame_spans(anchors, 0, 120), 120)
    assert anchor_rows(frame_spans(anchors, start, length), length).tolist() == whole[start:][:length].tolist()


def test_frames_that_pad_a_batch_have_their_own_row():
    assert anchor_rows(frame_spans([span("-0-0.04")], 0, 4), 4, n_valid=2).tolist() == [ABSENT, NULL, PAD, PAD]


@pytest.mark.parametrize("case", [case for case in CASES if "anchor_ids" in np.load(case)], ids=lambda path: path.stem)
def test_anchor_rows_are_those_of_the_official_code(case):
    golden = np.load(case)
    expected = np.take_along_axis(golden["anchor_ids"], golden["anchor_alignment"], axis=1)
    spans = json.loads(golden["meta"].tobytes())["anchors"] or [[]] * len(expected)
    for row, clip, valid in zip(expected, spans, golden["audio_pad_mask"].sum(1), strict=True):
        anchors = [Anchor(sign=sign, start_s=start, stop_s=stop) for sign, start, stop in clip]
        assert anchor_rows(frame_spans(anchors, 0, len(row)), len(row), n_valid=valid).tolist() == row.tolist()


def test_the_noise_of_a_seed_never_changes():
    # Drawn once; another NumPy or another system has to give the same.
    assert noise(7, 3, 2, 3).ravel().tolist() == pytest.approx(NOISE_7_3, abs=1e-7)


def test_noise_is_standard_normal_float32():
    draw = noise(0, 0, 1000, 256)
    assert draw.dtype == np.float32 and draw.shape == (1000, 256)
    assert abs(draw.mean()) < 0.01 and abs(draw.std() - 1) < 0.01


def test_noise_differs_between_seeds_and_chunks_and_a_longer_clip_begins_with_that_of_a_shorter():
    assert np.array_equal(noise(5, 2, 40, 16)[:25], noise(5, 2, 25, 16))
    draws = [noise(seed, index, 50, 16).ravel() for seed, index in ((0, 0), (0, 1), (1, 0), (2**63 - 1, 0))]
    correlations = np.corrcoef(draws) - np.eye(4)
    assert np.abs(correlations).max() < 0.15


@given(n_samples=st.integers(1, 6000))
def test_whole_frames_keep_the_clip_and_add_less_than_a_frame_of_it(n_samples):
    clip = np.arange(1, n_samples + 1, dtype=np.float32)
    whole = whole_frames(clip)
    assert len(whole) == n_frames(n_samples) * 1920 < n_samples + 1920
    assert np.array_equal(whole[:n_samples], clip)
    assert np.isin(whole, clip).all()


@given(n_samples=st.integers(961, 6000))
def test_above_half_a_frame_the_tail_is_the_mirror_image_about_the_last_sample(n_samples):
    clip = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32)
    whole = whole_frames(clip)
    missing = len(whole) - n_samples
    assert np.array_equal(whole[n_samples:], clip[::-1][1 : missing + 1])


def test_a_clip_of_half_a_frame_or_less_is_mirrored_to_and_fro():
    assert whole_frames(np.array([1, 2, 3], np.float32), hop=10).tolist() == [1, 2, 3, 2, 1, 2, 3, 2, 1, 2]
    assert set(whole_frames(np.array([0.5], np.float32))) == {0.5}
    half = np.arange(960, dtype=np.float32)
    assert whole_frames(half)[960:].tolist() == [*range(958, -1, -1), 1]


def test_a_clip_without_samples_is_refused():
    with pytest.raises(AudioError):
        whole_frames(np.zeros(0, np.float32))


def test_the_tiny_configuration_is_read():
    config = read_config(CHECKPOINT)
    assert (config.transformer.dim, config.audio_codec.hop, config.audio_codec.codebook_dim) == (64, 1920, 16)
    assert config.transformer.hidden_dim == 192


@pytest.mark.parametrize(
    "section, name, value",
    [
        (None, "in_channels", 90),
        ("transformer", "qk_norm", False),
        ("transformer", "dim", "64"),
        ("transformer", "non_linearity", "gelu"),
        ("transformer", "n_experts", 8),
        ("audio_codec", "encoder_rates", [3, 8, 10, 8]),
        ("audio_codec", "std", 2.0),
    ],
)
def test_a_configuration_this_network_does_not_compute_is_refused_by_name(tmp_path, section, name, value):
    config = tiny_config()
    (config[section] if section else config)[name] = value
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BackendUnavailable) as error:
        read_config(tmp_path)
    assert name in str(error.value) or "stride" in str(error.value)


def test_a_folder_without_configuration_says_what_it_should_hold(tmp_path):
    with pytest.raises(WeightsMissing, match=r"checkpoint\.pt"):
        read_config(tmp_path)


def test_a_configuration_that_is_not_json_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BackendUnavailable, match=r"config.json"):
        read_config(tmp_path)
