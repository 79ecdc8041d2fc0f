"""The first run on a computer takes the precision that all later ones take, so that the same again is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from separation import Request, Waveform, encode, extract
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.engine.engine import Inline
from separation.events import EventStream
from separation.hardware import half_precision
from separation.hardware.half_precision import Precision
from separation.hardware.products import ProductSpeed
from separation.hub.precision import SWITCH
from separation.pipeline import tasks
from separation.request import SamSettings, SolverSettings
from separation.results.kept import Recording
from separation.results.runs import find_result, import_recording, separate_recording
from storage import ArtifactStore
from tests.support.measuring import Measuring
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.terminal import audio_playground

TWICE: dict[Precision, ProductSpeed] = {
    "float32": ProductSpeed(gflops=200.0, error_db=-128.0),
    "bfloat16": ProductSpeed(gflops=400.0, error_db=-51.0),
}
TINY = ("--model", CHECKPOINT, "--solver", "euler", "--solver-steps", "1")
Measured = Measuring[dict[Precision, ProductSpeed]]


@pytest.fixture(autouse=True)
def measuring(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    """A computer that is faster in bfloat16, on which nothing was measured yet."""
    monkeypatch.delenv(SWITCH, raising=False)
    measuring = Measured(TWICE)
    monkeypatch.setattr(half_precision, "measure", measuring)
    return measuring


@pytest.fixture
def song(folder: Path) -> Path:
    encode(Waveform(clip(20_000, channels=1), 48_000), folder / "song.wav")
    return folder / "song.wav"


@pytest.fixture
def kept(song: Path, store: ArtifactStore) -> Recording:
    return import_recording(song, store)


def asked(device: str = "auto", **sam: str) -> Request:
    solver = SolverSettings(method="euler", n_steps=1)
    model = str(CHECKPOINT)
    return Request.of("x", backend="sam_torch", model=model, device=device, solver=solver, sam=SamSettings(**sam))


class Watched(Inline):
    """Notes what it is asked to run."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def run(self, work, *arguments):  # type: ignore[no-untyped-def]  # as `Engine.run`
        self.ran.append(work.__name__)
        return super().run(work, *arguments)


def test_the_second_run_of_a_command_finds_what_the_first_has_made(song: Path, measuring: Measured) -> None:
    words = ("extract", "sam-audio", "song.wav", "-p", "x", "--device", "cpu", *TINY, "--json")
    found = [json.loads(audio_playground(*words, "-o", str(n)).stdout.splitlines()[-1])["cached"] for n in range(2)]
    assert found == [False, True] and measuring.asked == [("cpu",)]


def test_a_run_is_made_in_the_precision_that_was_measured_for_it(
    kept: Recording, store: ArtifactStore, measuring: Measured
) -> None:
    engine = Watched()
    run = EventStream(separate_recording(kept, asked(), store, engine))
    for _ in run:
        pass
    assert run.result.request.sam.precision == "bfloat16"
    assert engine.ran[0] == "measure", "where the model runs, and not in the process that serves pages"
    assert find_result(kept, asked(), store)[3] is not None
    assert len(measuring.asked) == 1


@pytest.mark.parametrize("request_", [asked(precision="float32"), Request.of("drums", backend="builtin-dsp")])
def test_nothing_is_measured_for_what_does_not_depend_on_it(
    kept: Recording, store: ArtifactStore, measuring: Measured, request_: Request
) -> None:
    engine = Watched()
    for _ in separate_recording(kept, request_, store, engine):
        if "load_model" in engine.ran:
            break
    assert "measure" not in engine.ran


def test_what_is_kept_is_found_without_measuring(kept: Recording, store: ArtifactStore, measuring: Measured) -> None:
    for _ in separate_recording(kept, asked(precision="float32"), store, Inline()):
        pass
    measuring.asked.clear()
    (Path("home") / "precision.json").unlink()
    engine = Watched()
    run = EventStream(separate_recording(kept, asked(), store, engine))
    for _ in run:
        pass
    assert engine.ran == [] and run.result.request.sam.precision == "float32"


def test_from_python_the_first_run_is_as_the_second(measuring: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    load = SamTorchBackend.load
    monkeypatch.setattr(
        SamTorchBackend, "load", lambda self, request: loaded.append(request.sam.precision) or load(self, request)
    )
    tasks.warm.clear()
    extract(Waveform(clip(20_000, channels=1), 48_000), asked(device="cpu"))
    assert loaded == ["bfloat16"]


def test_a_batch_is_measured_before_its_files(song: Path, measuring: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SamTorchBackend, "models", lambda self: (str(CHECKPOINT),))
    monkeypatch.setattr("separation.models.sam_audio.sizes.best_here", lambda prompts: str(CHECKPOINT))
    words = ("batch", ".", "-p", "x", "--backend", "sam-audio", "--device", "cpu", "--json")
    told: list[Mapping[str, int]] = []
    for n in range(2):
        told.append(
            json.loads(audio_playground(*words, "-o", f"out{n}", "--pattern", "song.wav").stdout.splitlines()[-1])
        )
    assert [one["cached"] for one in told] == [0, 1]
    assert measuring.asked == [("cpu",)]


@pytest.mark.parametrize("here", [True, False])
def test_a_worker_that_warms_up_measures_for_models_that_are_here(
    measuring: Measured, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    if here:
        monkeypatch.setattr("separation.models.sam_audio.sizes.best_here", lambda prompts: str(CHECKPOINT))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "no models")
    for _ in tasks.warm_up():
        pass
    assert len(measuring.asked) == here
    assert registry.get("sam_torch").settle(asked()).sam.precision == ("bfloat16" if here else "float32")
