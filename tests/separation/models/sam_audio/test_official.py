"""Meta's package behind the common protocol: the same request gives what our own network gives."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from separation import Anchor, ChunkSettings, Prompt, Request, SolverSettings, Waveform, extract
from separation.backends import catalogue, registry
from separation.backends.sam_official import SamOfficialBackend
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import BackendUnavailable, SeparationError, SettingsError, WeightsMissing
from separation.events import ModelLoading, SolverStep
from separation.model import FrameSpan, Readiness, Window
from separation.models.sam_audio import sources
from separation.models.sam_audio.official import seconds, watched
from separation.prompts.targets import RESIDUAL
from separation.request import Reroll, SamSettings
from tests.support import fake_hub
from tests.support.sam_models import CHECKPOINT, clip, folder_with, tensors
from tests.support.split_models import publish_official

OFFICIAL, OURS = SamOfficialBackend(), SamTorchBackend()
STUB = Path(__file__).parents[3] / "support" / "official_stub"


@pytest.fixture
def installed(monkeypatch):
    """The stand-in for the official package, as if it were installed."""
    monkeypatch.syspath_prepend(STUB)
    yield
    sys.modules.pop("sam_audio", None)


def package(monkeypatch, path, text):
    """Another package called sam_audio, in front of any that is installed."""
    (path / "sam_audio").mkdir()
    (path / "sam_audio" / "__init__.py").write_text(text)
    monkeypatch.delitem(sys.modules, "sam_audio", raising=False)
    monkeypatch.syspath_prepend(path)


def request(*prompts, model=CHECKPOINT, **settings):
    return Request(
        **{
            "prompts": tuple(prompt if isinstance(prompt, Prompt) else Prompt(text=prompt) for prompt in prompts),
            "model": str(model),
            "device": "cpu",
            "solver": SolverSettings(method="euler", n_steps=2),
            **settings,
        }
    )


def run(events):
    """The events of a generator, and its result."""
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as done:
            return seen, done.value


def loaded(backend, asked):
    return run(backend.load(backend.settle(asked)))[1]


@cache
def tiny(backend):
    """The backend's model of the tiny checkpoint, which serves any request here."""
    return loaded(backend, request("any"))


def window(samples, asked, index=0, **anchors):
    return Window(samples=samples, index=index, stems=frozenset(OFFICIAL.stems(asked)), anchors=anchors)


def check_same(asked, seen):
    """Both backends give one answer."""
    OFFICIAL.targets(asked)
    official, ours = (run(tiny(b).separate(seen, asked))[1] for b in (OFFICIAL, OURS))
    assert set(official) == set(ours) == seen.stems
    for stem, samples in ours.items():
        assert samples.any()
        assert official[stem].dtype == np.float32 and official[stem].shape == seen.samples.shape
        assert official[stem] == pytest.approx(samples, abs=1e-4)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
@pytest.mark.parametrize("grid", ["uniform", "sway"])
def test_a_run_is_our_networks_for_every_solver_and_grid(method, grid):
    asked = request("violin", solver=SolverSettings(method=method, n_steps=3, grid=grid), seed=7)
    check_same(asked, window(clip(7_680, channels=2), asked, index=4))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("n_samples", [1, 960, 961, 1_919, 1_920, 9_001])
def test_a_clip_of_any_length_comes_back_as_long_as_it_was(n_samples):
    asked = request("violin")
    check_same(asked, window(clip(n_samples, channels=1), asked))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "sam",
    [
        SamSettings(stereo="mono", residual="model"),
        SamSettings(stereo="sides", residual="model"),
        SamSettings(stereo="projected", residual="model"),
        SamSettings(chain=True),
        SamSettings(rerolls=(Reroll(chunk=2, seed=99),)),
    ],
)
def test_channels_chains_residuals_and_rerolls_are_our_networks(sam):
    asked = request("violin", " dog barking ", sam=sam)
    check_same(asked, window(clip(5_760, channels=2), asked, index=2))


@pytest.mark.usefixtures("installed")
def test_anchors_fall_on_the_same_frames():
    asked = request("violin", "drums")
    spans = {"violin": (FrameSpan("+", 7, 9), FrameSpan("-", 8, 10)), "drums": (FrameSpan("-", 0, 3),)}
    seen = window(clip(12 * 1920, channels=1), asked, **spans)
    check_same(asked, seen)
    with_, without = (run(loaded(OFFICIAL, asked).separate(w, asked))[1] for w in (seen, window(seen.samples, asked)))
    assert np.abs(with_["violin"] - without["violin"]).max() > 1e-3


def test_the_seconds_of_a_frame_are_rounded_up_to_that_frame():
    for frame in range(5_000):
        ((_, first_s, stop_s),) = seconds([FrameSpan("+", frame, frame + 1)], 1920, 48_000)
        assert [math.ceil(time_s * 48_000 / 1920) for time_s in (first_s, stop_s)] == [frame, frame + 1]
        assert first_s >= 0


@pytest.mark.usefixtures("installed")
def test_a_prompt_that_is_elsewhere_is_silent_and_costs_nothing():
    marked = Prompt(text="violin", anchors=(Anchor(sign="+", start_s=9, stop_s=10),))
    asked = request(marked, sam=SamSettings(only_inside=True))
    events, made = run(tiny(OFFICIAL).separate(window(clip(3_840, channels=1), asked), asked))
    assert events == [] and not made["violin"].any()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("chain", [False, True])
def test_every_evaluation_is_reported_once(chain):
    sam = SamSettings(stereo="sides", chain=chain)
    asked = request("violin", "drums", sam=sam, solver=SolverSettings(method="midpoint", n_steps=2))
    events, _ = run(tiny(OFFICIAL).separate(window(clip(3_840, channels=2), asked), asked))
    n_evaluations = 2 * 2 * 4  # prompts x channels x stages of all steps
    assert [(step.done, step.total) for step in events if isinstance(step, SolverStep)] == [
        (done, n_evaluations) for done in range(1, n_evaluations + 1)
    ]


@pytest.mark.usefixtures("installed")
def test_a_run_that_is_closed_stops_at_its_next_evaluation_and_the_model_works_on():
    asked = request("violin", solver=SolverSettings(method="euler", n_steps=400))
    model, seen = loaded(OFFICIAL, asked), window(clip(3_840, channels=1), asked)
    calls = []
    transformer = sys.modules["sam_audio"].Transformer
    with register_module_forward_hook(lambda module, *_: calls.append(1) if isinstance(module, transformer) else None):
        running = model.separate(seen, asked)
        next(running)
        running.close()
        stopped = len(calls)
        assert 0 < stopped < 400
        short = request("violin")
        assert run(model.separate(seen, short))[1]["violin"].any()
    assert len(calls) == stopped + 2


def test_what_goes_wrong_in_the_official_code_is_not_lost():
    def work():
        raise ZeroDivisionError("inside")

    with pytest.raises(ZeroDivisionError, match="inside"):
        run(watched(work, torch.nn.Identity(), 3))


@pytest.mark.usefixtures("installed")
def test_weights_that_are_not_numbers_are_refused(tmp_path):
    broken = {**tensors(), "proj.bias": tensors()["proj.bias"] * torch.nan}
    asked = request("violin", model=folder_with(tmp_path, broken, safetensors=False, text=True))
    with pytest.raises(SeparationError, match="not numbers"):
        run(loaded(OFFICIAL, asked).separate(window(clip(1_920, channels=1), asked), asked))


@pytest.mark.usefixtures("installed")
def test_loading_is_reported_in_the_checkpoints_bytes():
    events, model = run(OFFICIAL.load(request("violin", chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.1))))
    size = (CHECKPOINT / "checkpoint.pt").stat().st_size
    assert [(event.done_bytes, event.total_bytes) for event in events if isinstance(event, ModelLoading)] == [
        (0, size),
        (size, size),
    ]
    assert model.facts.generative and model.facts.frame == 1920 and model.facts.latents is None
    assert model.facts.windowing.chunk == 12 * 1920


@pytest.mark.usefixtures("installed")
def test_the_text_encoder_is_found_in_the_hubs_cache(tmp_path, monkeypatch):
    snapshot = tmp_path / "hub" / "models--t5" / "snapshots" / "abc"
    shutil.copytree(CHECKPOINT / "t5", snapshot)
    (tmp_path / "hub" / "models--t5" / "refs").mkdir()
    (tmp_path / "hub" / "models--t5" / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    asked = request("violin", model=folder_with(tmp_path / "model", tensors(), safetensors=False))
    seen = window(clip(1_920, channels=1), asked)
    cached = run(loaded(OFFICIAL, asked).separate(seen, asked))[1]
    beside = request("violin")
    assert np.array_equal(cached["violin"], run(tiny(OFFICIAL).separate(seen, beside))[1]["violin"])


def test_without_the_package_a_person_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sam_audio", None)
    availability = OFFICIAL.availability(request("violin"))
    assert availability.readiness is Readiness.NOT_INSTALLED
    assert 'pip install "audio-playground[official]"' in str(availability)
    with pytest.raises(BackendUnavailable, match="audio-playground"):
        run(OFFICIAL.load(request("violin")))


def test_the_empty_package_of_that_name_is_not_taken_for_it(monkeypatch, tmp_path):
    package(monkeypatch, tmp_path, "")
    assert OFFICIAL.availability(request("violin")).readiness is Readiness.NOT_INSTALLED


def test_looking_for_the_package_imports_neither_it_nor_a_framework():
    code = (
        "import json, sys\n"
        "from separation import Request\n"
        "from separation.backends.sam_official import SamOfficialBackend\n"
        f"asked = Request.of('violin', model={str(CHECKPOINT)!r})\n"
        "assert SamOfficialBackend().availability(asked).usable\n"
        "SamOfficialBackend().revision(asked)\n"
        "print(json.dumps(sorted({'sam_audio', 'torch', 'transformers'} & set(sys.modules))))\n"
    )
    paths = f"import sys; sys.path.insert(0, {str(STUB)!r})\n"
    done = subprocess.run([sys.executable, "-c", paths + code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.usefixtures("installed")
def test_a_conversion_is_not_enough_for_the_official_code(tmp_path):
    asked = request("violin", model=folder_with(tmp_path, tensors(), text=True))
    availability = OFFICIAL.availability(asked)
    assert availability.readiness is Readiness.NEEDS_WEIGHTS and "checkpoint.pt" in availability.sentence
    with pytest.raises(WeightsMissing, match="sam_torch"):
        run(OFFICIAL.load(asked))


@pytest.mark.usefixtures("installed")
def test_weights_that_are_not_here_are_explained_as_for_our_network():
    absent = request("violin", model="large-tv")
    assert OFFICIAL.availability(absent) == OURS.availability(absent)


def test_a_package_that_does_not_import_says_why(monkeypatch, tmp_path):
    package(monkeypatch, tmp_path, "import no_such_package\nclass SAMAudio():\n    pass\n")
    assert OFFICIAL.availability(request("violin")).usable
    with pytest.raises(BackendUnavailable, match=r"ModuleNotFoundError.*no_such_package.*sam_torch"):
        run(OFFICIAL.load(request("violin")))


@pytest.mark.usefixtures("installed")
def test_a_model_the_package_does_not_know_is_explained(tmp_path):
    folder = folder_with(tmp_path, tensors(), safetensors=False, text=True)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "of_tomorrow": 1}))
    with pytest.raises(BackendUnavailable, match="of_tomorrow"):
        run(OFFICIAL.load(request("violin", model=folder)))


@pytest.mark.usefixtures("installed")
def test_a_truncated_checkpoint_is_explained(tmp_path):
    folder = folder_with(tmp_path, tensors(), safetensors=False, text=True)
    whole = (folder / "checkpoint.pt").read_bytes()
    (folder / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackendUnavailable, match="cannot read this model"):
        run(OFFICIAL.load(request("violin", model=folder)))


@pytest.mark.parametrize("method", ["heun", "ab2"])
def test_a_solver_the_package_does_not_have_is_refused_by_naming_those_it_has(method):
    with pytest.raises(SettingsError, match=f"{method}.*euler, midpoint, rk4"):
        OFFICIAL.targets(request("violin", solver=SolverSettings(method=method)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sam": SamSettings(precision="int8")}, "int8"),
        ({"chunks": ChunkSettings(stitch="multidiffusion")}, "multi-diffusion"),
    ],
)
def test_a_setting_the_package_does_not_have_is_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        OFFICIAL.targets(request("violin", **settings))


@pytest.mark.usefixtures("installed")
def test_a_settled_request_names_this_backend_and_its_results_are_never_taken_for_our_networks():
    asked = request("violin")
    settled = OFFICIAL.settle(asked)
    assert settled.backend == "sam_official" and OFFICIAL.settle(settled) == settled
    assert OFFICIAL.revision(asked) != OURS.revision(asked)


def test_the_revision_follows_the_packages_code(monkeypatch, tmp_path):
    package(monkeypatch, tmp_path, "class SAMAudio():\n    pass\n")
    before = OFFICIAL.revision(request("violin"))
    assert before == OFFICIAL.revision(request("violin"))
    (tmp_path / "sam_audio" / "model.py").write_text("faster = True\n")
    assert OFFICIAL.revision(request("violin")) != before


def test_the_watermark_is_said_where_the_licence_is():
    assert "watermark" in OFFICIAL.licence


@pytest.mark.usefixtures("installed")
def test_a_recording_of_several_chunks_becomes_tracks_that_add_up_to_it(monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", {"sam_official": OFFICIAL})
    asked = request("violin", backend="sam_official", chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.16))
    mixture = Waveform(clip(30_001, channels=2), 48_000)
    tracks = extract(mixture, asked)
    assert list(tracks) == ["violin", RESIDUAL] and tracks["violin"].samples.any()
    assert sum(track.samples for track in tracks.values()) == pytest.approx(mixture.samples, abs=1e-6)


@pytest.mark.usefixtures("installed")
def test_the_text_encoder_that_was_fetched_without_its_decoder_is_used(tmp_path, monkeypatch):
    with fake_hub.installed(tmp_path, monkeypatch) as hub:
        publish_official(hub)
        sources.use(["facebook"])
        monkeypatch.setenv("HF_TOKEN", fake_hub.TOKEN)
        list(catalogue.download("sam-audio-small"))
        asked = OFFICIAL.settle(Request.of("violin", backend="sam_official", model="small", device="cpu"))
        _, model = run(OFFICIAL.load(asked))
        assert model.facts.sample_rate == 48_000
