"""The best batch size of a graphics card: measured with a clock that the model moves itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
import torch

from separation import Request
from separation.hub import batch_sizes
from separation.model import BackendProfile
from separation.model.windowing import Windowing
from separation.pipeline import tuning
from separation.request import ChunkSettings, SamSettings
from tests.support.fakes import FakeModel, PromptableBackend, ran, use_only

CARD = "A card"


@dataclass
class Timed(FakeModel):
    """Takes a second for every batch and `each_s` for every window of it; memory holds `holds` windows."""

    each_s: float = 0.1
    holds: int = 99
    now_s: float = 0.0

    def separate_batch(self, windows, request):
        if len(windows) > self.holds:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        self.now_s += 1 + self.each_s * len(windows)
        return (yield from super().separate_batch(windows, request))


@pytest.fixture
def tuned(monkeypatch, tmp_path):
    """Measure a model of these properties on a card of this computer."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: CARD)

    def measure(device="cuda", **properties):
        backend = use_only(
            monkeypatch,
            PromptableBackend,
            make=lambda facts, split: Timed(replace(facts, device=device), split, **properties),
            split=lambda samples, window: {"speech": samples},
            windowing=Windowing(chunk=1_000),
            profile=BackendProfile(batches=True),
        )
        monkeypatch.setattr(tuning.time, "perf_counter", lambda: backend.model.now_s)
        return ran(tuning.tune(asked()))[1]

    return measure


def asked(chunk_s=10.0, **sam):
    chunks = ChunkSettings(chunk_s=chunk_s, overlap_s=1.0)
    return Request.of("speech", backend="fake", model="only", chunks=chunks, sam=SamSettings(**sam))


def test_the_fastest_size_is_found_and_remembered_for_this_card(tuned, tmp_path):
    found = tuned(each_s=0.1)
    assert found.card == CARD and found.best == 16 and found.too_many is None
    assert found.windows_per_s[4] == pytest.approx(4 / 1.4)
    assert batch_sizes.recall(CARD, asked()) == 16
    assert json.loads((tmp_path / batch_sizes.MEMORY).read_text()).keys() == {CARD}


def test_sizes_that_memory_does_not_hold_are_left_out(tuned):
    found = tuned(holds=5)
    assert found.best == 4 and found.too_many == 8 and max(found.windows_per_s) == 4
    assert batch_sizes.recall(CARD, asked()) == 4


def test_a_larger_batch_that_is_hardly_faster_is_not_worth_its_memory(tuned):
    assert tuned(each_s=100.0).best == 1


def test_where_not_one_fits_nothing_is_remembered(tuned):
    assert tuned(holds=0).too_many == 1
    assert batch_sizes.recall(CARD, asked()) is None


def test_on_a_processor_nothing_is_measured(tuned):
    found = tuned(device="cpu")
    assert not found.windows_per_s and found.best == 1 and batch_sizes.recall(CARD, asked()) is None


def test_another_failure_is_no_matter_of_sizes(tuned, monkeypatch):
    def fail(self, windows, request):
        raise ValueError("odd")
        yield

    monkeypatch.setattr(Timed, "separate_batch", fail)
    with pytest.raises(ValueError, match="odd"):
        tuned()


def test_of_longer_chunks_fewer_go_together_and_other_settings_are_another_matter(tuned):
    tuned(holds=4)
    assert batch_sizes.recall(CARD, asked(chunk_s=20.0)) == 2 and batch_sizes.recall(CARD, asked(chunk_s=5.0)) == 8
    assert batch_sizes.recall(CARD, asked(stereo="sides")) is None
    assert batch_sizes.recall("Another card", asked()) is None


@pytest.mark.parametrize("damage", ["{", "[]", '{"A card": 3}', '{"A card": {"only, float32, projected": "x"}}'])
def test_a_damaged_table_is_no_table(tuned, tmp_path, damage):
    (tmp_path / batch_sizes.MEMORY).write_text(damage)
    assert batch_sizes.recall(CARD, asked()) is None
    tuned(holds=4)
    assert batch_sizes.recall(CARD, asked()) == 4
