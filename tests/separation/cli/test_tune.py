"""`audio-playground tune` as a person runs it on a computer without a graphics card."""

from __future__ import annotations

import json

import pytest

from separation.hardware import half_precision, products
from separation.hardware.products import ProductSpeed
from separation.hub import batch_sizes, precision
from separation.pipeline import tuning
from separation.pipeline.matrix_products import MEMORY
from separation.pipeline.tuning import Tuned
from tests.support.checkpoint import CHECKPOINT
from tests.support.terminal import audio_playground

FOUND = {"MKL": ProductSpeed(gflops=170.0, error_db=-132.0), "oneDNN": ProductSpeed(gflops=410.0, error_db=-127.0)}

HALF = ProductSpeed(gflops=800.0, error_db=-51.0)


@pytest.fixture
def measured(folder, monkeypatch):
    """How often the two libraries were measured, in the folder of a person who has no results yet."""
    times = []
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(folder / "home"))
    monkeypatch.setattr(products, "can_choose", lambda: True)
    monkeypatch.setattr(products, "measure", lambda: times.append(1) or FOUND)
    monkeypatch.setattr(half_precision, "measure", lambda device: {"float32": FOUND["oneDNN"], "bfloat16": HALF})
    return times


def test_on_a_processor_the_library_is_measured_anew_and_batches_are_said_to_be_for_cards(measured, folder):
    for n in (1, 2):
        said = audio_playground("tune", "--device", "cpu", "--model", CHECKPOINT).output
        assert "Products of matrices on the processor: oneDNN (MKL 170 GFLOP/s" in said and len(measured) == n
        assert "batches are for graphics cards" in said
    assert "Networks of SAM-Audio and Demucs: bfloat16 (float32 410 GFLOP/s" in said
    assert json.loads((folder / "home" / precision.MEMORY).read_text())
    (kept,) = json.loads((folder / "home" / MEMORY).read_text()).values()
    assert kept["oneDNN"]["gflops"] == 410.0
    assert not (folder / "home" / batch_sizes.MEMORY).exists()


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            Tuned(model="M", card="A card", windows_per_s={1: 0.5, 2: 0.75, 4: 1.0}, too_many=8, best=4),
            "M in float32: on A card, times the speed of one chunk after another: 2 at once 1.50, 4 at once 2.00; "
            "memory runs out with 8. Runs compute 4 at once from now on.",
        ),
        (
            Tuned(model="M", card="A card", windows_per_s={1: 0.5}, too_many=2),
            "M in float32: on A card, only one chunk at a time fits; memory runs out with 2. "
            "Runs compute 1 at once from now on.",
        ),
        (Tuned(model="M", card="A card", too_many=1), "the memory of A card does not hold a single chunk."),
    ],
)
def test_on_a_card_every_size_is_said_with_its_speed_and_what_runs_take(measured, monkeypatch, found, sentence):
    def tune(request):
        yield from ()
        return found

    monkeypatch.setattr(tuning, "tune", tune)
    assert sentence in audio_playground("tune", "--model", CHECKPOINT).output


def test_as_json_it_is_one_line(measured):
    (line,) = audio_playground("tune", "--device", "cpu", "--model", CHECKPOINT, "--json").stdout.splitlines()
    report = json.loads(line)
    assert (
        report["products"].startswith("oneDNN")
        and report["precision"].startswith("bfloat16")
        and report["batches"][0]["batch"] == 1
    )


def test_a_model_that_is_not_here_is_said_with_what_to_do(measured):
    said = audio_playground("tune", "--model", "large").output
    assert "SAM-Audio: " in said and "models download sam-audio-large" in said and len(measured) == 1


def test_where_there_is_no_choice_of_libraries_that_is_said(measured, monkeypatch):
    monkeypatch.setattr(products, "can_choose", lambda: False)
    assert "there is nothing to choose" in audio_playground("tune", "--model", "large").output and not measured
