"""Evaluations that are replayed as graphs: the same bits as without, and where that cannot be, it is said."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch

from separation import Request, solvers
from separation.backends import registry
from separation.events import KernelsLaunched
from separation.model import FrameSpan, Window
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.model import SamAudioModel, facts_of
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.pytorch.graphs import KEPT, REPLAYED, SWITCH, Graphs, graphs_for
from separation.models.sam_audio.pytorch.network import load_torch_network
from separation.request import SamSettings, SolverSettings
from separation.results.report import Recorder
from tests.support.fakes import ran
from tests.support.recorded_graph import RecordedGraphs
from tests.support.sam_models import CHECKPOINT, clip, text_encoder, tiny

N_FRAMES = 4
WORDS = ("man speaking", "a dog barking loudly")  # of different length, so that the shorter one is masked


class Failing(RecordedGraphs):
    """Graphs that cannot be captured."""

    def __init__(self, failure):
        super().__init__()
        self.failure = failure

    def __call__(self, compute):
        super().__call__(compute)
        raise self.failure


class Wrong(RecordedGraphs):
    """Graphs whose answer is off by the last digit of one number."""

    def __call__(self, compute):
        replay, made = super().__call__(compute)

        def off():
            replay()
            made.view(-1)[-1].mul_(1 + 2**-23)

        return off, made


@pytest.fixture
def network():
    """A network of one's own, as graphs belong to it."""
    return load_torch_network(CHECKPOINT)


def solved(network, *, words=WORDS[:1], n_frames=N_FRAMES, seed=0, spans=(), method="euler", caching=0.0, mask=None):
    features = network.encode([clip(n_frames * 1920, seed)])
    rows = anchor_rows(spans, n_frames)[None]
    text = text_encoder().encode(words)
    field = network.velocity(features, *text, rows, mask, attention_caching=caching)
    start = network.tensor(noise(seed, 0, n_frames, 2 * network.n_latents)).expand(len(words), -1, -1)
    *_, state = solvers.integrate(method, field, start, solvers.times(4))
    return state


def by_graphs(network, capture, **asked):
    """What is solved with a network's graphs, and whether that is what is solved without them, bit for bit."""
    graphs, network.field.graphs = network.field.graphs, None
    exact = solved(network, **asked)
    network.field.graphs = graphs or Graphs(capture)
    return torch.equal(solved(network, **asked), exact)


@pytest.mark.parametrize(
    "method, precision", [*((method, "float32") for method in solvers.SOLVERS), ("ab2", "bfloat16")]
)
def test_a_solution_is_the_same_to_the_bit(method, precision):
    network, recorded = load_torch_network(CHECKPOINT, precision=precision), RecordedGraphs()
    assert by_graphs(network, recorded, method=method)
    assert recorded.n_captured == 1
    assert recorded.n_replayed == solvers.nfe(method, 4), "the first is computed without, and again to compare"


def test_another_clip_other_words_and_other_anchors_of_the_same_shapes_are_copied_into_the_same_graph(network):
    recorded = RecordedGraphs()
    assert by_graphs(network, recorded)
    (features, mask), (others, other_mask) = (text_encoder().encode([words]) for words in ("violin", "guitar"))
    assert features.shape == others.shape and bool(mask.all()) and bool(other_mask.all())
    assert by_graphs(network, recorded, words=("violin",))
    n_captured = recorded.n_captured
    assert by_graphs(network, recorded, words=("guitar",), seed=1, spans=[FrameSpan("+", 1, 3)])
    assert recorded.n_captured == n_captured


@pytest.mark.parametrize(
    "other",
    [
        {"n_frames": N_FRAMES + 1},
        {"words": WORDS[:1] * 2},
        {"words": WORDS},
        {"words": WORDS[1:]},
        {"mask": np.array([[True] * (N_FRAMES - 1) + [False]])},
    ],
    ids=["longer", "two clips", "two prompts", "longer words", "padded"],
)
def test_another_shape_is_captured_anew_and_never_padded(network, other):
    recorded = RecordedGraphs()
    assert by_graphs(network, recorded) and recorded.n_captured == 1
    assert by_graphs(network, recorded, **other) and recorded.n_captured == 2
    assert by_graphs(network, recorded) and recorded.n_captured == 2, "the first one is still there"


def test_words_that_are_masked_in_another_place_share_a_graph(network):
    recorded = RecordedGraphs()
    assert by_graphs(network, recorded, words=WORDS)
    assert by_graphs(network, recorded, words=WORDS[::-1])
    assert recorded.n_captured == 1


def test_the_graphs_used_last_are_kept(network):
    recorded = RecordedGraphs()
    lengths = range(2, 4 + KEPT)  # two too many: the first, and another than the one in use
    for n_frames in lengths:
        by_graphs(network, recorded, n_frames=n_frames)
        by_graphs(network, recorded, n_frames=3)
    n_captured = recorded.n_captured
    assert n_captured == len(lengths)
    by_graphs(network, recorded, n_frames=3)
    assert recorded.n_captured == n_captured
    by_graphs(network, recorded, n_frames=2)
    assert recorded.n_captured == n_captured + 1


def test_attention_that_is_used_again_depends_on_values_and_is_never_captured(network):
    recorded = RecordedGraphs()
    assert by_graphs(network, recorded, caching=0.1)
    assert recorded.n_captured == 0


@pytest.mark.parametrize(
    "capture, why",
    [
        (Failing(RuntimeError("operation not permitted\nCUDA kernel errors")), "captured: operation not permitted"),
        (Failing(torch.cuda.OutOfMemoryError("CUDA out of memory.")), "captured: CUDA out of memory."),
        (Failing(RuntimeError()), "captured: RuntimeError"),
        (Wrong(), "gave another result"),
    ],
    ids=["not permitted", "memory", "no words", "wrong"],
)
def test_where_no_graph_can_be_used_the_result_is_the_same_and_the_reason_is_told(network, capture, why):
    for _ in range(2):
        assert by_graphs(network, capture)
        assert network.launches.startswith("one after another, as ") and network.launches.endswith(why)
    assert capture.n_captured == 1, "it is not tried again"


def test_what_goes_wrong_without_a_graph_too_is_no_reason_to_do_without():
    def failing(x):
        raise RuntimeError("CUDA out of memory.")

    graphs = Graphs(RecordedGraphs())
    with pytest.raises(RuntimeError, match="out of memory"):
        graphs.evaluate(failing, torch.zeros(1))
    assert graphs.launches == REPLAYED


def test_a_network_that_is_dropped_gives_its_memory_back_at_once():
    """A circle through its graphs would keep it until the next one is loaded beside it."""
    network = load_torch_network(CHECKPOINT)

    def captured(compute):
        made = compute()
        return lambda: None, made

    network.field.graphs = Graphs(captured)
    solved(network)
    field = weakref.ref(network.field)
    gc.disable()
    try:
        del network
        assert field() is None
    finally:
        gc.enable()


def test_only_a_graphics_card_of_pytorchs_has_graphs_and_a_person_can_do_without(monkeypatch):
    assert graphs_for("cpu") is None and graphs_for("mps") is None
    monkeypatch.delenv(SWITCH, raising=False)
    assert isinstance(graphs_for("cuda"), Graphs)
    monkeypatch.setenv(SWITCH, "off")
    assert graphs_for("cuda") is None


def asked(**sam):
    backend = registry.get("sam_torch")
    solver = SolverSettings(method="euler", n_steps=2)
    sam = SamSettings(precision="float32", **sam)
    return backend.settle(Request.of("violin", backend="sam_torch", model=str(CHECKPOINT), solver=solver, sam=sam))


def told(network, request):
    """What a run's report says about launches."""
    model = SamAudioModel(network, facts_of(network, request, name="tiny", revision="1", device="cpu"))
    window = Window(samples=clip(N_FRAMES * 1920, channels=1), index=0, stems=frozenset({"violin"}))
    recorder = Recorder(request, n_samples=1, sample_rate=1, n_channels=1)
    events, _ = ran(model.separate(window, request))
    for event in events:
        recorder.take(event)
    return recorder.report().get("launches")


def test_a_report_says_how_kernels_were_launched(network):
    assert told(network, asked()) is None, "on a processor there is no choice"
    network.field.graphs = Graphs(RecordedGraphs())
    assert told(network, asked()) == REPLAYED
    assert told(network, asked(attention_caching=0.1)) is None
    network.field.graphs = Graphs(Failing(RuntimeError("no")))
    assert told(network, asked()) == "one after another, as a CUDA graph could not be captured: no"


def test_windows_that_are_solved_together_share_the_graph_and_say_it_too(network):
    request, recorded = asked(), RecordedGraphs()
    model = SamAudioModel(network, facts_of(network, request, name="tiny", revision="1", device="cpu"))
    window = Window(samples=clip(N_FRAMES * 1920, channels=1), index=0, stems=frozenset({"violin"}))
    _, features = ran(model.encode(window, request))
    state = noise(0, 0, N_FRAMES, 2 * network.n_latents)[None, None]
    _, exact = ran(model.velocity(window, features, state, 0.5, request))
    network.field.graphs = Graphs(recorded)
    for _ in range(3):
        events, velocity = ran(model.velocity(window, features, state, 0.5, request))
        assert np.array_equal(velocity, exact) and events == [KernelsLaunched(how=REPLAYED)]
    assert recorded.n_captured == 1 and recorded.n_replayed == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")
def test_a_real_graph_gives_the_same_bits():
    network = load_torch_network(CHECKPOINT, device="cuda")
    network.field.graphs = Graphs()
    features = network.encode([clip(N_FRAMES * 1920)])
    text, rows = tiny().text().encode(WORDS[:1]), anchor_rows([], N_FRAMES)[None]
    x = network.tensor(noise(0, 0, N_FRAMES, 2 * network.n_latents))
    replayed = [network.velocity(features, *text, rows)(x, t) for t in (0.0, 0.5, 1.0)]
    assert network.launches == REPLAYED
    network.field.graphs = None
    exact = [network.velocity(features, *text, rows)(x, t) for t in (0.0, 0.5, 1.0)]
    assert all(torch.equal(one, other) for one, other in zip(replayed, exact, strict=True))
