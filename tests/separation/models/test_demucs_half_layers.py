"""Demucs with products in bfloat16 is Demucs, within what rounding its factors to 8 binary digits does."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from separation.audio.waveform import Waveform
from separation.backends import demucs as backend_module
from separation.backends import registry
from separation.events import PrecisionMeasured
from separation.hardware import half_precision
from separation.hardware.half_precision import Precision
from separation.hardware.products import ProductSpeed
from separation.hub.precision import SWITCH, settle
from separation.model import Window
from separation.models.demucs import half_layers
from separation.models.demucs.half_layers import can_be_half, use_half_layers
from separation.pipeline.chunk_keys import chunk_key
from separation.pipeline.separate import extract
from separation.request import Request, SamSettings
from separation.results import report
from tests.support import demucs_models as tiny
from tests.support.measuring import Measuring

LIKE_PUBLISHED = {"nfft": 1024, "dconv_mode": 3}  # frequencies are left when the transformer begins
FASTER: dict[Precision, ProductSpeed] = {
    "float32": ProductSpeed(gflops=200.0, error_db=-128.0),
    "bfloat16": ProductSpeed(gflops=400.0, error_db=-51.0),
}
NETWORKS = [{}, {"bottom_channels": 16}, {"t_layers": 0}, {"freq_emb": 0.0}, {"dconv_mode": 1}, {"context": 0}]


def song(n_samples: int = tiny.SEGMENT) -> np.ndarray:
    """Tones that begin one after another, and a beat, shape (2, samples)."""
    t_s = np.arange(n_samples) / tiny.SAMPLE_RATE
    tones = [np.sin(2 * np.pi * f_hz * t_s) * (t_s > 0.2 * n) for n, f_hz in enumerate((220.0, 330.0, 550.0))]
    beat = np.random.default_rng(0).normal(size=n_samples) * np.exp(-30 * (t_s % 0.25))
    return np.stack([0.1 * sum(tones) + 0.1 * beat, 0.1 * tones[0] - 0.05 * beat]).astype(np.float32)


def answers(network: torch.nn.Module, n_samples: int = tiny.SEGMENT) -> tuple[torch.Tensor, torch.Tensor]:
    """What Demucs' own layers and ours make of the same song, shape (1, stems, channels, samples)."""
    ours = copy.deepcopy(network)
    assert can_be_half(ours)
    use_half_layers(ours)  # type: ignore[arg-type]  # which it can be
    mixture = torch.from_numpy(song(n_samples))[None]
    with torch.inference_mode():
        return network(mixture), ours(mixture)


@pytest.mark.parametrize("settings", NETWORKS)
@pytest.mark.parametrize("n_samples", [tiny.SEGMENT, 7001])
def test_without_rounding_it_is_demucs_itself(
    settings: dict[str, Any], n_samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_layers, "HALF", torch.float32)
    theirs, ours = answers(tiny.htdemucs(**LIKE_PUBLISHED | settings), n_samples)
    assert theirs.shape == ours.shape and theirs.std() > 1e-3
    torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=0)


@pytest.mark.parametrize("seed", [0, 1])
def test_rounding_is_far_below_what_a_separation_gets_wrong(seed: int) -> None:
    theirs, ours = answers(tiny.htdemucs(seed, **LIKE_PUBLISHED, bottom_channels=16))
    assert ours.dtype == torch.float32
    for stem in range(len(tiny.FOUR)):
        wrong = (ours - theirs)[:, stem].square().sum() / theirs[:, stem].square().sum()
        assert -70 < 10 * wrong.log10() < -36


def test_other_networks_are_known_to_be_others() -> None:
    assert can_be_half(tiny.htdemucs(**LIKE_PUBLISHED))
    others = [tiny.hdemucs(), tiny.demucs(), tiny.htdemucs()]  # the last one merges its branches, as v3 did
    others += [tiny.htdemucs(**LIKE_PUBLISHED, norm_starts=1), tiny.htdemucs(**LIKE_PUBLISHED, rewrite=False)]
    assert not any(map(can_be_half, others))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.save_package(tiny.htdemucs(3, **LIKE_PUBLISHED), tmp_path / "transformer.th")
    tiny.save_package(tiny.hdemucs(3), tmp_path / "hybrid.th")
    return tmp_path


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Measuring[dict[Precision, ProductSpeed]]:
    """An x86 computer without a card, on which nothing was measured yet."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(backend_module, "NVIDIA", tmp_path / "nvidia0")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("sys.platform", "linux")
    measuring = Measuring(FASTER)
    monkeypatch.setattr(half_precision, "measure", measuring)
    return measuring


Measured = Measuring[dict[Precision, ProductSpeed]]


def asked(model: str = "htdemucs", device: str = "auto", precision: str = "auto") -> Request:
    return Request.of("vocals", backend="demucs", model=model, device=device, sam=SamSettings(precision=precision))


def settled(request: Request) -> Request:
    return registry.get("demucs").settle(request)


def test_published_transformers_take_it_where_it_was_measured_to_be_faster(measuring: Measured) -> None:
    assert settled(asked()).sam.precision == "float32" and measuring.asked == []
    settle("auto", "cpu")
    for model, device in (("htdemucs", "auto"), ("htdemucs_ft", "cpu"), ("htdemucs_6s", "auto")):
        assert settled(asked(model, device)).sam.precision == "bfloat16"
    for model, device in (("mdx", "auto"), ("hdemucs_mmi", "cpu"), ("htdemucs", "cuda"), ("htdemucs", "mps")):
        assert settled(asked(model, device)).sam.precision == "float32"


def test_it_is_not_taken_where_its_convolutions_were_never_measured(
    measuring: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle("auto", "cpu")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert settled(asked()).sam.precision == "float32"


def test_what_is_asked_for_comes_first(measuring: Measured, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert settled(asked(precision="bfloat16")).sam.precision == "bfloat16"
    own = tiny.request("transformer", folder)
    assert settled(replace(own, sam=SamSettings(precision="bfloat16"))).sam.precision == "bfloat16"
    settle("auto", "cpu")
    assert settled(asked(precision="float32")).sam.precision == "float32"
    assert settled(own).sam.precision == "float32", "a folder holds any kind of network"
    monkeypatch.setenv(SWITCH, "float32")
    assert settled(asked()).sam.precision == "float32"


def test_kept_chunks_of_one_precision_are_not_taken_for_the_other(measuring: Measured) -> None:
    window = Window(samples=np.zeros((2, 10), np.float32), index=0, stems=frozenset({"vocals"}))
    before = settled(asked())
    settle("auto", "cpu")
    keys = {chunk_key(window, one, revision="1", device="cpu") for one in (before, settled(asked()))}
    assert len(keys) == 2
    assert settled(asked(precision="float32")) == before, "so what was made before is found by asking for float32"


def test_a_report_names_it_and_makes_the_same_request_again(measuring: Measured) -> None:
    request = settled(asked(precision="bfloat16"))
    assert settled(Request.from_dict(report.settings(request))) == request


def test_a_loaded_model_computes_in_it_and_says_what_was_measured(measuring: Measured, folder: Path) -> None:
    exact = tiny.request("transformer", folder)
    half = replace(exact, sam=SamSettings(precision="bfloat16"))
    events, _ = tiny.run(registry.get("demucs").load(settled(half)))
    assert [event.why for event in events if isinstance(event, PrecisionMeasured)] == [
        half_precision.sentence("bfloat16", FASTER)
    ]
    recording = Waveform(song(), tiny.SAMPLE_RATE)
    right, near = (extract(recording, settled(one))["drums"].samples for one in (exact, half))
    share = np.sum((near - right) ** 2) / np.sum(right**2)
    assert -70 < 10 * np.log10(share) < -36


def test_other_networks_stay_in_float32_whatever_is_asked(measuring: Measured, folder: Path) -> None:
    exact = tiny.request("hybrid", folder)
    half = replace(exact, sam=SamSettings(precision="bfloat16"))
    first, second = (
        extract(Waveform(song(), tiny.SAMPLE_RATE), settled(one))["drums"].samples for one in (exact, half)
    )
    np.testing.assert_array_equal(first, second)


def test_the_first_run_is_measured_before_it_is_settled(measuring: Measured, folder: Path) -> None:
    backend = registry.get("demucs")
    exact, other, own = asked(precision="float32"), asked("mdx"), tiny.request("transformer", folder)
    assert backend.is_unmeasured(asked()) and not any(map(backend.is_unmeasured, (exact, other, own)))
    backend.measure(asked())
    assert not backend.is_unmeasured(asked()) and measuring.asked == [("cpu",)]
    assert settled(asked()).sam.precision == "bfloat16"
