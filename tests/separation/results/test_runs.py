from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from itertools import islice

import numpy as np
import pytest

from separation import Request, decode, extract
from separation.audio.peaks import PeaksWriter
from separation.engine.engine import Inline
from separation.errors import AudioError, PromptError, SettingsError
from separation.events import (
    AnchorsMapped,
    BackendChosen,
    ChunkFinished,
    ChunkMeasured,
    ChunkStarted,
    Finished,
    Kept,
    Planned,
    Warned,
)
from separation.metrics.quality import QualityMeter
from separation.request import Anchor, ChunkSettings, DemucsSettings, Prompt, SolverSettings
from separation.results import runs
from separation.results.runs import find_result, import_recording, separate_recording
from storage import ArtifactStore
from tests.support import odd_files, run_fakes
from tests.support.fakes import ran
from tests.support.store_files import in_the_making


def run(recording, request, store, engine=None):
    """All events of a run, and its result."""
    return ran(separate_recording(recording, request, store, engine or Inline()))


def nothing_in_scratch(store):
    return in_the_making(store) == []


# A file becomes a recording


def test_a_recording_holds_the_files_samples_and_what_is_known_of_them(store, tmp_path):
    path = run_fakes.song(tmp_path / "song.wav", 1.5)
    recording = import_recording(path, store)
    assert recording.name == "song.wav"
    assert dict(store.get(recording.key).info) == {
        "sample_rate": 8000,
        "n_channels": 2,
        "n_samples": 12_000,
        "warnings": [],
        "tags": {},
    }
    kept = decode(recording.audio).waveform
    assert np.array_equal(kept.samples, decode(path).waveform.samples)
    assert nothing_in_scratch(store)


def test_the_peaks_kept_are_those_of_the_samples_kept(store, tmp_path):
    # Longer than one block of reading, and no multiple of anything.
    recording = import_recording(run_fakes.song(tmp_path / "song.wav", 40.0123), store)
    with PeaksWriter(tmp_path / "peaks") as peaks:
        peaks.write(decode(recording.audio).waveform.samples)
    assert recording.peaks.read_bytes() == (tmp_path / "peaks").read_bytes()


def test_the_same_bytes_are_decoded_once_whatever_they_are_called(store, tmp_path, monkeypatch):
    first = import_recording(run_fakes.song(tmp_path / "a.wav"), store)
    monkeypatch.setattr("separation.audio.convert.converted_blocks", lambda *_, **__: pytest.fail("decoded again"))
    assert import_recording(run_fakes.song(tmp_path / "b.wav"), store, name="another name").key == first.key
    assert [kept.name for kept in store.list()] == ["a.wav"]


def test_other_bytes_are_another_recording(store, tmp_path):
    one = import_recording(run_fakes.song(tmp_path / "a.wav", seed=1), store)
    two = import_recording(run_fakes.song(tmp_path / "a.wav", seed=2), store)
    assert one.key != two.key


def test_another_decoder_makes_another_recording(store, tmp_path, monkeypatch):
    one = import_recording(run_fakes.song(tmp_path / "a.wav"), store)
    monkeypatch.setattr(runs, "DECODER_REVISION", runs.DECODER_REVISION + 1)
    assert import_recording(tmp_path / "a.wav", store).key != one.key


def test_what_an_earlier_version_kept_is_taken_where_it_is_the_whole_sound(store, tmp_path, monkeypatch):
    song, chain = run_fakes.song(tmp_path / "a.wav"), tmp_path / "b.ogg"
    chain.write_bytes(2 * odd_files.stored("OGG"))
    with monkeypatch.context() as before:  # when only the first of the two was read
        before.setattr(runs, "DECODER_REVISION", runs.EARLIER_REVISION)
        kept = import_recording(song, store)
        before.setattr("separation.audio.decoding.joined.rest_of", lambda *_: None)
        half = import_recording(chain, store)
    assert import_recording(song, store).key == kept.key
    whole = import_recording(chain, store)
    assert whole.key != half.key and whole.n_samples == 2 * half.n_samples
    assert import_recording(chain, store).key == whole.key


@pytest.mark.parametrize("content", [b"", b"no audio at all, " * 100, b"RIFF\xff\xff\xff\x7fWAVEfmt "])
def test_a_broken_file_says_so_and_nothing_is_kept(store, tmp_path, content):
    (tmp_path / "broken.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"broken\.wav"):
        import_recording(tmp_path / "broken.wav", store)
    assert store.list() == []
    assert nothing_in_scratch(store)


@pytest.mark.parametrize("name", ["missing.wav", ".", "a\0b.wav"])
def test_what_is_no_file_says_so(store, tmp_path, name):
    with pytest.raises(AudioError, match="cannot be used as audio"):
        import_recording(tmp_path / name, store)


def test_what_is_too_long_says_so_and_nothing_is_kept(store, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "MAX_DURATION_S", 1.0)
    with pytest.raises(AudioError, match="too long"):
        import_recording(run_fakes.song(tmp_path / "song.wav"), store)
    assert store.list() == []
    assert nothing_in_scratch(store)


# A recording and a request become a result


def test_the_stems_kept_are_those_that_extract_gives(store, backend, recording):
    request = Request.of("drums", "no vocals")
    _, result = run(recording, request, store)
    stems = extract(decode(recording.audio).waveform, request)
    assert result.track_names == ("drums", "no vocals", *list(stems)[2:])
    for index, stem in enumerate(stems.values()):
        assert np.array_equal(decode(result.tracks[index].audio).waveform.samples, stem.samples)


def test_the_peaks_kept_are_those_of_the_stems(store, backend, recording, tmp_path):
    _, result = run(recording, Request.of("bass"), store)
    with PeaksWriter(tmp_path / "peaks") as peaks:
        peaks.write(decode(result.tracks[0].audio).waveform.samples)
    assert result.tracks[0].peaks.read_bytes() == (tmp_path / "peaks").read_bytes()


def test_a_run_tells_everything_in_order_and_ends_with_the_kept_result(store, backend, recording):
    events, result = run(recording, Request.of("drums"), store)
    kinds = [type(event) for event in events]
    assert kinds[0] is BackendChosen
    assert kinds.index(Planned) < kinds.index(ChunkFinished) < kinds.index(Finished)
    assert events[-1] == Kept(key=result.key, cached=False)
    kept = store.get(result.key)
    assert kept.manifest.inputs == {"recording": recording.key} and result.recording == recording.key
    assert (
        Request.from_dict(kept.manifest.config)
        == result.request
        == find_result(recording, Request.of("drums"), store)[1]
    )
    assert result.name == "drums"
    assert {"report", "rtf", "model", "device", "sample_rate", "n_channels", "n_samples"} <= set(kept.info)
    assert nothing_in_scratch(store)


def test_a_chunk_is_told_before_it_is_measured(store, backend, recording, monkeypatch):
    measured = []
    monkeypatch.setattr(QualityMeter, "add", lambda meter, mixture, audio: measured.append(mixture.shape))
    with closing(separate_recording(recording, Request.of("drums"), store, Inline())) as events:
        told = next(event for event in events if isinstance(event, ChunkFinished))
        assert measured == []
        next(events)
        assert measured == [next(iter(told.audio.values())).shape]


def test_warnings_of_the_run_are_kept_with_the_result(store, backend, recording, monkeypatch):
    from separation.results import track_files

    usual = track_files.separate_settled

    def warning(*args, **kwargs):
        yield Warned(message="It may rain.")
        yield from usual(*args, **kwargs)

    monkeypatch.setattr(track_files, "separate_settled", warning)
    assert run(recording, Request.of("drums"), store)[1].warnings[0] == "It may rain."


def test_the_second_identical_run_is_a_lookup(store, backend, recording):
    _, first = run(recording, Request.of("drums"), store)
    n_evaluations = backend.n_evaluations
    assert n_evaluations > 3
    events, second = run(recording, Request.of("drums"), store)
    assert second == first
    assert [type(event) for event in events] == [BackendChosen, Kept]
    assert events[-1] == Kept(key=first.key, cached=True)
    assert backend.n_evaluations == n_evaluations
    assert backend.n_loads == 1


def test_another_store_over_the_same_folder_finds_it_too(store, backend, recording, tmp_path):
    run(recording, Request.of("drums"), store)
    backend.n_evaluations = 0
    run(recording, Request.of("drums"), ArtifactStore(tmp_path / "home"))
    assert backend.n_evaluations == 0


BASE = Request.of("drums", "bass")


@pytest.mark.parametrize(
    "changed",
    [
        {"prompts": (Prompt(text="bass"), Prompt(text="drums"))},
        {"prompts": (Prompt(text="drums"),)},
        {"prompts": (Prompt(text="drums", anchors=(Anchor(sign="+", start_s=0, stop_s=1),)), Prompt(text="bass"))},
        {"model": "another"},
        {"device": "cpu"},
        {"chunks": ChunkSettings(chunk_s=11)},
        {"solver": SolverSettings(n_steps=17)},
        {"demucs": DemucsSettings(shifts=1)},
        {"seed": 1},
    ],
)
def test_any_setting_that_the_backend_heeds_changes_the_key(store, backend, recording, changed):
    assert find_result(recording, replace(BASE, **changed), store)[0] != find_result(recording, BASE, store)[0]


def test_another_revision_of_the_weights_or_code_changes_the_key(store, backend, recording):
    before = find_result(recording, BASE, store)[0]
    backend.version = "2"
    assert find_result(recording, BASE, store)[0] != before


def test_another_recording_changes_the_key(store, backend, recording, tmp_path):
    other = import_recording(run_fakes.song(tmp_path / "other.wav", seed=9), store)
    assert find_result(other, BASE, store)[0] != find_result(recording, BASE, store)[0]


@pytest.mark.parametrize("ignored", [{"seed": 5}, {"device": "auto"}, {"solver": SolverSettings(n_steps=3)}])
def test_a_setting_that_the_backend_ignores_does_not_change_the_key(store, recording, ignored):
    request = Request.of("drums", backend="builtin")
    assert find_result(recording, replace(request, **ignored), store)[0] == find_result(recording, request, store)[0]


@pytest.mark.parametrize("n_events", range(1, 25))
def test_a_run_closed_at_any_moment_leaves_no_more_than_finished_chunks(store, backend, recording, n_events):
    from separation.engine.engine import Inline

    steps = separate_recording(recording, Request.of("drums"), store, Inline())
    seen = list(islice(steps, n_events))
    steps.close()
    if not isinstance(seen[-1], Kept):
        assert {kept.manifest.kind for kept in store.list()} <= {"recording", "chunk"}
    assert nothing_in_scratch(store)


def test_a_run_that_fails_leaves_no_more_than_the_chunks_before(store, backend, recording):
    def fail():
        if backend.n_evaluations == 2:
            raise RuntimeError("the model broke")

    backend.before_evaluation = fail
    with pytest.raises(RuntimeError):
        run(recording, Request.of("drums"), store)
    assert [kept.manifest.kind for kept in store.list()] == ["chunk", "recording"]
    assert nothing_in_scratch(store)


def test_what_cannot_be_answered_is_refused_before_anything_happens(store, backend, recording):
    with pytest.raises(PromptError):
        run(recording, Request.of("dog barking"), store)
    with pytest.raises(SettingsError):
        run(recording, Request.of("drums", backend="unknown"), store)
    assert backend.n_loads == 0


def test_what_the_model_says_of_its_estimates_and_anchors_is_kept_with_the_result(
    store, backend, recording, monkeypatch
):
    from separation.results import track_files

    usual = track_files.separate_settled
    measured = ChunkMeasured(index=1, stem="drums", explained_energy=None, gain_drift_db=-1.5, gain_db=2.0)
    mapped = AnchorsMapped(index=1, prompt="drums", spans_s=(("+", 0.48, 0.96), ("-", 1.0, 1.2)))

    def telling(*args, **kwargs):
        for event in usual(*args, **kwargs):
            yield event
            if event == ChunkStarted(index=1, n_chunks=5):
                yield from (mapped, measured)

    monkeypatch.setattr(track_files, "separate_settled", telling)
    events, result = run(recording, Request.of("drums"), store)
    assert mapped in events and measured in events
    assert result.measures == (measured,)
    (kept,) = store.get(result.key).info["measures"]
    assert ChunkMeasured(**kept) == measured
    assert result.anchors == (mapped,)
    (kept,) = store.get(result.key).info["anchors"]
    assert (kept["index"], kept["prompt"]) == (1, "drums")
    assert [list(span) for span in kept["spans_s"]] == [["+", 0.48, 0.96], ["-", 1.0, 1.2]]
    spans_s = next(event for event in events if isinstance(event, Planned)).spans_s
    assert list(result.chunks_s) == list(spans_s)
    assert store.get(result.key).info["measures"] == [asdict(measured)]


def test_a_result_that_was_stopped_short_says_how_long_its_tracks_are(store, recording):
    chunks = ChunkSettings(chunk_s=0.5, overlap_s=0.1, max_chunks=2)
    events, result = run(recording, Request.of("drums", backend="builtin", chunks=chunks), store)
    finished = [event for event in events if isinstance(event, ChunkFinished)]
    n_samples = sum(event.audio["drums"].shape[-1] for event in finished)
    assert n_samples < recording.n_samples
    assert result.n_samples == n_samples == decode(result.tracks[0].audio).waveform.n_samples
