"""A run that does not fit is done again with smaller settings, and says so; never silently, never in a loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from separation.engine.engine import Inline
from separation.errors import DeviceFailed, OutOfMemory, SeparationError, WorkerDied
from separation.estimates import fallbacks
from separation.events import BackendChosen, ChunkStarted, Kept, Planned, Warned
from separation.request import ChunkSettings, DemucsSettings, Request, Reroll, SamSettings
from separation.results.runs import find_result, import_recording, separate_recording
from tests.support import run_fakes
from tests.support.fakes import ran
from tests.support.store_files import in_the_making
from tests.support.terminal import audio_playground

DURATION_S = 6.0  # long enough for a shorter chunk


@pytest.fixture
def recording(store, tmp_path):
    return import_recording(run_fakes.song(tmp_path / "song.wav", DURATION_S), store)


def fail_first(backend, failure, times=1):
    """Raise at the first so many evaluations."""
    left = [failure] * times

    def raise_one():
        if left:
            raise left.pop()

    backend.before_evaluation = raise_one


def run(recording, request, store):
    return ran(separate_recording(recording, request, store, Inline()))


def said(events):
    return [event.message for event in events if isinstance(event, Warned)]


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError("Unable to allocate 3 TiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 40 bytes"),
        WorkerDied("The process doing the separation died.", "Most often memory ran out.", "Choose shorter chunks."),
    ],
)
def test_a_run_that_does_not_fit_is_done_once_more_with_the_next_smaller_setting(store, backend, recording, failure):
    fail_first(backend, failure)
    events, result = run(recording, Request.of("drums"), store)
    retry = said(events)[0]
    assert "memory" in retry.casefold()
    assert retry.endswith("Done again with chunks of 5 s (--chunk-duration 5).")
    assert retry in result.warnings and retry in result.report["warnings"]
    assert result.request.chunks.chunk_s == 5
    assert "--chunk-duration 5" in store.get(result.key).manifest.command
    assert sum(isinstance(event, Planned) for event in events) == 2
    assert isinstance(events[-1], Kept) and not events[-1].cached


def test_the_result_is_kept_under_the_request_that_made_it(store, backend, recording):
    fail_first(backend, MemoryError())
    asked = Request.of("drums")
    _, result = run(recording, asked, store)
    made_by = Request.of("drums", chunks=ChunkSettings(chunk_s=5.0, overlap_s=1.25))
    assert find_result(recording, made_by, store)[3] == result
    assert find_result(recording, asked, store)[3] is None


def test_what_the_smaller_setting_has_made_before_is_found(store, backend, recording):
    fail_first(backend, MemoryError())
    _, first = run(recording, Request.of("drums"), store)
    for chunk in store.list("chunk"):
        store.remove(chunk.key)
    fail_first(backend, MemoryError())
    events, again = run(recording, Request.of("drums"), store)
    assert again == first
    assert events[-1] == Kept(key=first.key, cached=True)
    assert len(said(events)) == 1


def test_it_goes_down_to_the_setting_that_fits_and_says_each(store, backend, tmp_path):
    long = import_recording(run_fakes.song(tmp_path / "long.wav", 25.0), store)
    fail_first(backend, MemoryError(), times=2)
    events, result = run(long, Request.of("drums", chunks=ChunkSettings(chunk_s=20.0)), store)
    tries = [line for line in said(events) if "Done again" in line]
    assert [line.rpartition("Done again with ")[2] for line in tries] == [
        "chunks of 10 s (--chunk-duration 10).",
        "chunks of 5 s (--chunk-duration 5).",
    ]
    assert list(result.warnings[:2]) == tries, "in the report, and on the page"
    assert result.request.chunks.chunk_s == 5 and result.n_samples == 25 * run_fakes.RATE


def test_a_failure_of_the_smallest_setting_is_an_error_that_says_what_to_do(store, backend, recording):
    fail_first(backend, MemoryError("Unable to allocate 3 TiB"), times=99)
    events = []
    with pytest.raises(OutOfMemory) as raised:
        for event in separate_recording(recording, Request.of("drums"), store, Inline()):
            events.append(event)
    assert "shorter chunks" in raised.value.todo
    assert len(said(events)) == 1
    assert backend.n_evaluations == 2
    assert store.list("result") == []
    assert in_the_making(store) == []


def test_without_a_smaller_setting_nothing_is_tried_again(store, backend, tmp_path):
    short = import_recording(run_fakes.song(tmp_path / "short.wav", 2.0), store)
    fail_first(backend, MemoryError())
    with pytest.raises(OutOfMemory):
        run(short, Request.of("drums"), store)
    assert backend.n_evaluations == 1


def test_other_failures_are_not_tried_again(store, backend, recording):
    fail_first(backend, SeparationError("It broke."))
    with pytest.raises(SeparationError, match="It broke"):
        run(recording, Request.of("drums"), store)
    assert backend.n_evaluations == 1


def test_a_graphics_card_that_nobody_named_is_replaced_by_the_processor_and_that_is_said(store, backend, recording):
    fail_first(backend, RuntimeError("CUDA error: no kernel image is available for execution on the device"))
    events, result = run(recording, Request.of("drums"), store)
    assert "graphics card could not be used" in said(events)[0] and "processor" in said(events)[0]
    assert result.request.device == "cpu"


def test_a_graphics_card_that_was_asked_for_is_not_replaced(store, backend, recording):
    fail_first(backend, RuntimeError("CUDA error: no kernel image is available for execution on the device"))
    with pytest.raises(DeviceFailed, match="“cpu”"):
        run(recording, Request.of("drums", device="cuda"), store)
    assert backend.n_evaluations == 1


def test_a_run_can_be_cancelled_in_its_second_try(store, backend, recording):
    fail_first(backend, MemoryError())
    steps = separate_recording(recording, Request.of("drums"), store, Inline())
    seen = []
    for event in steps:
        seen.append(event)
        if sum(isinstance(one, ChunkStarted) for one in seen) == 3:
            break
    steps.close()
    assert isinstance(seen[0], BackendChosen) and len(said(seen)) == 1
    assert store.list("result") == []
    assert in_the_making(store) == []


def test_files_that_grow_start_over_with_the_second_try(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    song = run_fakes.song(tmp_path / "song.wav", DURATION_S)
    calls = []

    def fail_at_the_third():
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError

    backend.before_evaluation = fail_at_the_third
    shown = audio_playground("extract", "auto", song, "-p", "drums", "--streaming", "-o", tmp_path / "out").output
    assert "note: The memory ran out." in shown and "--chunk-duration 5" in shown
    from separation import decode

    waveform = decode(tmp_path / "out" / "drums.wav").waveform
    assert waveform.samples.shape == (2, round(DURATION_S * run_fakes.RATE))


GREEDY = """
import json, resource, sys
from pathlib import Path
import numpy as np
from separation.pipeline import tasks
from separation.backends import registry
from separation.model.windowing import Windowing
from separation.engine.engine import Inline
from separation.events import SolverStep, Warned
from separation.request import ChunkSettings, Request
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.fakes import FakeBackend, FakeModel

class Greedy(FakeModel):
    def separate(self, window, request):
        held = np.ones(5_000 * window.samples.size, np.uint8)  # 400 MB for 10 s, half of it for 5 s
        yield SolverStep(done=1, total=1)
        return {name: held[0] * 0.25 * window.samples for name in ("drums", "bass", "vocals", "other")}

class GreedyBackend(FakeBackend):
    def load(self, request):
        self.windowing = Windowing.of(request.chunks, self.sample_rate)
        return (yield from super().load(request))

registry.BACKENDS = {"fake": GreedyBackend(make=Greedy, sample_rate=8000, n_channels=1)}
folder = Path(sys.argv[1])
store = ArtifactStore(folder / "home")
recording = import_recording(run_fakes.song(folder / "song.wav", 12.0), store)
import separation.results.track_files
used = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 330_000_000,) * 2)
steps = separate_recording(recording, Request.of("drums", chunks=ChunkSettings(chunk_s=10.0)), store, Inline())
said = []
while True:
    try:
        event = next(steps)
    except StopIteration as stop:
        result = stop.value
        break
    if isinstance(event, Warned):
        said.append(event.message)
print(json.dumps({"said": said, "chunk_s": result.request.chunks.chunk_s, "n_samples": result.n_samples}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs the limits of Linux")
def test_a_process_that_truly_runs_out_of_memory_finishes_with_shorter_chunks(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", GREEDY, str(tmp_path)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "Unable to allocate" in found["said"][0] and "chunks of 5 s" in found["said"][0]
    assert found["chunk_s"] == 5
    assert found["n_samples"] == 12 * run_fakes.RATE


# The ladder


def rungs(request, duration_s=None):
    """What changes at each step down to the bottom."""
    steps = []
    while (below := fallbacks.smaller(request, duration_s=duration_s)) is not None:
        steps.append(fallbacks.changed(request, below))
        request = below
        assert len(steps) < 20, "a loop"
    return steps


def options(steps):
    return [step.partition("(")[2].rstrip(")") for step in steps]


def test_the_built_in_separator_takes_shorter_chunks():
    request = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=None))
    chunks = [f"--chunk-duration {chunk}" for chunk in (60, 30, 20, 10, 5)]
    assert options(rungs(request)) == chunks
    assert options(rungs(request, duration_s=25.0)) == chunks[2:]
    assert rungs(request, duration_s=4.0) == []


def test_overlaps_shrink_with_chunks_so_that_the_request_stays_valid():
    request = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=10.0, overlap_s=5.0))
    assert fallbacks.smaller(request).chunks == ChunkSettings(chunk_s=5.0, overlap_s=1.25)


def test_sam_audio_takes_shorter_chunks_then_a_lower_precision(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: False)
    request = Request.of("dog", backend="sam_torch", model="small", chunks=ChunkSettings())
    assert options(rungs(request)) == ["--chunk-duration 10", "--chunk-duration 5", "--precision bfloat16"]
    on_cpu = Request.of("dog", backend="sam_torch", model="small", device="cpu", chunks=ChunkSettings(chunk_s=5.0))
    assert options(rungs(on_cpu)) == ["--precision int8"]
    # Beyond 20 s a chunk holds no more, so 60 -> 30 would be no step.
    assert options(rungs(Request.of("dog", backend="sam_torch", chunks=ChunkSettings(chunk_s=60.0))))[0] == (
        "--chunk-duration 10"
    )
    official = Request.of("dog", backend="sam_official", model="small", chunks=ChunkSettings(chunk_s=5.0))
    assert rungs(official) == []


def test_a_smaller_model_comes_last_and_only_if_it_is_here(monkeypatch):
    request = Request.of("dog", backend="sam_torch", model="large", chunks=ChunkSettings(chunk_s=5.0))
    monkeypatch.setattr(fallbacks, "usable", lambda request: request.model == "base")
    assert options(rungs(request)) == ["--precision bfloat16", "--model base"]
    monkeypatch.setattr(fallbacks, "usable", lambda request: False)
    assert options(rungs(request)) == ["--precision bfloat16"]


def test_a_model_that_is_not_on_this_computer_is_not_usable():
    request = Request.of("drums", backend="demucs", model="htdemucs_ft", demucs=DemucsSettings(folder="/nowhere"))
    assert fallbacks.smaller(request, duration_s=1.0) is None


def test_settings_that_count_chunks_keep_their_chunks(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: False)
    rerolled = Request.of("dog", backend="sam_torch", sam=SamSettings(rerolls=(Reroll(chunk=3, seed=1),)))
    assert options(rungs(rerolled)) == ["--precision bfloat16"]
    assert rungs(Request.of("drums", backend="builtin", chunks=ChunkSettings(max_chunks=2))) == []


def test_demucs_without_transformer_takes_segments_and_shorter_ones(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: False)
    request = Request.of("drums", backend="demucs", model="mdx", demucs=DemucsSettings(split=False))
    assert options(rungs(request)) == ["--split", *(f"--segment {s}" for s in (30, 20, 10, 5, "2.5"))]


def test_transformers_of_demucs_fill_every_segment_so_shorter_ones_are_no_step(monkeypatch):
    monkeypatch.setattr(fallbacks, "usable", lambda request: request.model == "htdemucs")
    assert options(rungs(Request.of("drums", backend="demucs", model="htdemucs_ft"))) == ["--model htdemucs"]
    on_card = Request.of("drums", backend="demucs", model="htdemucs", device="cuda")
    assert rungs(on_card) == ["half precision (--mixed-precision)"]


def test_another_device_is_told_as_well():
    request = Request.of("drums", backend="demucs")
    assert (
        fallbacks.changed(request, Request.of("drums", backend="demucs", device="cpu"))
        == "the device cpu (--device cpu)"
    )
