"""A backend of one file and one registration is served everywhere, without another change."""

from __future__ import annotations

import importlib
import json
import shlex
from itertools import pairwise

import numpy as np
import pytest
import yaml

from separation import ChunkSettings, Request, Waveform, separate
from separation.backends import catalogue, registry
from separation.cli import batch
from separation.doctor.self_test import self_test
from separation.errors import SettingsError
from separation.estimates import fallbacks
from separation.estimates.estimates import expected, preflight
from separation.estimates.layout import outline
from separation.events import EventStream, Finished, Planned
from separation.request import DemucsSettings
from separation.workflows import presets
from storage import ArtifactStore, data_folder
from tests.support import run_fakes, toy_backend
from tests.support.simulated import simulated_studio
from tests.support.terminal import audio_playground
from webapp.pages.models.backend_card import families
from webapp.pages.models.survey import look
from webapp.pages.studio.choice import choice_of
from webapp.pages.studio.settings_fields import changed, groups
from webapp.state.drafts import Draft
from webapp.state.run_estimates import RunEstimates

TEN_S = ChunkSettings(chunk_s=10.0, overlap_s=1.0)
ASKED = Request.of("middle", "sides", backend="toy")


@pytest.fixture(autouse=True)
def toy(monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    return toy_backend.register(monkeypatch)


@pytest.fixture
def song(tmp_path):
    run_fakes.song(tmp_path / "song.wav", 3.0)
    return tmp_path / "song.wav"


@pytest.fixture
def settled():
    return registry.choose(ASKED)[0]


def test_it_separates(settled):
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 8_000)).astype(np.float32)
    events = list(separate(Waveform(noise, 8_000), ASKED))
    assert isinstance(events[-1], Finished)
    assert next(event for event in events if isinstance(event, Planned)).spans_s == outline(settled, 8_000, 8_000)[0]


def test_auto_takes_it_for_what_only_it_knows(settled):
    assert registry.choose(Request.of("sides"))[0].backend == "toy"
    assert settled == registry.get("toy").settle(settled)
    ignoring = registry.get("toy").settle(
        Request.of(
            "middle",
            backend="toy",
            seed=9,
            demucs=DemucsSettings(shifts=2),
            chunks=ChunkSettings(stitch="multidiffusion"),
        )
    )
    assert (ignoring.seed, ignoring.demucs, ignoring.chunks.stitch) == (0, DemucsSettings(), "crossfade")


# Before a run


def test_time_and_memory_are_estimated_first_from_what_it_says_and_then_from_runs(settled, song):
    before = expected(settled, 60.0)
    assert before.seconds[0] > 1.0 and before.memory_bytes == pytest.approx((0.8 * 30e6, 1.4 * 30e6))
    extract(song)
    learned = [one.info["report"] for one in ArtifactStore(data_folder()).list("result")]
    assert expected(settled, 60.0, learned).n_runs == 1


def test_a_smaller_setting_is_offered_where_memory_does_not_do(settled):
    flight = preflight(settled, 600.0, (), 17_000_000)
    assert fallbacks.changed(flight.request, flight.fitting, options=True) == "chunks of 5 s (--chunk-duration 5)"
    assert flight.warning().endswith("chunks of 5 s would fit.")


def test_its_chunks_are_drawn_before_it_is_loaded(settled):
    assert outline(settled, 30 * 44_100, 44_100).spans_s[:2] == ((0.0, 20.0), (18.0, 30.0))


# Settings


def fields(settings):
    settled = choice_of(Draft.of(settings)).settled
    return settled, {field["name"]: field for group in groups(settings, settled) for field in group["fields"]}


def test_the_panel_has_the_settings_that_it_uses_and_no_others():
    settled, shown = fields(ASKED)
    chunks = {"chunks.chunk_s", "chunks.overlap_s", "chunks.fade", "chunks.max_chunks"}
    assert set(shown) == {"preset", "backend", "model", "device"} | chunks
    assert {"value": "toy", "label": "Toy matrix"} in shown["backend"]["options"]
    assert [option["value"] for option in shown["model"]["options"]] == ["plain", "wide"]
    assert shown["model"]["tip"] == "Wide hears more of the sides."
    assert changed(ASKED, settled, "chunks.chunk_s", 4.0).chunks.chunk_s == 4.0
    assert changed(Request.of("middle", chunks=TEN_S), settled, "backend", "toy").chunks == TEN_S


def test_its_presets_are_its_own():
    preview = presets.apply("Preview", ASKED)
    assert preview.chunks.chunk_s == 5.0 and presets.name_of(preview) == "Preview"
    assert presets.apply("Toyish", ASKED).model == "wide"
    demucs = Request.of("drums", backend="demucs")
    assert presets.apply("Preview", demucs).chunks is None
    with pytest.raises(SettingsError, match=r"Toy matrix's own.*nothing that Demucs has"):
        presets.apply("Toyish", demucs)


def test_a_preset_of_another_backend_is_refused_with_those_it_has():
    with pytest.raises(SettingsError, match=r"Demucs's own.*nothing that Toy matrix has.*Preview, Toyish"):
        presets.apply("Render", ASKED)


# The terminal


def extract(song, *more):
    words = ("extract", "toy", song, "-p", "middle", "-o", song.parent / "out")
    return audio_playground(*words, *more).output


def test_it_has_a_command_and_the_command_that_is_kept_makes_the_same(song):
    assert "toy" in audio_playground("extract", "--help").output
    shown = audio_playground("extract", "toy", "--help").output
    assert "By sums and differences" in shown and "--chunk-duration" in shown and "plain unless given; or wide" in shown
    extract(song, "--chunk-duration", 2, "--overlap-duration", 0.5, "--report", song.parent / "r.yaml")
    (kept,) = ArtifactStore(data_folder()).list("result")
    command = kept.manifest.command
    assert "extract toy" in command and "--model plain" in command and "--seed 0" in command
    words = [str(song) if word.endswith("song.wav") else word for word in shlex.split(command)[1:]]
    assert "Cached" in audio_playground(*words, "-o", song.parent / "again").output
    written = yaml.safe_load((song.parent / "r.yaml").read_text("utf-8"))
    assert set(written["versions"]) == {"audio-playground", "python", "numpy"}
    assert set(written["settings"]) == {"prompts", "backend", "model", "device", "chunks", "seed"}
    assert written["evaluations"] == written["chunks"]["total"] == 2


def test_auto_a_recipe_and_a_batch_take_it(song, monkeypatch):
    (song.parent / "r.yaml").write_text("prompts: [sides]\nbackend: toy\n")
    audio_playground("extract", "recipe", song, song.parent / "r.yaml", "-o", song.parent / "out")
    audio_playground("extract", "auto", song, "-p", "sides", "-o", song.parent / "out")
    importlib.reload(batch)  # which asks once whom there are
    audio_playground("batch", song.parent, "--backend", "toy", "-p", "middle", "-o", song.parent / "all")
    results = ArtifactStore(data_folder()).list("result")
    assert len(results) == 2 and {one.manifest.config["backend"] for one in results} == {"toy"}
    monkeypatch.undo()
    importlib.reload(batch)


def test_the_doctor_tests_it_with_a_sound_that_it_knows(toy):
    found = json.loads(audio_playground("doctor", "--no-self-test", "--json").stdout)
    assert found["backends"]["toy"] == {"readiness": "usable", "sentence": "It needs nothing."}
    steps = EventStream(self_test(toy))
    list(steps)
    assert steps.result.model == "plain"


def test_its_model_is_listed_fetched_and_removed():
    listed = json.loads(audio_playground("models", "list", "--json").stdout)["models"]
    assert listed[-1]["name"] == "toy-matrix" and listed[-1]["backend"] == "toy"
    (arriving,) = catalogue.download("toy-matrix")
    assert arriving.done_bytes == 4_000_000
    assert catalogue.remove("toy-matrix") == 0


# Pages


def test_the_models_page_has_a_card_for_it(tmp_path):
    assert [backend.name for backend in families()[-1]] == ["toy"]
    survey = look(RunEstimates(ArtifactStore(tmp_path / "home"), here=True))
    assert survey.availability["toy"].usable
    assert survey.memory["toy-matrix"] == "about 24 to 42 MB"


async def test_pages_show_it(tmp_path, monkeypatch, song):
    extract(song)
    async with simulated_studio(tmp_path / "home", monkeypatch) as studio:
        await studio.open("/models")
        await studio.until(lambda: "4.0 MB" in studio.of("Toy matrix"), "its model")
        assert "It needs nothing." in studio.all("backend-card")[-1]
        (recording,) = ArtifactStore(data_folder()).list("recording")
        await studio.open(f"/?recording={recording.key}")
        await studio.until(lambda: "from 1 run on this computer" in studio.text, "what another run would take")
        shown = studio.text.split("\n")
        facts = dict(pairwise(shown))
        assert (facts["Uses"], facts["Licence"], facts["Separates"]) == ("Toy matrix", "CC0", "middle, sides")
        assert any(line.startswith("Toy matrix · ") for line in shown)  # the result
        await studio.open("/library")
        await studio.until(lambda: "Results" in studio.text, "the library")
