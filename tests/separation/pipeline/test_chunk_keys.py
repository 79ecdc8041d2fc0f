"""Finished chunks are kept: what was computed once is not computed again, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from separation import Anchor, ChunkSettings, Prompt, Request, SolverSettings, Waveform
from separation.events import ChunkFinished, ChunkStarted, Warned
from separation.model import FrameSpan, LatentFacts, Window
from separation.model.windowing import Windowing
from separation.pipeline.chunk_keys import NotKept, chunk_key
from separation.pipeline.separate import separate_settled
from separation.request import Reroll, SamSettings
from tests.support.fakes import CONTEXT, FRAME, FakeLatentModel, FakeModel, PromptableBackend, use_only

RATE = 44_100
CHUNK, OVERLAP = 1_000, 100
HOP = CHUNK - OVERLAP
N_CHUNKS = 26
MIXTURE = Waveform(
    (0.2 * np.random.default_rng(3).standard_normal((2, (N_CHUNKS - 1) * HOP + CHUNK - 50))).astype(np.float32), RATE
)


class InMemory(dict):
    """Chunks in a dictionary."""

    def put(self, key, stems):
        assert key not in self, "computed twice"
        self[key] = {name: samples.copy() for name, samples in stems.items()}


def own_answers(samples, window):
    """Different in every chunk and under every anchor, and of stems that nobody asked for, too."""
    marked = sum(
        (1 + span.first) * (1 if span.sign == "+" else -1) for spans in window.anchors.values() for span in spans
    )
    return {name: samples * np.float32(0.1 + 0.01 * window.index + 0.001 * marked) for name in ("dog", "cat", "cow")}


class CountingModel(FakeModel):
    """Remembers every window it was shown, or its kind was if it is loaded anew."""

    def separate(self, window, request):
        self.batches.append([window.index])
        return (yield from super().separate(window, request))


class Versioned(PromptableBackend):
    """A promptable backend whose weights may change."""

    version = "1"

    def revision(self, request):
        return self.version


@pytest.fixture
def use(monkeypatch):
    def install(batch=1, fade="cosine", frame=FRAME, split=own_answers, **answers):
        windowing = Windowing(chunk=CHUNK, overlap=OVERLAP, fade=fade)
        facts = {"batch": batch, "frame": frame}
        more = {
            "windowing": windowing,
            "more_facts": facts,
            "split": split,
            "make": partial(CountingModel, batches=[]),
            **answers,
        }
        return use_only(monkeypatch, Versioned, takes_anchors=True, **more)

    return install


def asked(*prompts, **settings):
    prompts = tuple(prompt if isinstance(prompt, Prompt) else Prompt(text=prompt) for prompt in prompts or ("dog",))
    return Request(prompts=prompts, backend="fake", model="only", **settings)


def anchored(start_s, stop_s, sign="+", text="dog"):
    return Prompt(text=text, anchors=(Anchor(sign=sign, start_s=start_s, stop_s=stop_s),))


def run(fake, request, chunks, mixture=MIXTURE):
    """Every track, and the chunks that were computed."""
    before = 0 if fake.model is None else len(fake.model.batches)
    pieces, told_kept = [], set()
    for event in separate_settled(mixture, request, kept=chunks):
        if isinstance(event, ChunkStarted) and event.kept:
            told_kept.add(event.index)
        elif isinstance(event, ChunkFinished):
            pieces.append(event.audio)
    tracks = {name: np.concatenate([piece[name] for piece in pieces], axis=-1) for name in pieces[0]}
    computed = [index for group in fake.model.batches[before:] for index in group]
    assert told_kept.isdisjoint(computed) and told_kept | set(computed) == set(range(len(pieces)))
    return tracks, computed


def assert_identical(tracks, others):
    assert list(tracks) == list(others)
    assert all(np.array_equal(tracks[name], others[name]) for name in tracks)


def touching(start, stop):
    """The chunks that see samples [start, stop)."""
    return [i for i in range(N_CHUNKS) if i * HOP < stop and start < i * HOP + CHUNK]


def at(sample):
    return sample / RATE


# What is computed again, and what is not


def test_a_second_run_computes_nothing_and_gives_the_same(use):
    fake, chunks = use(), InMemory()
    first, computed = run(fake, asked(), chunks)
    assert computed == list(range(N_CHUNKS))
    second, computed = run(fake, asked(), chunks)
    assert computed == []
    assert_identical(first, second)


def test_without_a_place_to_keep_them_every_chunk_is_computed_and_the_result_is_the_same(use):
    fake = use()
    tracks, computed = run(fake, asked(), None)
    assert computed == list(range(N_CHUNKS))
    assert_identical(tracks, run(fake, asked(), InMemory())[0])


def test_only_the_stems_that_are_wanted_are_kept(use):
    chunks = InMemory()
    run(use(), asked(), chunks)
    assert all(set(stems) == {"dog"} for stems in chunks.values())


@pytest.mark.parametrize("batch", [1, 4])
def test_a_moved_anchor_computes_the_chunks_it_leaves_and_those_it_enters(use, batch):
    fake, chunks = use(batch), InMemory()
    run(fake, asked(anchored(at(5_000), at(5_300)), "cat"), chunks)
    request = asked(anchored(at(12_600), at(12_650)), "cat")
    tracks, computed = run(fake, request, chunks)
    left, entered = touching(5_000, 5_300), touching(12_600, 12_650)
    assert (left, entered) == ([5], [13, 14])  # the second lies where two chunks overlap
    assert computed == left + entered
    assert_identical(tracks, run(fake, request, None)[0])


def test_an_anchor_that_moves_within_a_frame_computes_nothing(use):
    fake, chunks = use(), InMemory()
    run(fake, asked(anchored(at(5_001), at(5_301))), chunks)
    assert run(fake, asked(anchored(at(5_009), at(5_309))), chunks)[1] == []


@pytest.mark.parametrize(
    "changed", [{"fade": "linear"}, {"max_chunks": 7}, {"stitch": "crossfade", "fade": "linear", "max_chunks": 3}]
)
def test_what_happens_after_the_model_computes_nothing_again(use, changed):
    before, chunks = ChunkSettings(), InMemory()
    run(use(), asked(chunks=before), chunks)
    fake = use(fade=changed.get("fade", "cosine"))
    request = asked(chunks=replace(before, **changed))
    tracks, computed = run(fake, request, chunks)
    assert computed == []
    assert_identical(tracks, run(fake, request, None)[0])


def test_gain_matching_computes_nothing_again(use):
    fake, chunks = use(), InMemory()
    run(fake, asked(), chunks)
    assert run(fake, asked(sam=SamSettings(match_gain=True)), chunks)[1] == []


def test_a_first_impression_is_the_beginning_of_the_whole_run(use):
    fake, chunks = use(), InMemory()
    run(fake, asked(chunks=ChunkSettings(max_chunks=3)), chunks)
    assert run(fake, asked(chunks=ChunkSettings()), chunks)[1] == list(range(3, N_CHUNKS))


def test_a_re_rolled_chunk_is_the_only_one_computed_and_rolling_back_computes_none(use):
    fake, chunks = use(), InMemory()
    run(fake, asked(), chunks)
    assert run(fake, asked(sam=SamSettings(rerolls=(Reroll(chunk=4, seed=9),))), chunks)[1] == [4]
    assert run(fake, asked(), chunks)[1] == []
    assert run(fake, asked(seed=9), chunks)[1] == [i for i in range(N_CHUNKS) if i != 4]


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"prompts": (Prompt(text="cat"),)},
        {"prompts": (Prompt(text="dog"), Prompt(text="cat"))},
        {"model": "another"},
        {"solver": SolverSettings(n_steps=3)},
        {"solver": SolverSettings(grid="sway")},
        {"sam": SamSettings(precision="bfloat16")},
        {"sam": SamSettings(stereo="mono")},
        {"sam": SamSettings(chain=True)},
    ],
)
def test_whatever_the_model_heeds_computes_every_chunk_again(use, changed):
    fake, chunks = use(known_models=("only", "another")), InMemory()
    run(fake, asked(), chunks)
    assert run(fake, replace(asked(), **changed), chunks)[1] == list(range(N_CHUNKS))


def test_another_revision_of_the_weights_or_code_computes_every_chunk_again(use):
    fake, chunks = use(), InMemory()
    run(fake, asked(), chunks)
    fake.version = "2"
    assert run(fake, asked(), chunks)[1] == list(range(N_CHUNKS))


def test_another_device_computes_again():
    window = Window(samples=np.zeros((1, 10), np.float32), index=0, stems=frozenset({"dog"}))
    on_cpu, on_cuda = (chunk_key(window, asked(), revision="1", device=device) for device in ("cpu", "cuda"))
    assert on_cpu != on_cuda
    # How the device was named makes no difference, only which it is.
    assert chunk_key(window, asked(device="cpu"), revision="1", device="cpu") == on_cpu


def test_other_sound_computes_the_chunks_it_is_heard_in(use):
    fake, chunks = use(), InMemory()
    run(fake, asked(), chunks)
    samples = MIXTURE.samples.copy()
    samples[0, 8_250] += 0.1
    assert run(fake, asked(), chunks, Waveform(samples, RATE))[1] == touching(8_250, 8_251) == [9]


def test_equal_sound_at_another_place_is_not_the_same_chunk(use):
    # The noise a chunk starts from depends on its number.
    fake = use()
    silence = Waveform(np.zeros((2, 5 * CHUNK), np.float32), RATE)
    assert len(run(fake, asked(), InMemory(), silence)[1]) == 6


def test_only_inside_computes_what_was_not_silent_before_and_keeps_the_rest(use):
    """Chunks without a span are silent with it and not without it; those with one are the same either way."""
    fake, chunks = use(), InMemory()
    prompt = anchored(at(5_000), at(5_300))
    run(fake, asked(prompt), chunks)
    only_inside = SamSettings(only_inside=True)
    assert run(fake, asked(prompt, sam=only_inside), chunks)[1] == [i for i in range(N_CHUNKS) if i != 5]
    # Without any span inside or elsewhere, or with - spans alone, it changes nothing.
    assert run(fake, asked(sam=only_inside), chunks)[1] == [5]
    unwanted = anchored(at(5_000), at(5_300), "-")
    run(fake, asked(unwanted), chunks)
    assert run(fake, asked(unwanted, sam=only_inside), chunks)[1] == []


def test_only_inside_a_chunk_with_minus_spans_alone_is_silent_and_not_what_was_computed_without_it(use):
    fake, chunks = use(), InMemory()
    spans = (anchored(at(5_000), at(5_300)).anchors[0], anchored(at(8_250), at(8_300), "-").anchors[0])
    prompt = Prompt(text="dog", anchors=spans)
    run(fake, asked(prompt), chunks)
    only_inside = asked(prompt, sam=SamSettings(only_inside=True))
    assert 9 in touching(8_250, 8_300)
    assert run(fake, only_inside, chunks)[1] == [i for i in range(N_CHUNKS) if i != 5]


def test_spans_that_overlap_are_told_apart_by_their_order():
    spans = (FrameSpan("+", 0, 5), FrameSpan("-", 3, 8))
    samples = np.zeros((1, 100), np.float32)
    keys = {
        chunk_key(
            Window(samples=samples, index=0, stems=frozenset({"dog"}), anchors={"dog": order}),
            asked(),
            revision="1",
            device="cpu",
        )
        for order in (spans, spans[::-1])
    }
    assert len(keys) == 2  # later spans win


def test_other_stems_of_the_same_window_have_a_key_of_their_own():
    samples = np.zeros((1, 100), np.float32)
    keys = {
        chunk_key(Window(samples=samples, index=0, stems=frozenset(stems)), asked(), revision="1", device="cpu")
        for stems in ({"dog"}, {"dog", "cat"}, {"cat", "dog"})
    }
    assert len(keys) == 2


def test_equal_samples_have_one_key_however_they_lie_in_memory():
    samples = np.random.default_rng(0).standard_normal((2, 50)).astype(np.float32)
    keys = {
        chunk_key(Window(samples=one, index=0, stems=frozenset({"dog"})), asked(), revision="1", device="cpu")
        for one in (samples, np.asfortranarray(samples))
    }
    assert len(keys) == 1
    flat = Window(samples=samples.reshape(1, 100), index=0, stems=frozenset({"dog"}))
    assert chunk_key(flat, asked(), revision="1", device="cpu") not in keys


# Going on


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("n_finished", [1, 3, N_CHUNKS - 1])
def test_a_run_goes_on_where_a_cancelled_one_stopped_and_is_identical(use, batch, n_finished):
    fake, chunks = use(batch), InMemory()
    undisturbed, _ = run(fake, asked(), None)
    n_before = len(fake.model.batches)
    steps = separate_settled(MIXTURE, asked(), kept=chunks)
    finished = (event for event in steps if isinstance(event, ChunkFinished))
    for _ in range(n_finished):
        next(finished)
    steps.close()
    done = {index for group in fake.model.batches[n_before:] for index in group}
    assert done >= set(range(n_finished))
    tracks, computed = run(fake, asked(), chunks)
    assert computed == [i for i in range(N_CHUNKS) if i not in done]
    assert_identical(tracks, undisturbed)


def test_groups_lie_where_they_would_without_a_store(use):
    fake, chunks = use(batch=4), InMemory()
    run(fake, asked(), chunks)
    whole = list(fake.model.batches)
    assert [len(group) for group in whole][:4] == [1, 4, 4, 4]
    fake.model.batches.clear()
    run(fake, asked(anchored(at(7 * HOP + 200), at(9 * HOP + 300))), chunks)
    # Chunks 7 and 8 are of the group 5 to 8, and nothing of the next is drawn into it.
    assert fake.model.batches == [[7, 8], [9]]


def test_multi_diffusion_keeps_and_takes_nothing(use):
    latents = LatentFacts(state_channels=FRAME, context_frames=CONTEXT)
    fake, chunks = use(make=FakeLatentModel, more_facts={"frame": FRAME, "latents": latents}), InMemory()
    request = asked(chunks=ChunkSettings(stitch="multidiffusion"), solver=SolverSettings(method="euler", n_steps=1))
    for _ in range(2):
        fake.model = None
        events = list(separate_settled(MIXTURE, request, kept=chunks))
        assert not any(event.kept for event in events if isinstance(event, ChunkStarted))
    assert chunks == {}


def test_where_chunks_cannot_be_kept_it_is_said_once_and_the_run_is_finished(use):
    fake = use()

    class Full(InMemory):
        n_tries = 0

        def put(self, key, stems):
            self.n_tries += 1
            raise NotKept("No room.")

    full = Full()
    events = list(separate_settled(MIXTURE, asked(), kept=full))
    assert [event.message for event in events if isinstance(event, Warned)] == ["No room."]
    assert sum(isinstance(event, ChunkFinished) for event in events) == N_CHUNKS
    assert full.n_tries == 1
    assert fake.model.batches
