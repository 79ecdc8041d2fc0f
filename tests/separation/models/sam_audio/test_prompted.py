"""Prompts, channels, chains, residuals and batches around a network whose answers are known: no framework needed."""

from __future__ import annotations

import numpy as np
import pytest

from separation import solvers
from separation.events import SolverStep, StillRunning, as_part
from separation.model import FrameSpan, LatentFacts, Window
from separation.model.windowing import Windowing
from separation.models.sam_audio.anchors import NULL, PRESENT
from separation.models.sam_audio.model import SamAudioModel, facts_of
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.prompted import active, clips, distinct, placed, stems_of
from separation.models.sam_audio.stereo import projected
from separation.prompts.targets import residual_stem
from separation.request import Anchor, ChunkSettings, Prompt, Request, Reroll, SamSettings, SolverSettings
from tests.support.fakes import ran

HOP = 8


class KnownNetwork:
    """A network that gives each prompt a known share of what it hears, and the rest to the residual.

    A frame's latents are its samples. A prompt is its share, as “piano 0.3”; on frames with a + anchor it is twice
    that. The velocity leads straight to the answer, so any solver arrives there.
    """

    sample_rate, hop, n_latents, launches = 48_000, HOP, HOP, ""

    def __init__(self):
        self.encoded, self.decoded, self.starts, self.texts, self.rows = [], 0, [], [], []

    def text(self):
        return self

    def encode(self, given):
        if isinstance(given[0], str):
            self.texts.append(tuple(given))
            shares = np.float32([float(prompt.split()[-1]) for prompt in given])
            return shares[:, None, None], np.ones((len(given), 1), bool)
        self.encoded.append(np.array(given))
        missing = -len(given[0]) % self.hop
        whole = np.pad(np.stack(given), ((0, 0), (0, missing)))
        return whole.reshape(len(given), -1, self.hop)

    def velocity(self, features, text, text_mask, anchor_rows, attention_caching=0.0):
        assert not attention_caching
        assert len(features) == len(text) == len(text_mask) == len(anchor_rows) and text_mask.dtype == bool
        self.rows.append(anchor_rows)
        target = features * text[:, :, 0, None] * np.where(anchor_rows == PRESENT, 2, 1)[..., None]
        answer = np.concatenate([target, features - target], axis=-1).astype(np.float32)

        def field(x, t):
            if t == 0:
                self.starts.append(x)
            return (answer - x) / (1 - t)

        return field

    def decode(self, latents):
        assert len(latents) == 1
        self.decoded += 1
        return latents.reshape(len(latents), -1)

    def tensor(self, values):
        return np.array(values, bool if values.dtype == bool else np.float32)

    def numpy(self, values):
        return values


def request(*prompts, n_steps=2, seed=0, **sam):
    made = tuple(prompt if isinstance(prompt, Prompt) else Prompt(text=prompt) for prompt in prompts)
    solver = SolverSettings(method="euler", n_steps=n_steps)
    return Request(prompts=made, solver=solver, seed=seed, sam=SamSettings(**{"stereo": "mono", **sam}))


def window(samples, asked, index=0, anchors=None):
    """A window of which everything is wanted."""
    stems = {stem for prompt in asked.prompts for stem in stems_of(prompt, asked)}
    return Window(samples=samples, index=index, stems=frozenset(stems), anchors=anchors or {})


def model_of(network, asked):
    return SamAudioModel(network, facts_of(network, asked, name="known", revision="1", device="cpu"))


def separated(samples, asked, network=None, **more):
    return ran(model_of(network or KnownNetwork(), asked).separate(window(samples, asked, **more), asked))[1]


def noisy(n_samples=50, channels=1, seed=0):
    return np.random.default_rng(seed).standard_normal((channels, n_samples)).astype(np.float32)


def inside(prompt, *spans):
    return Prompt(text=prompt, anchors=tuple(Anchor(sign=sign, start_s=0, stop_s=1) for sign in spans))


@pytest.mark.parametrize("n_samples", [1, HOP - 1, HOP, HOP + 1, 53])
@pytest.mark.parametrize("stereo", ["mono", "sides", "projected"])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_stem_has_the_shape_of_the_window_and_its_own_share(n_samples, stereo, channels):
    samples = np.repeat(noisy(n_samples), channels, axis=0)
    stems = separated(samples, request("piano 0.3", " voice 0.5 ", stereo=stereo))
    assert list(stems) == ["piano 0.3", "voice 0.5"]
    assert stems["piano 0.3"] == pytest.approx(0.3 * samples, abs=1e-5)
    assert stems["voice 0.5"] == pytest.approx(0.5 * samples, abs=1e-5)
    assert all(stem.dtype == np.float32 for stem in stems.values())


def test_mono_is_the_mean_of_the_channels_on_both_and_sides_is_each_for_itself():
    samples = noisy(channels=2)
    (mono,) = separated(samples, request("piano 0.5", stereo="mono")).values()
    assert mono == pytest.approx(np.repeat(0.5 * samples.mean(axis=0, keepdims=True), 2, axis=0), abs=1e-5)
    (sides,) = separated(samples, request("piano 0.5", stereo="sides")).values()
    assert sides == pytest.approx(0.5 * samples, abs=1e-5)


def test_projected_lays_the_mono_estimate_over_the_mixture():
    samples = noisy(2_000, channels=2)
    (made,) = separated(samples, request("piano 0.5", stereo="projected")).values()
    assert made == pytest.approx(projected(0.5 * samples.mean(axis=0), samples), abs=1e-5)


def test_equal_channels_are_heard_once():
    network, samples = KnownNetwork(), np.repeat(noisy(), 2, axis=0)
    separated(samples, request("piano 0.5", stereo="sides"), network)
    assert [len(heard) for heard in network.encoded] == [1] and network.decoded == 1
    assert len(distinct(noisy(channels=2))) == 2


def test_a_window_is_encoded_once_for_all_prompts_and_their_text_once_for_a_run():
    network, asked = KnownNetwork(), request("piano 0.3", "voice 0.5")
    model = model_of(network, asked)
    for index in range(3):
        ran(model.separate(window(noisy(), asked, index), asked))
    assert len(network.encoded) == 3 and network.texts == [("piano 0.3", "voice 0.5")]
    other = request("bass 0.1")
    ran(model.separate(window(noisy(), other), other))
    assert network.texts[1:] == [("bass 0.1",)]


@pytest.mark.parametrize("stereo", ["mono", "sides"])
def test_all_prompts_and_clips_start_from_the_noise_of_seed_and_chunk(stereo):
    network, samples = KnownNetwork(), noisy(24, channels=2)
    asked = request("piano 0.3", "voice 0.5", seed=4, stereo=stereo, rerolls=(Reroll(chunk=2, seed=9),))
    separated(samples, asked, network, index=1)
    separated(samples, asked, network, index=2)
    for start, seed, index in zip(network.starts, (4, 9), (1, 2), strict=True):
        assert len(start) == 2 * len(clips(samples, stereo))
        assert all(np.array_equal(row, noise(seed, index, 3, 2 * HOP)) for row in start)


def test_without_the_models_residual_only_targets_are_decoded():
    network = KnownNetwork()
    separated(noisy(), request("piano 0.3", "voice 0.5"), network)
    assert network.decoded == 2


def test_the_models_residual_is_the_other_half_of_the_state():
    network, samples = KnownNetwork(), noisy()
    stems = separated(samples, request("piano 0.3", "voice 0.5", residual="model"), network)
    assert stems[residual_stem("piano 0.3")] == pytest.approx(0.7 * samples, abs=1e-5)
    assert stems[residual_stem("voice 0.5")] == pytest.approx(0.5 * samples, abs=1e-5)
    assert network.decoded == 4


def test_what_is_not_wanted_is_neither_computed_nor_decoded():
    network, asked = KnownNetwork(), request("piano 0.3", "voice 0.5", residual="model")
    only = Window(samples=noisy(), index=0, stems=frozenset({residual_stem("voice 0.5")}))
    _, stems = ran(model_of(network, asked).separate(only, asked))
    assert list(stems) == [residual_stem("voice 0.5")]
    assert network.decoded == 1 and len(network.starts[0]) == 1


def test_a_prompt_named_like_a_residual_is_only_itself_where_residuals_come_from_the_mixture():
    network, named = KnownNetwork(), residual_stem("piano 0.3")
    stems = separated(noisy(), request(named, "piano 0.3"), network)
    assert stems[named] == pytest.approx(0.3 * noisy(), abs=1e-5)
    assert network.decoded == 2


def test_chained_prompts_work_on_what_the_one_before_left():
    network, samples = KnownNetwork(), noisy(channels=2)
    asked = request("piano 0.5", "voice 0.5", "bass 0.2", chain=True, stereo="sides")
    events, stems = ran(model_of(network, asked).separate(window(samples, asked), asked))
    assert stems["piano 0.5"] == pytest.approx(0.5 * samples, abs=1e-5)
    assert stems["voice 0.5"] == pytest.approx(0.25 * samples, abs=1e-5)
    assert stems["bass 0.2"] == pytest.approx(0.05 * samples, abs=1e-5)
    heard = [given.mean() for given in network.encoded]
    assert heard == pytest.approx([samples.mean(), 0.5 * samples.mean(), 0.25 * samples.mean()], abs=1e-5)
    assert [(event.done, event.total) for event in events] == [(step, 6) for step in range(1, 7)]
    assert all(np.array_equal(start, network.starts[0]) for start in network.starts)


def test_a_chain_ends_with_the_last_prompt_that_is_wanted():
    network, asked = KnownNetwork(), request("piano 0.5", "voice 0.5", "bass 0.2", chain=True)
    model = model_of(network, asked)
    _, stems = ran(model.separate(Window(samples=noisy(), index=0, stems=frozenset({"voice 0.5"})), asked))
    assert stems["voice 0.5"] == pytest.approx(0.25 * noisy(), abs=1e-5)
    assert len(network.encoded) == 2


def test_anchors_reach_the_frames_and_the_prompt_they_are_for():
    network, samples = KnownNetwork(), noisy(4 * HOP)
    asked = request("piano 0.3", "voice 0.5")
    stems = separated(samples, asked, network, anchors={"piano 0.3": (FrameSpan("+", 1, 3),)})
    assert network.rows[0].tolist() == [[NULL, PRESENT, PRESENT, NULL], [NULL] * 4]
    doubled = np.repeat([1, 2, 2, 1], HOP)
    assert stems["piano 0.3"] == pytest.approx(0.3 * doubled * samples, abs=1e-5)
    assert stems["voice 0.5"] == pytest.approx(0.5 * samples, abs=1e-5)


HERE = {"piano 0.3": (FrameSpan("-", 0, 1), FrameSpan("+", 2, 3))}


@pytest.mark.parametrize(
    ("prompt", "only_inside", "anchors", "computed"),
    [
        (inside("piano 0.3", "+", "-"), True, HERE, True),
        (inside("piano 0.3", "+"), True, {}, False),
        (inside("piano 0.3", "+"), True, {"piano 0.3": (FrameSpan("-", 0, 1),)}, False),
        (inside("piano 0.3", "+"), True, {"voice 0.5": (FrameSpan("+", 0, 1),)}, False),
        (inside("piano 0.3", "+"), False, {}, True),
        (inside("piano 0.3", "-"), True, {}, True),
        (inside("piano 0.3"), True, {}, True),
    ],
)
def test_with_only_inside_a_prompt_is_computed_where_it_has_plus_spans(prompt, only_inside, anchors, computed):
    asked = request(prompt, only_inside=only_inside)
    assert active(asked, window(noisy(), asked, anchors=anchors)) == ((prompt,) if computed else ())


def test_where_no_prompt_is_active_nothing_is_encoded_and_targets_are_silent():
    network, samples = KnownNetwork(), noisy(channels=2)
    asked = request(inside("piano 0.3", "+"), only_inside=True, residual="model")
    model = model_of(network, asked)
    events, stems = ran(model.separate(window(samples, asked), asked))
    assert events == [] and network.encoded == [] and network.texts == []
    assert stems["piano 0.3"].shape == samples.shape and not stems["piano 0.3"].any()
    assert np.array_equal(stems[residual_stem("piano 0.3")], samples)


def test_the_active_prompts_of_a_window_do_not_mind_the_others():
    network, samples = KnownNetwork(), noisy()
    stems = separated(samples, request(inside("piano 0.3", "+"), "voice 0.5", only_inside=True), network)
    assert not stems["piano 0.3"].any()
    assert stems["voice 0.5"] == pytest.approx(0.5 * samples, abs=1e-5)
    assert network.decoded == 1


def test_a_batch_is_encoded_and_solved_at_once_and_gives_what_single_runs_give():
    network = KnownNetwork()
    asked = request("piano 0.3", "voice 0.5", stereo="sides", seed=3)
    windows = [
        window(np.repeat(noisy(), 2, axis=0), asked, 0),
        window(noisy(channels=2, seed=1), asked, 1, {"piano 0.3": (FrameSpan("+", 0, 4),)}),
        window(noisy(channels=2, seed=2), asked, 2),
    ]
    events, made = ran(model_of(network, asked).separate_batch(windows, asked))
    assert [len(heard) for heard in network.encoded] == [5]  # the first window has equal channels
    assert [(event.done, event.total) for event in events] == [(1, 2), (2, 2)]
    (start,) = network.starts
    for row, index in zip(start, [0, 1, 1, 2, 2] * 2, strict=True):
        assert np.array_equal(row, noise(3, index, 7, 2 * HOP))
    for alone, together in zip(windows, made, strict=True):
        _, single = ran(model_of(KnownNetwork(), asked).separate(alone, asked))
        assert list(together) == list(single)
        assert all(together[name] == pytest.approx(single[name], abs=1e-5) for name in single)


@pytest.mark.parametrize(
    ("settings", "n_encoded", "steps"),
    [
        ({"chain": True}, 4, [(step, 8) for step in range(1, 9)]),
        ({"only_inside": True}, 2, [(1, 4), (2, 4), (3, 4), (4, 4)]),
    ],
)
def test_windows_that_do_not_fit_one_batch_are_worked_on_in_turn(settings, n_encoded, steps):
    network, asked = KnownNetwork(), request(inside("piano 0.3", "+"), "voice 0.5", **settings)
    windows = [window(noisy(), asked, 0, HERE), window(noisy(seed=1), asked, 1)]
    events, made = ran(model_of(network, asked).separate_batch(windows, asked))
    assert len(network.encoded) == n_encoded
    assert [(event.done, event.total) for event in events] == steps
    for alone, together in zip(windows, made, strict=True):
        _, single = ran(model_of(KnownNetwork(), asked).separate(alone, asked))
        assert all(np.array_equal(together[name], single[name]) for name in single)


@pytest.mark.parametrize("stereo", ["mono", "sides", "projected"])
@pytest.mark.parametrize("residual", ["mixture", "model"])
def test_encode_velocity_and_decode_are_the_parts_of_separate(stereo, residual):
    asked = request("piano 0.3", "voice 0.5", stereo=stereo, residual=residual, n_steps=3)
    samples = noisy(2_003, channels=2)
    here = window(samples, asked, 1, {"voice 0.5": (FrameSpan("+", 0, 4),)})
    model = model_of(KnownNetwork(), asked)
    features = ran(model.encode(here, asked))[1]
    n_clips, n_frames, _ = features.shape
    state = np.broadcast_to(noise(0, 1, n_frames, 2 * HOP), (2, n_clips, n_frames, 2 * HOP))
    blind = Window(samples=samples[:, :0], index=0, stems=frozenset(), anchors=here.anchors)

    def velocity(x, t):
        return ran(model.velocity(blind, features, x, t, asked))[1]

    *_, state = solvers.integrate("euler", velocity, state, solvers.times(3))
    parts = ran(model.decode(here, state, asked))[1]
    whole = ran(model.separate(here, asked))[1]
    assert list(parts) == list(whole)
    assert all(parts[name] == pytest.approx(whole[name], abs=1e-5) for name in whole)


def test_every_window_has_as_many_clips_whatever_is_in_it():
    asked = request("piano 0.3", stereo="sides")
    model = model_of(KnownNetwork(), asked)
    for samples in (noisy(channels=2), np.repeat(noisy(), 2, axis=0)):
        assert len(ran(model.encode(window(samples, asked), asked))[1]) == 2


def test_the_grid_of_the_solver_is_the_one_asked_for():
    times = []

    class Watched(KnownNetwork):
        def velocity(self, *given, **settings):
            field = super().velocity(*given, **settings)
            return lambda x, t: times.append(t) or field(x, t)

    asked = Request.of("piano 0.3", solver=SolverSettings(method="euler", n_steps=4, grid="sway"))
    separated(noisy(), asked, Watched())
    assert times == pytest.approx(solvers.times(4, "sway")[:-1])


def test_closing_a_run_stops_it_at_the_next_step():
    network, asked = KnownNetwork(), request("piano 0.3", n_steps=5)
    run = model_of(network, asked).separate(window(noisy(), asked), asked)
    assert next(run) == SolverStep(done=1, total=5)
    run.close()
    assert network.decoded == 0


def test_the_steps_of_a_part_count_on_and_other_events_pass():
    def part():
        yield StillRunning()
        yield SolverStep(done=1, total=2)
        return "done"

    assert ran(as_part(part(), 1, 3)) == ([StillRunning(), SolverStep(done=3, total=6)], "done")


def test_one_clip_is_placed_on_every_channel():
    estimate = noisy(channels=1)
    assert np.array_equal(placed(estimate, noisy(channels=2), "mono"), np.repeat(estimate, 2, axis=0))
    assert np.array_equal(placed(estimate, noisy(channels=2), "sides"), np.repeat(estimate, 2, axis=0))


@pytest.mark.parametrize(("stereo", "channels"), [("mono", 1), ("sides", 2), ("projected", 2)])
def test_the_facts_tell_the_pipeline_what_this_model_takes(stereo, channels):
    asked = request("piano 0.3", stereo=stereo)
    facts = facts_of(KnownNetwork(), asked, name="known", revision="7", device="cpu", batch=3)
    assert (facts.model, facts.revision, facts.n_channels, facts.batch) == ("SAM-Audio known", "7", channels, 3)
    assert facts.generative and facts.frame == HOP
    assert facts.windowing == Windowing.of(ChunkSettings(), 48_000, HOP)
    assert facts.latents == LatentFacts(state_channels=2 * HOP, context_frames=8)
