"""What a generative model's targets are held against while a run goes on, and the gain that follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from separation.audio.waveform import Waveform
from separation.chunking.plan import plan
from separation.events import ChunkFinished, ChunkMeasured, ChunkStarted, Planned
from separation.metrics import unreferenced as measures
from separation.model.windowing import Windowing
from separation.pipeline.separate import separate
from separation.prompts.targets import RESIDUAL, residual_stem
from separation.request import Request, SamSettings
from tests.support.fakes import FakeModel, PromptableBackend, use_only

WINDOWING = Windowing(chunk=8_000, overlap=1_000)
MIXTURE = Waveform((0.2 * np.random.default_rng(7).standard_normal((2, 20_000))).astype(np.float32), 44_100)


def louder_and_louder(samples, window):
    """A dog that is too loud, by a factor that depends on the chunk; a cat nobody hears in the mixture."""
    made_up = np.random.default_rng(window.index).standard_normal(samples.shape).astype(np.float32)
    dog = samples * np.float32(1.25 * (1 + window.index))
    return {
        "dog": dog,
        "cat": made_up,
        residual_stem("dog"): 0.5 * samples,
        residual_stem("cat"): samples - made_up,
    }


@pytest.fixture
def run(monkeypatch):
    def events_of(split=louder_and_louder, *, generative=True, **sam):
        facts = {"generative": generative}
        use_only(monkeypatch, PromptableBackend, make=FakeModel, windowing=WINDOWING, more_facts=facts, split=split)
        return list(separate(MIXTURE, Request.of("dog", "cat", sam=SamSettings(**sam))))

    return events_of


def tracks_of(events):
    pieces = [event.audio for event in events if isinstance(event, ChunkFinished)]
    return {name: np.concatenate([piece[name] for piece in pieces], axis=-1) for name in pieces[0]}


def measured(events):
    return [event for event in events if isinstance(event, ChunkMeasured)]


def test_every_target_of_a_generative_model_is_measured_in_every_chunk_before_it_is_blended(run):
    told = [
        (type(event), event.index) for event in run() if isinstance(event, (ChunkStarted, ChunkMeasured, ChunkFinished))
    ]
    assert told == [(kind, i) for i in range(3) for kind in (ChunkStarted, ChunkMeasured, ChunkMeasured, ChunkFinished)]


def test_the_measures_are_those_of_the_models_answer_beside_what_it_heard(run):
    events = measured(run())
    assert [event.stem for event in events] == ["dog", "cat"] * 3
    for event in events:
        chunk = plan(20_000, WINDOWING)[event.index]
        heard = MIXTURE.read(chunk.start, chunk.stop)
        window = type("", (), {"index": event.index})
        answer = louder_and_louder(heard, window)[event.stem]
        assert event.explained_energy == pytest.approx(measures.explained_energy(answer, heard, 44_100))
        assert event.gain_drift_db == pytest.approx(measures.gain_drift_db(answer, heard))
        assert (event.null_depth_db, event.gain_db) == (None, 0)
    drifts = [event.gain_drift_db for event in events if event.stem == "dog"]
    assert drifts == pytest.approx([20 * np.log10(1.25 * factor) for factor in (1, 2, 3)], abs=1e-3)


def test_a_model_that_invents_nothing_is_not_measured(run):
    assert not measured(run(generative=False))


def test_matching_takes_out_what_is_too_loud_and_leaves_what_cannot_be_told(run):
    events = run(match_gain=True)
    tracks, untouched = tracks_of(events), tracks_of(run())
    np.testing.assert_allclose(tracks["dog"], MIXTURE.samples, atol=1e-5)
    np.testing.assert_array_equal(tracks["cat"], untouched["cat"])
    sum_of_all = tracks["dog"] + tracks["cat"] + tracks[RESIDUAL]
    np.testing.assert_allclose(sum_of_all, MIXTURE.samples, atol=1e-5)
    gains = {event.index: event.gain_db for event in measured(events) if event.stem == "dog"}
    drifts = {event.index: event.gain_drift_db for event in measured(events) if event.stem == "dog"}
    assert gains == pytest.approx({index: -drift for index, drift in drifts.items()})


def test_the_models_own_residuals_take_the_place_of_ours_and_say_how_deep_the_sum_nulls(run):
    events = run(residual="model")
    names = ("dog", "cat", "everything but dog", "everything but cat")
    assert next(event for event in events if isinstance(event, Planned)).stems == names
    assert tuple(tracks_of(events)) == names
    assert {event.stem for event in measured(events)} == {"dog", "cat"}  # a residual is not a target
    depths = {(event.stem, event.index): event.null_depth_db for event in measured(events)}
    assert depths["cat", 0] < -100
    # mixture - dog - residual is so many times the mixture: 1 - 1.25 k - 0.5
    expected = [20 * np.log10(abs(0.5 - 1.25 * factor)) for factor in (1, 2, 3)]
    assert [depths["dog", index] for index in range(3)] == pytest.approx(expected, abs=1e-3)


def test_silence_has_nothing_to_measure(run):
    events = measured(run(lambda x, _: {"dog": 0 * x, "cat": 0 * x}, match_gain=True))
    assert {(e.explained_energy, e.gain_drift_db, e.gain_db) for e in events} == {(None, None, 0)}


def test_doubtful_chunks_are_silent_if_that_is_asked_for(run):
    crumbs = lambda x, window: {"dog": x if window.index else 0.1 * x, "cat": louder_and_louder(x, window)["cat"]}  # noqa: E731
    assert not any(event.muted for event in measured(run(crumbs)))
    events = run(crumbs, mute_doubtful=True)
    muted = {(event.stem, event.index) for event in measured(events) if event.muted}
    assert muted == {("dog", 0), *(("cat", index) for index in range(3))}
    tracks, n_first = tracks_of(events), 7_000  # of the first chunk, before it is blended with the second
    assert np.abs(tracks["cat"]).max() == 0 and np.abs(tracks["dog"][:, :n_first]).max() == 0
    np.testing.assert_allclose(tracks["dog"][:, 8_000:], MIXTURE.samples[:, 8_000:], atol=1e-6)
    np.testing.assert_allclose(sum(tracks.values()), MIXTURE.samples, atol=1e-6)
