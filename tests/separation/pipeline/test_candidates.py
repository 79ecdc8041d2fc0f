"""Each chunk from several seeds, the best of them chosen: with SAM-Audio's tiny checkpoint and with models that err."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from separation import ChunkSettings, Request, SolverSettings, Waveform
from separation.audio.encode import encode
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.engine.engine import Inline
from separation.errors import SettingsError
from separation.events import ChunkMeasured, ChunkStarted, SolverStep
from separation.model.windowing import Windowing
from separation.models.sam_audio.model import SamAudioModel
from separation.pipeline.separate import extract, separate
from separation.request import Reroll, SamSettings
from separation.results.runs import import_recording, separate_recording
from tests.support.fakes import FakeModel, PromptableBackend, use_only
from tests.support.sam_models import CHECKPOINT, clip

RATE = 48_000
CHUNKS = ChunkSettings(chunk_s=0.5, overlap_s=0.1)


def asked(candidates: int = 3, **more) -> Request:
    sam = replace(more.pop("sam", SamSettings(stereo="mono")), candidates=candidates)
    settings = {"chunks": CHUNKS, "solver": SolverSettings(method="euler", n_steps=2), "sam": sam, **more}
    return SamTorchBackend().settle(Request.of("dog", model=str(CHECKPOINT), **settings))


@pytest.fixture
def song() -> Waveform:
    return Waveform(clip(int(1.2 * RATE), channels=1), RATE)


@pytest.fixture
def recording(store, tmp_path, song):
    encode(song, tmp_path / "song.wav")
    return import_recording(tmp_path / "song.wav", store)


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """The chunks that the model encodes, in order."""
    seen, encode_of = [], SamAudioModel.encode

    def counting(self, window, request):
        seen.append(window.index)
        return encode_of(self, window, request)

    monkeypatch.setattr(SamAudioModel, "encode", counting)
    return seen


def measures(events) -> list[ChunkMeasured]:
    return [event for event in events if isinstance(event, ChunkMeasured)]


def kept(recording, request, store) -> list:
    return list(separate_recording(recording, request, store, Inline()))


def test_every_chunk_is_that_of_the_seed_that_is_said_to_be_chosen(song):
    request = asked()
    events = list(separate(song, request))
    seeds = {one.index: one.seed for one in measures(events)}
    assert len(seeds) == 3 and set(seeds.values()) <= {0, 1, 2}
    rerolls = tuple(Reroll(chunk=index, seed=seed) for index, seed in seeds.items() if seed)
    same = asked(1, sam=SamSettings(stereo="mono", rerolls=rerolls))
    np.testing.assert_array_equal(extract(song, request)["dog"].samples, extract(song, same)["dog"].samples)


def test_the_mixture_is_encoded_once_for_all_candidates_also_without_a_store(song, encoded):
    list(separate(song, asked(4)))
    assert encoded == [0, 1, 2]


def test_every_candidate_is_kept_as_a_run_with_its_seed_would_keep_it(recording, store, encoded):
    kept(recording, asked(3), store)
    encoded.clear()
    for seed in (0, 1, 2):
        events = kept(recording, asked(1, seed=seed), store)
        assert all(event.kept for event in events if isinstance(event, ChunkStarted))
        assert not any(isinstance(event, SolverStep) for event in events)
    events = kept(recording, asked(1, seed=3), store)
    assert not any(event.kept for event in events if isinstance(event, ChunkStarted)) and encoded == []


def test_one_more_candidate_computes_only_that_one(recording, store):
    kept(recording, asked(3), store)
    steps = [event for event in kept(recording, asked(4), store) if isinstance(event, SolverStep)]
    assert len(steps) == 3 * 2, "two steps in each of three chunks"


def test_a_chunk_with_a_seed_of_its_own_has_one_candidate(recording, store):
    sam = SamSettings(stereo="mono", rerolls=(Reroll(chunk=1, seed=0),))
    found = measures(kept(recording, asked(3, sam=sam), store))
    assert [one.seed is None for one in found] == [False, True, False]


def test_steps_count_over_all_candidates(song):
    steps = [event for event in separate(song, asked(3)) if isinstance(event, SolverStep) and event.index == 0]
    assert [(step.done, step.total) for step in steps] == [(n, 6) for n in range(1, 7)]


def test_the_candidate_that_is_right_is_chosen_in_each_chunk(monkeypatch):
    noise = 0.1 * np.random.default_rng(3).standard_normal((1, 30_000)).astype(np.float32)
    mixture = Waveform(noise, 44_100)
    right = {0: 2, 1: 0, 2: 1, 3: 3}

    def split(samples, window):
        """Below an edge is the dog, above it the rest; who errs takes some of the rest, or of nothing, along."""
        spectrum = np.fft.rfft(samples)
        edge = spectrum.shape[-1] // 2
        is_right = window.candidate == right[window.index]
        spectrum[..., edge:] *= 0 if is_right else 0.3 * np.exp(2j * window.candidate)
        return {"dog": np.fft.irfft(spectrum, samples.shape[-1]).astype(np.float32)}

    facts = {"generative": True}
    windowing = Windowing(chunk=9_000, overlap=1_000)
    use_only(monkeypatch, PromptableBackend, make=FakeModel, windowing=windowing, more_facts=facts, split=split)
    events = list(separate(mixture, Request.of("dog", seed=5, sam=SamSettings(candidates=4))))
    assert {one.index: one.seed - 5 for one in measures(events)} == right


def test_a_judge_of_the_backend_has_the_choice(monkeypatch):
    asked_of = []

    def judge(prompt, candidates, mixture, sample_rate):
        asked_of.append((prompt, len(candidates), mixture.shape == candidates[0].shape, sample_rate))
        return [0, 1, 0]

    facts, windowing = {"generative": True}, Windowing(chunk=9_000, overlap=1_000)
    backend = use_only(
        monkeypatch, PromptableBackend, make=FakeModel, windowing=windowing, more_facts=facts,
        split=lambda samples, window: {"dog": samples * np.float32(0.5)},
    )  # fmt: skip
    monkeypatch.setattr(type(backend), "judge", lambda self, request: judge)
    mixture = Waveform(0.1 * clip(8_000, channels=1), 44_100)
    (found,) = measures(separate(mixture, Request.of("dog", sam=SamSettings(candidates=3))))
    assert found.seed == 1 and asked_of == [("dog", 3, True, 44_100)]


def test_as_many_candidates_as_a_card_holds_are_solved_together(monkeypatch):
    mixture = Waveform(0.1 * clip(30_000, channels=1), 44_100)
    facts, windowing = {"generative": True, "batch": 4}, Windowing(chunk=9_000, overlap=1_000)
    backend = use_only(
        monkeypatch, PromptableBackend, make=FakeModel, windowing=windowing, more_facts=facts,
        split=lambda samples, window: {"dog": samples * np.float32(0.5)},
    )  # fmt: skip
    list(separate(mixture, Request.of("dog", sam=SamSettings(candidates=2))))
    assert backend.model.batches == [[0, 0], [1, 1, 2, 2], [3, 3]]


def test_a_request_for_one_candidate_is_written_as_before_there_were_several():
    assert "candidates" not in Request.of("dog").to_dict()["sam"]
    several = Request.of("dog", sam=SamSettings(candidates=3))
    assert Request.from_dict(several.to_dict()) == several
    assert several.n_candidates_of(0) == 3


@pytest.mark.parametrize("candidates", [0, 9, 1.5])
def test_how_many_there_may_be(candidates):
    with pytest.raises(SettingsError, match="candidates"):
        SamSettings(candidates=candidates)


def test_seeds_go_on_after_the_last_one():
    last = 2**63 - 1
    assert Request.of("dog", seed=last).seed_of(0, 1) == 0


def test_multi_diffusion_has_no_candidates():
    with pytest.raises(SettingsError, match="Multi-diffusion cannot be combined with several candidates"):
        asked(2, chunks=replace(CHUNKS, stitch="multidiffusion"))


@pytest.mark.parametrize(("method", "n_steps"), [("euler", 16), ("midpoint", 16)])
def test_four_candidates_cost_less_than_four_times_as_much_as_one(method, n_steps):
    def work(candidates):
        request = Request.of(
            "dog", model="small", solver=SolverSettings(method=method, n_steps=n_steps),
            sam=SamSettings(candidates=candidates),
        )  # fmt: skip
        return registry.get("sam_torch").cost(SamTorchBackend().settle(request), 60).work

    assert 3.4 < work(4) / work(1) < 3.8
