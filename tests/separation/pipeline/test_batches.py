"""Where memory does not hold several windows at once, fewer go together, and the run goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from separation import Request, Waveform
from separation.errors import OutOfMemory, SeparationError
from separation.events import ChunkFinished, SolverStep, Warned
from separation.model.windowing import Windowing
from separation.pipeline.separate import separate_settled
from tests.support.fakes import FakeModel, use_only

BATCH, N_SAMPLES = 8, 20_000
CUDA = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")
MPS = RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB, max allowed: 9.07 GB).")


@dataclass
class SmallDevice(FakeModel):
    """A model on a device whose memory holds so many windows."""

    holds: int = BATCH
    failure: Exception = field(default_factory=lambda: CUDA)
    attempts: list[int] = field(default_factory=list)

    def separate(self, window, request):
        self.attempts.append(1)
        if not self.holds:
            raise self.failure
        return (yield from super().separate(window, request))

    def separate_batch(self, windows, request):
        self.attempts.append(len(windows))
        yield SolverStep(done=1, total=2)
        if len(windows) > self.holds:
            raise self.failure
        return (yield from super().separate_batch(windows, request))


class InMemory(dict):
    """Chunks in a dictionary."""

    put = dict.__setitem__


@pytest.fixture
def device(monkeypatch):
    """Make a device that holds so many windows the only one, of a model that would take eight."""

    def make(**limits):
        return use_only(
            monkeypatch,
            make=lambda facts, split: SmallDevice(facts, split, **limits),
            split=lambda x, window: {"drums": x * (1 + window.index)},
            windowing=Windowing(chunk=1_000, overlap=100),
            more_facts={"batch": BATCH},
        )

    return make


def run(request, kept=None):
    mixture = Waveform(np.random.default_rng(0).normal(0, 0.1, (2, N_SAMPLES)).astype(np.float32), 44_100)
    return list(separate_settled(mixture, request, kept=kept))


def asked(seed=0):
    return Request.of("drums", backend="fake", model="only", seed=seed)


def sound(events):
    return np.concatenate([event.audio["drums"] for event in events if isinstance(event, ChunkFinished)], axis=-1)


def warnings(events):
    return [event.message for event in events if isinstance(event, Warned)]


@pytest.mark.parametrize("failure", [CUDA, MPS, MemoryError()], ids=["cuda", "mps", "computer"])
@pytest.mark.parametrize("holds", [1, 2, 3, 4, 7])
def test_the_batch_is_halved_until_it_fits_and_the_sound_is_the_same(device, holds, failure):
    device()
    whole = sound(run(asked()))
    fake = device(holds=holds, failure=failure)
    np.testing.assert_array_equal(sound(run(asked(seed=holds))), whole)
    fits = next(size for size in (4, 2, 1) if size <= holds)
    assert max(map(len, fake.model.batches), default=1) == fits


def test_the_smaller_batch_stays_for_the_rest_of_the_run(device):
    fake = device(holds=3)
    run(asked(seed=1))
    assert fake.model.attempts[:4] == [1, 8, 4, 2]
    assert max(fake.model.attempts[4:]) == 2, "the other groups of eight are not tried again"


def test_another_run_begins_with_the_models_own(device):
    fake = device(holds=3)
    run(asked(seed=1))
    fake.model.holds, n_before = BATCH, len(fake.model.attempts)
    assert not warnings(run(asked(seed=2)))
    assert 8 in fake.model.attempts[n_before:]


def test_each_halving_is_said_with_what_happened_and_what_was_done(device):
    device(holds=3)
    first, second = warnings(run(asked(seed=3)))
    assert first == (
        "The memory of the graphics card ran out. CUDA out of memory. Tried to allocate 2.00 GiB. "
        "8 windows were computed at once; from here on 4 at a time are, which is slower and sounds the same."
    )
    assert "4 windows were computed at once; from here on 2 at a time are" in second
    device(holds=1)
    assert "from here on one at a time is" in warnings(run(asked(seed=4)))[-1]


def test_chunks_are_kept_under_the_same_keys_and_none_is_computed_twice(device):
    whole, small = InMemory(), InMemory()
    device()
    run(asked(seed=5), kept=whole)
    fake = device(holds=2)
    run(asked(seed=5), kept=small)
    assert small.keys() == whole.keys()
    computed = [index for batch in fake.model.batches for index in batch]
    assert len(computed) == len(set(computed)), "what had been finished was not done again"


def test_the_progress_of_a_batch_never_passes_its_end(device):
    device(holds=3)
    steps = [event for event in run(asked(seed=6)) if isinstance(event, SolverStep)]
    assert all(0 < step.done <= step.total for step in steps)


def test_memory_that_does_not_hold_one_window_fails_the_run_as_before(device):
    fake = device(holds=0)
    with pytest.raises(OutOfMemory, match="graphics card"):
        run(asked(seed=7))
    assert fake.model.attempts == [1]


def test_another_failure_is_not_tried_again(device):
    fake = device(holds=1, failure=SeparationError("It broke."))
    with pytest.raises(SeparationError, match="It broke"):
        run(asked(seed=8))
    assert fake.model.attempts == [1, 8]
