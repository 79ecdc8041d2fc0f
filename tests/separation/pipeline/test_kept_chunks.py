"""Finished chunks in the store: a run goes on from them, they go first, and damage costs only what it hit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from separation import Anchor, ChunkSettings, Prompt, Request, SolverSettings, Waveform
from separation.audio.encode import encode
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.engine.engine import Inline
from separation.events import ChunkFinished, Kept, Warned
from separation.models.sam_audio import model
from separation.results.runs import ChunkStore, import_recording, separate_recording
from storage import ArtifactStore
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.store_files import in_the_making


def anchored(start_s, stop_s, sign="+", text="dog"):
    return Prompt(text=text, anchors=(Anchor(sign=sign, start_s=start_s, stop_s=stop_s),))


# In the store


def result_of_run(recording, request, store):
    """The samples of a result as they are kept."""
    steps = separate_recording(recording, request, store, Inline())
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return {name: path.read_bytes() for name, path in store.get(done.value.key).files.items()}


def stopped_after(n_chunks, recording, request, store):
    steps = separate_recording(recording, request, store, Inline())
    for _ in range(n_chunks):
        next(event for event in steps if isinstance(event, ChunkFinished))
    steps.close()


def test_a_cancelled_run_goes_on_in_another_process_and_its_files_are_identical(store, backend, recording, tmp_path):
    elsewhere = ArtifactStore(tmp_path / "elsewhere")
    undisturbed = result_of_run(
        import_recording(tmp_path / "song.wav", elsewhere), Request.of("drums", "bass"), elsewhere
    )
    n_chunks, backend.n_evaluations = backend.n_evaluations, 0
    stopped_after(3, recording, Request.of("drums", "bass"), store)
    assert backend.n_evaluations == 3
    assert store.list("result") == []
    assert in_the_making(store) == []
    again = ArtifactStore(tmp_path / "home")
    assert result_of_run(recording, Request.of("drums", "bass"), again) == undisturbed
    assert backend.n_evaluations == n_chunks == 5


def test_a_result_that_was_removed_is_made_again_without_the_model(store, backend, recording):
    first = result_of_run(recording, Request.of("drums"), store)
    (result,) = store.list("result")
    store.remove(result.key)
    backend.n_evaluations = 0
    assert result_of_run(recording, Request.of("drums"), store) == first
    assert backend.n_evaluations == 0


def test_a_run_that_fails_leaves_the_chunks_before(store, backend, recording):
    def fail():
        if backend.n_evaluations == 3:
            raise RuntimeError("the model broke")

    backend.before_evaluation = fail
    with pytest.raises(RuntimeError):
        result_of_run(recording, Request.of("drums"), store)
    assert len(store.list("chunk")) == 2
    backend.before_evaluation, backend.n_evaluations = lambda: None, 0
    result_of_run(recording, Request.of("drums"), store)
    assert backend.n_evaluations == 3


def test_an_evicted_chunk_costs_its_own_computation_and_nothing_else(store, backend, recording):
    first = result_of_run(recording, Request.of("drums"), store)
    store.remove(store.list("result")[0].key)
    store.remove(store.list("chunk")[2].key)
    backend.n_evaluations = 0
    assert result_of_run(recording, Request.of("drums"), store) == first
    assert backend.n_evaluations == 1
    assert len(store.list("chunk")) == 5


@pytest.mark.parametrize("damage", [b"", b"\x80\x04pickle", b"\0" * 44])
def test_a_damaged_chunk_is_computed_again_and_replaced(store, backend, recording, damage):
    first = result_of_run(recording, Request.of("drums"), store)
    store.list("chunk")[0].files["stems"].write_bytes(damage)
    for n_evaluations in (1, 0):
        store.remove(store.list("result")[0].key)
        backend.n_evaluations = 0
        assert result_of_run(recording, Request.of("drums"), store) == first
        assert backend.n_evaluations == n_evaluations


def test_chunks_go_before_anything_else_when_the_store_is_full(store, backend, recording):
    result_of_run(recording, Request.of("drums"), store)
    (kept,) = store.list("result")
    # Room for the recording, two results and one chunk.
    chunk = max(chunk.manifest.size_bytes for chunk in store.list("chunk"))
    store.limit_bytes = store.get(recording.key).manifest.size_bytes + 2 * kept.manifest.size_bytes + chunk
    result_of_run(recording, Request.of("bass"), store)
    assert store.get(recording.key) is not None
    assert store.get(kept.key) is not None
    assert len(store.list("result")) == 2
    assert len(store.list("chunk")) == 1


def test_a_store_without_room_for_chunks_still_keeps_the_result(store, backend, recording, monkeypatch):
    def no_room(key, new):
        if new.kind == "chunk":
            raise OSError("the disk is full")
        return put(key, new)

    put = store.put
    monkeypatch.setattr(store, "put", no_room)
    events = list(separate_recording(recording, Request.of("drums"), store, Inline()))
    said = [event.message for event in events if isinstance(event, Warned)]
    assert sum("not kept from here on. The system says: the disk is full." in message for message in said) == 1
    assert isinstance(events[-1], Kept)
    assert store.list("chunk") == []
    assert in_the_making(store) == []


def test_a_chunk_comes_back_from_the_shelf_bit_by_bit(store):
    chunks = ChunkStore(store, "recording")
    rng = np.random.default_rng(1)
    stems = {name: rng.standard_normal((2, 77)).astype(np.float32) for name in ("dog", "a cat, afar", "../evil")}
    stems["dog"][0, :3] = -0.0, 1e-42, np.float32(3e38)
    assert chunks.get("0" * 64) is None
    chunks.put("0" * 64, stems)
    back = chunks.get("0" * 64)
    assert {name: samples.tobytes() for name, samples in back.items()} == {
        name: samples.tobytes() for name, samples in stems.items()
    }
    assert all(samples.dtype == np.float32 and samples.shape == (2, 77) for samples in back.values())


# SAM-Audio's own network


@pytest.fixture
def sam(monkeypatch):
    """The tiny checkpoint, and the windows it has solved: each begins with its noise."""
    monkeypatch.setattr(registry, "BACKENDS", {"sam_torch": SamTorchBackend()})
    solved, usual = [], model.noise

    def counting(seed, index, *shape):
        solved.append(index)
        return usual(seed, index, *shape)

    monkeypatch.setattr(model, "noise", counting)
    return solved


def test_on_the_real_network_one_moved_anchor_computes_its_chunks_and_a_second_run_none(sam, store, tmp_path):
    # Chunks of 12 frames with a hop of 8: six of them.
    encode(Waveform(clip(50 * 1920, channels=1), 48_000), tmp_path / "tone.wav")
    recording = import_recording(tmp_path / "tone.wav", store)
    request = Request(
        prompts=(anchored(0.1, 0.2, text="violin"),),
        backend="sam_torch",
        model=str(CHECKPOINT),
        device="cpu",
        chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.16),
        solver=SolverSettings(method="euler", n_steps=1),
    )
    stopped_after(2, recording, request, store)
    done = set(sam)
    first = result_of_run(recording, request, store)
    assert sorted(sam) == list(range(6))
    assert done >= {0, 1}

    elsewhere = ArtifactStore(tmp_path / "elsewhere")
    undisturbed = result_of_run(import_recording(tmp_path / "tone.wav", elsewhere), request, elsewhere)
    assert first == undisturbed

    sam.clear()
    store.remove(store.list("result")[0].key)
    assert result_of_run(recording, request, store) == first
    linear = replace(request, chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.16, fade="linear"))
    assert result_of_run(recording, linear, store) != first
    assert sam == []

    # Frame 29 is the fourth chunk's and no other's.
    moved = replace(request, prompts=(anchored(1.16, 1.2, text="violin"),))
    result_of_run(recording, moved, store)
    assert sorted(sam) == [0, 3]
