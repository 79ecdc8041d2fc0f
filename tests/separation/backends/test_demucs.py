"""Demucs through our pipeline beside its own command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from demucs.separate import main as demucs_command
from torch.overrides import TorchFunctionMode

from separation.audio.waveform import Waveform
from separation.backends.demucs import DemucsBackend
from separation.errors import (
    BackendUnavailable,
    PromptError,
    SeparationError,
    SettingsError,
)
from separation.events import SolverStep
from separation.model import Window
from separation.model.windowing import Windowing
from separation.models.demucs.network import max_shift
from separation.models.demucs.stem_names import stem_names
from separation.pipeline.separate import extract
from tests.support import demucs_models as tiny

ALL = frozenset(tiny.FOUR)
STRIDE = int(0.75 * tiny.SEGMENT)
MODELS = ("transformer", "bag", "hybrid", "waveform")
DIRECT_CURRENT = np.float32(0.05)  # silence beyond the ends has none
LENGTHS = {
    "shorter than a segment": tiny.SEGMENT // 3,
    "exactly a segment": tiny.SEGMENT,
    "a prime number": 13_007,
    "several segments": 3 * STRIDE + tiny.SEGMENT // 2,
    "ending inside the overlap": 2 * STRIDE + tiny.SEGMENT // 8,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_all(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def reference(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Demucs' own command line makes of mixtures of every length, with every kind of model."""
    root = tmp_path_factory.mktemp("reference")
    tracks = [root / f"{index}.wav" for index in range(len(LENGTHS))]
    for track, n_samples in zip(tracks, LENGTHS.values(), strict=True):
        soundfile.write(track, (tiny.noise(n_samples) + DIRECT_CURRENT).T, tiny.SAMPLE_RATE, subtype="FLOAT")
    for model in MODELS:
        options = f"--repo {folder} -n {model} -o {root} -d cpu --shifts 0 --float32 --clip-mode none".split()
        demucs_command([*options, *map(str, tracks)])
    return root


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", LENGTHS)
def test_the_answer_is_that_of_the_demucs_command_line(reference: Path, folder: Path, model: str, length: str) -> None:
    index = list(LENGTHS).index(length)
    mixture = Waveform(tiny.noise(LENGTHS[length]) + DIRECT_CURRENT, tiny.SAMPLE_RATE)
    stems = extract(mixture, tiny.request(model, folder))
    for name in tiny.FOUR:
        expected, sample_rate = soundfile.read(reference / model / str(index) / f"{name}.wav", dtype="float32")
        assert sample_rate == tiny.SAMPLE_RATE
        assert np.abs(expected).max() > 1e-3  # the comparison below would pass on silence
        np.testing.assert_allclose(stems[name].samples, expected.T, atol=1e-4)


def test_a_very_quiet_recording_is_brought_to_level_first_as_in_demucs(folder: Path) -> None:
    from demucs.api import Separator

    mixture = 1e-5 * tiny.noise(tiny.SEGMENT)  # the networks' own normalisation adds 1e-5 to the deviation
    separator = Separator("transformer", repo=folder, device="cpu", shifts=0)
    _, expected = separator.separate_tensor(torch.from_numpy(mixture))
    stems = extract(Waveform(mixture, tiny.SAMPLE_RATE), tiny.request("transformer", folder))
    for name in tiny.FOUR:
        loudest = float(expected[name].abs().max())
        np.testing.assert_allclose(stems[name].samples, expected[name].numpy(), atol=1e-3 * loudest)


def test_the_number_of_threads_stays_as_whoever_started_the_process_chose(folder: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        tiny.loaded(tiny.request("transformer", folder))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("model", ["hybrid", "waveform"])
def test_without_split_other_models_see_the_whole_recording_as_demucs_shows_it(folder: Path, model: str) -> None:
    from demucs.api import Separator

    mixture = tiny.noise(17_011)
    separator = Separator(model, repo=folder, device="cpu", shifts=0, split=False)
    _, expected = separator.separate_tensor(torch.from_numpy(mixture))
    stems = extract(Waveform(mixture, tiny.SAMPLE_RATE), tiny.request(model, folder, split=False))
    for name in tiny.FOUR:
        np.testing.assert_allclose(stems[name].samples, expected[name].numpy(), atol=1e-5)


def test_a_whole_segment_of_a_waveform_model_is_heard_with_its_surroundings_as_in_demucs(folder: Path) -> None:
    from demucs.apply import TensorChunk, apply_model
    from demucs.pretrained import get_model

    wanted = tiny.request("waveform", folder)
    model = tiny.loaded(wanted)
    margin = model.facts.windowing.context
    assert margin > 0
    mixture = tiny.noise(3 * tiny.SEGMENT)
    chunk = TensorChunk(torch.from_numpy(mixture)[None], tiny.SEGMENT, tiny.SEGMENT)
    expected = apply_model(get_model("waveform", folder), chunk, shifts=0, split=False)[0].detach().numpy()
    seen = mixture[:, tiny.SEGMENT - margin : 2 * tiny.SEGMENT + margin]
    _, stems = tiny.run(model.separate(Window(samples=seen, index=1, stems=ALL), wanted))
    for name, estimate in zip(tiny.FOUR, expected, strict=True):
        np.testing.assert_allclose(stems[name][:, margin:-margin], estimate, atol=1e-6)


def test_safetensors_and_packages_of_one_network_answer_alike(folder: Path) -> None:
    mixture = Waveform(tiny.noise(tiny.SEGMENT), tiny.SAMPLE_RATE)
    packaged, safe = (extract(mixture, tiny.request(model, folder)) for model in ("transformer", "safe"))
    for name in tiny.FOUR:
        np.testing.assert_array_equal(packaged[name].samples, safe[name].samples)


def test_networks_of_a_bag_count_by_their_weight_for_each_stem(folder: Path) -> None:
    seen = Window(samples=tiny.noise(tiny.SEGMENT), index=0, stems=ALL)
    first, second, bag = (
        tiny.run(tiny.loaded(tiny.request(model, folder)).separate(seen, tiny.request(model, folder)))[1]
        for model in ("transformer", "second", "bag")
    )
    np.testing.assert_allclose(bag["bass"], second["bass"], atol=1e-6)  # weights 0 and 1
    np.testing.assert_allclose(bag["vocals"], first["vocals"], atol=1e-6)  # weights 1 and 0
    np.testing.assert_allclose(bag["drums"], (2 * first["drums"] + second["drums"]) / 3, atol=1e-6)  # weights 1 and ½


def test_networks_without_a_say_in_what_was_asked_for_are_not_run(folder: Path) -> None:
    wanted = tiny.request("bag", folder)
    everything = Window(samples=tiny.noise(tiny.SEGMENT), index=0, stems=ALL)
    vocals_only = dataclasses.replace(everything, stems=frozenset({"vocals"}))  # the second network weighs 0 there
    model = tiny.loaded(wanted)
    all_steps, all_stems = tiny.run(model.separate(everything, wanted))
    steps, stems = tiny.run(model.separate(vocals_only, wanted))
    assert (len(all_steps), len(steps)) == (2, 1)
    assert list(stems) == ["vocals"]
    np.testing.assert_array_equal(stems["vocals"], all_stems["vocals"])


def test_shifts_with_the_same_seed_give_the_same_samples_and_with_another_seed_do_not(folder: Path) -> None:
    mixture = Waveform(tiny.noise(2 * tiny.SEGMENT), tiny.SAMPLE_RATE)
    first, again, other = (extract(mixture, tiny.request("bag", folder, shifts=2, seed=seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first["drums"].samples, again["drums"].samples)
    assert np.abs(first["drums"].samples - other["drums"].samples).max() > 1e-6


def test_shifts_average_what_the_network_says_of_shifted_views(folder: Path) -> None:
    wanted = tiny.request("transformer", folder, shifts=3, seed=5)
    model = tiny.loaded(wanted)
    windowing = model.facts.windowing
    n_shift = max_shift(tiny.SAMPLE_RATE)
    assert windowing.chunk == tiny.SEGMENT - n_shift
    assert windowing.context == n_shift
    seen = tiny.noise(tiny.SEGMENT + n_shift)
    _, stems = tiny.run(model.separate(Window(samples=seen, index=4, stems=ALL), wanted))
    offsets = np.random.default_rng([5, 4]).integers(0, n_shift, size=3, endpoint=True)
    plain = tiny.loaded(tiny.request("transformer", folder))
    kept = []
    for offset in offsets:
        view = Window(samples=seen[:, offset : offset + tiny.SEGMENT], index=0, stems=ALL)
        _, answer = tiny.run(plain.separate(view, tiny.request("transformer", folder)))
        kept.append(answer["drums"][:, n_shift - offset : n_shift - offset + windowing.chunk])
    np.testing.assert_allclose(stems["drums"][:, n_shift:-n_shift], np.mean(kept, axis=0), atol=1e-6)


def test_every_evaluation_is_reported(folder: Path) -> None:
    wanted = tiny.request("bag", folder, shifts=3)
    model = tiny.loaded(wanted)
    seen = Window(samples=tiny.noise(tiny.SEGMENT + max_shift(tiny.SAMPLE_RATE)), index=0, stems=ALL)
    steps, _ = tiny.run(model.separate(seen, wanted))
    assert steps == [SolverStep(done=done, total=6) for done in range(1, 7)]  # two networks, three shifts


def test_what_networks_and_shifts_add_up_to_leaves_the_device_once(folder: Path) -> None:
    class Copied(TorchFunctionMode):
        """Takes down the sizes of the tensors that are copied from the device."""

        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        def __torch_function__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
            if function is torch.Tensor.cpu:
                self.sizes.append(arguments[0].numel())
            return function(*arguments, **(options or {}))

    wanted = tiny.request("bag", folder, shifts=3)
    seen = Window(samples=tiny.noise(tiny.SEGMENT + max_shift(tiny.SAMPLE_RATE)), index=0, stems=ALL)
    model = tiny.loaded(wanted)
    with Copied() as copied:
        tiny.run(model.separate(seen, wanted))
    assert copied.sizes == [len(tiny.FOUR) * seen.samples.size], "after six evaluations"


def test_closing_the_generator_stops_before_the_next_evaluation(folder: Path) -> None:
    wanted = tiny.request("bag", folder)
    model = tiny.loaded(wanted)
    evaluations = []
    steps = model.separate(Window(samples=tiny.noise(tiny.SEGMENT), index=0, stems=ALL), wanted)
    with tiny.on_every_evaluation(lambda _: evaluations.append(1)):
        next(steps)
        steps.close()
    assert len(evaluations) == 1


def test_transformers_keep_to_their_longest_segment_and_others_need_not(folder: Path) -> None:
    assert tiny.loaded(tiny.request("transformer", folder, split=False)).facts.windowing.chunk == tiny.SEGMENT
    assert tiny.loaded(tiny.request("hybrid", folder, split=False)).facts.windowing.chunk is None
    assert tiny.loaded(tiny.request("hybrid", folder, segment_s=4.0)).facts.windowing.chunk == 4 * tiny.SAMPLE_RATE
    shorter = tiny.loaded(tiny.request("transformer", folder, segment_s=1.0, overlap_ratio=0.5)).facts.windowing
    assert shorter == Windowing(chunk=8000, overlap=4000, fade="linear", fixed=True, fill_last=True)
    with pytest.raises(SettingsError, match=r"at most 1\.5 s"):
        tiny.loaded(tiny.request("transformer", folder, segment_s=4.0))


def test_mixed_precision_changes_nothing_on_the_cpu(folder: Path) -> None:
    mixture = Waveform(tiny.noise(tiny.SEGMENT), tiny.SAMPLE_RATE)
    plain, mixed = (
        extract(mixture, tiny.request("transformer", folder, mixed_precision=wanted)) for wanted in (False, True)
    )
    np.testing.assert_array_equal(plain["drums"].samples, mixed["drums"].samples)


def test_values_that_are_not_numbers_are_an_error_and_never_audio(folder: Path) -> None:
    wanted = tiny.request("transformer", folder)
    model = tiny.loaded(wanted)
    one_is_none = tiny.on_every_evaluation(lambda stems: torch.where(stems == stems.amax(), torch.nan, stems))
    with one_is_none, pytest.raises(SeparationError, match="not numbers"):
        tiny.run(model.separate(Window(samples=tiny.noise(tiny.SEGMENT), index=0, stems=ALL), wanted))


def test_a_device_that_is_not_here_is_refused_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BackendUnavailable, match="no cuda device"):
        tiny.loaded(dataclasses.replace(tiny.request("transformer", folder), device="cuda"))


def test_instrumental_and_vocals_add_up_to_the_mixture(folder: Path) -> None:
    mixture = tiny.noise(tiny.SEGMENT)
    stems = extract(Waveform(mixture, tiny.SAMPLE_RATE), tiny.request("transformer", folder, "instrumental", "vocals"))
    assert np.abs(stems["vocals"].samples).max() > 1e-3
    np.testing.assert_allclose(stems["instrumental"].samples, mixture - stems["vocals"].samples, atol=1e-6)


@pytest.mark.parametrize("model", ["six", "safe_six"])
def test_a_six_stem_model_offers_guitar_and_piano_and_a_four_stem_model_does_not(folder: Path, model: str) -> None:
    stems = extract(
        Waveform(tiny.noise(tiny.SEGMENT), tiny.SAMPLE_RATE), tiny.request(model, folder, "guitar", "piano")
    )
    assert np.abs(stems["guitar"].samples).max() > 1e-4
    assert np.abs(stems["guitar"].samples - stems["piano"].samples).max() > 1e-4
    with pytest.raises(PromptError, match="htdemucs_6s"):
        DemucsBackend().targets(tiny.request("transformer", folder, "guitar"))
    assert DemucsBackend().targets(tiny.request("htdemucs_6s", None, "guitar"))


def test_stems_are_read_without_running_what_a_file_contains(tmp_path: Path) -> None:
    marker = tmp_path / "was_run"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    for zipped in (True, False):
        package = {"args": (), "kwargs": {"sources": ["drums", "vocals"]}, "state": Trap()}
        torch.save(package, tmp_path / "trap.th", _use_new_zipfile_serialization=zipped)
        assert stem_names(tmp_path / "trap.th") == ("drums", "vocals")
    assert not marker.exists()
