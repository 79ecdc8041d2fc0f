"""The built-in separator as the pipeline sees it, on a tiny network of random weights."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.demo_recording import load_demo
from separation.audio.waveform import Waveform
from separation.backends import builtin, registry
from separation.chunking.plan import plan
from separation.errors import BackendUnavailable, PromptError, SettingsError, WeightsMissing
from separation.events import ChunkFinished, Planned
from separation.metrics.reference import si_sdr
from separation.model import Readiness
from separation.models.builtin.network import NetworkShape, SeparatorNetwork
from separation.models.builtin.weights import write_network
from separation.pipeline.separate import separate
from separation.request import ChunkSettings, Request
from tests.support.damage import flip
from tests.support.demucs_models import run

SHIPPED = builtin.WEIGHTS
CHUNKS = ChunkSettings(chunk_s=1.0, overlap_s=0.25)


def save_random_weights(path, seed):
    torch.manual_seed(seed)
    write_network(SeparatorNetwork(NetworkShape(channels=16, layers=1, head=16)), path)


@pytest.fixture(autouse=True)
def weights(monkeypatch, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    path = tmp_path / "network.safetensors"
    save_random_weights(path, seed=0)
    monkeypatch.setattr(builtin, "WEIGHTS", path)
    yield path
    torch.set_num_threads(before)


def noise(n_samples):
    return np.random.default_rng(1).normal(0, 0.1, (2, n_samples)).astype(np.float32)


def tracks(samples, *prompts, chunks=CHUNKS):
    request = Request.of(*prompts, backend="builtin", device="cpu", chunks=chunks)
    found = {}
    for event in separate(Waveform(samples, 44_100), request):
        if isinstance(event, ChunkFinished):
            for name, audio in event.audio.items():
                found.setdefault(name, []).append(audio)
    return {name: np.concatenate(pieces, axis=-1) for name, pieces in found.items()}


@pytest.mark.parametrize("n_samples", [1, 44_099, 44_100, 44_101, 100_003])
def test_its_stems_sum_to_the_mixture_at_any_length(n_samples):
    mixture = noise(n_samples)
    stems = tracks(mixture, "drums", "bass", "vocals")
    assert stems.keys() == {"drums", "bass", "vocals", "everything else"}
    np.testing.assert_allclose(sum(stems.values()), mixture, atol=1e-6)


def test_other_is_everything_but_drums_bass_and_vocals():
    mixture = noise(60_000)
    beside, alone = tracks(mixture, "drums", "bass", "vocals"), tracks(mixture, "other")
    np.testing.assert_array_equal(alone["other"], beside["everything else"])
    assert tracks(mixture, "drums", "bass", "vocals", "other").keys() == {"drums", "bass", "vocals", "other"}


def test_no_vocals_is_everything_but_the_vocals():
    mixture = noise(60_000)
    stems = tracks(mixture, "vocals", "no vocals")
    np.testing.assert_allclose(stems["vocals"] + stems["no vocals"], mixture, atol=1e-5)


def test_what_comes_later_changes_nothing_before_it():
    long = noise(10 * 44_100)
    early = tracks(long[:, : 8 * 44_100], "drums")["drums"]
    late = tracks(long, "drums")["drums"]
    # The first two chunks and the context behind them lie in both recordings.
    np.testing.assert_array_equal(early[:, : 44_100 + 22_050], late[:, : 44_100 + 22_050])


def test_memory_is_bounded_by_the_chunk():
    request = Request.of("drums", backend="builtin", chunks=CHUNKS)
    events = separate(Waveform(noise(6 * 44_100), 44_100), request)
    lengths = [event.audio["drums"].shape[-1] for event in events if isinstance(event, ChunkFinished)]
    assert len(lengths) > 2
    # The last chunk has the length of the context that it does not need.
    assert max(lengths[:-1]) <= 44_100 and lengths[-1] <= 1.6 * 44_100


@pytest.mark.parametrize(
    ("duration_s", "spans", "windows"),
    [
        (16, [(0, 16)], [(0, 16)]),
        (20, [(0, 5), (4, 20)], [(0, 11), (0, 20)]),
        (30, [(0, 5), (4, 14), (13, 23), (22, 30)], [(0, 11), (0, 20), (7, 29), (16, 30)]),
    ],
)
def test_a_short_chunk_comes_first_and_a_rest_belongs_to_the_last_without_silence_beyond_the_ends(
    duration_s, spans, windows
):
    layout = registry.get("builtin").layout(registry.choose(Request.of("drums", backend="builtin"))[0])
    chunks = plan(duration_s * 44_100, layout.windowing)
    assert [(chunk.start / 44_100, chunk.stop / 44_100) for chunk in chunks] == spans
    assert [(chunk.read_start / 44_100, chunk.read_stop / 44_100) for chunk in chunks] == windows


@pytest.mark.parametrize("duration_s", [8.0, 20.0, 60.0, float("inf")])
def test_its_cost_counts_what_the_network_reads(duration_s):
    backend = registry.get("builtin")
    cost = backend.cost(registry.choose(Request.of("drums", backend="builtin"))[0], duration_s)
    assert cost.held_s == pytest.approx(min(duration_s, 22.0))
    read = {8.0: 1.0, 20.0: 31 / 20, 60.0: 136 / 60, float("inf"): 22 / 9}[duration_s]
    whole = backend.cost(backend.settle(Request.of("drums", chunks=ChunkSettings(chunk_s=None, overlap_s=0))), 20.0)
    assert cost.work / whole.work == pytest.approx(read, rel=0.02)


@pytest.mark.parametrize(("overlap_s", "first_s"), [(0.0, 0.5), (0.25, 0.5), (0.3, 1.0), (0.5, 1.0)])
def test_the_first_chunk_is_short_where_most_of_it_is_its_own(overlap_s, first_s):
    request = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=1.0, overlap_s=overlap_s))
    layout = registry.get("builtin").layout(registry.choose(request)[0])
    assert plan(3 * 44_100, layout.windowing)[0].stop == first_s * 44_100


def test_missing_weights_are_said_and_never_replaced(weights):
    weights.unlink()
    backend = registry.get("builtin")
    assert backend.availability().readiness is Readiness.NEEDS_WEIGHTS
    with pytest.raises(WeightsMissing, match="Install the program again"):
        registry.choose(Request.of("drums", backend="builtin"))
    with pytest.raises(WeightsMissing, match="Install the program again"):
        list(backend.load(Request.of("drums")))


@pytest.mark.parametrize("at", [-1, -3_000_000])
def test_weights_of_which_a_bit_has_changed_are_refused(weights, at):
    for file in SHIPPED.parent.glob("network.*"):
        shutil.copy(file, weights.with_name(file.name))
    run(registry.get("builtin").load(Request.of("drums")))
    flip(weights, at)
    with pytest.raises(BackendUnavailable, match=r"not what was written.*Install the program again"):
        run(registry.get("builtin").load(Request.of("drums")))


def test_other_weights_make_other_results(weights):
    request, _ = registry.choose(Request.of("drums", backend="builtin"))
    before = registry.get("builtin").revision(request)
    save_random_weights(weights, seed=1)
    assert registry.get("builtin").revision(request) != before


@pytest.mark.parametrize("prompt", ["piano", "guitar", "strings", "violin", "no piano", "ギター"])
def test_what_it_does_not_do_well_is_not_offered_and_who_does_it_is_said(prompt):
    with pytest.raises(PromptError, match=r"leaves \w+ inside “other”.*SAM-Audio"):
        registry.choose(Request.of(prompt, backend="builtin"))
    assert registry.get("builtin").stems() == ("drums", "bass", "vocals")


def test_a_fade_is_separated_like_what_was_not_faded(weights, monkeypatch):
    """On the shipped network: its masks are those of a copy without the fade."""
    monkeypatch.setattr(builtin, "WEIGHTS", SHIPPED)
    demo = load_demo()
    piece = slice(2 * 44_100, 11 * 44_100)
    fade = 10 ** (-60 / 20 * np.linspace(0, 1, 9 * 44_100, dtype=np.float32))
    mixture = demo.mixture[:, piece]
    flat = tracks(mixture, "drums", "vocals", chunks=ChunkSettings(chunk_s=None))
    faded = tracks(mixture * fade, "drums", "vocals", chunks=ChunkSettings(chunk_s=None))
    for name, stem in (("drums", "drums"), ("vocals", "voice")):
        true = demo.stems[stem][:, piece]
        assert si_sdr(faded[name] / fade, true) > si_sdr(flat[name], true) - 1.0


@pytest.mark.parametrize("prompt", ["a dog", "rain", "applause", "no dog"])
def test_what_it_cannot_do_is_refused_with_who_can(prompt):
    with pytest.raises(PromptError, match="SAM-Audio"):
        registry.choose(Request.of(prompt, backend="builtin"))


def test_settings_it_has_no_use_for_make_no_difference():
    plain, _ = registry.choose(Request.of("drums", backend="builtin"))
    assert registry.choose(Request.of("drums", backend="builtin", seed=9))[0] == plain
    assert registry.choose(plain)[0] == plain
    assert plain.device == "auto"
    with pytest.raises(SettingsError, match="builtin-dsp"):
        registry.choose(replace(plain, model="classical"))


def test_the_plan_is_the_requests():
    request = Request.of("drums", backend="builtin", chunks=CHUNKS)
    planned = next(e for e in separate(Waveform(noise(3 * 44_100), 44_100), request) if isinstance(e, Planned))
    assert planned.spans_s == ((0.0, 0.5), (0.25, 1.25), (1.0, 2.0), (1.75, 3.0))
