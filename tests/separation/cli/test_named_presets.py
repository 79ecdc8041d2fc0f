"""`--preset` takes the presets that a person has kept in the studio, by the same names."""

from __future__ import annotations

from pathlib import Path

import pytest

from separation.cli.extracting import sam_audio
from separation.cli.named_presets import with_preset
from separation.errors import SettingsError
from separation.request import ChunkSettings, DemucsSettings, Request, SamSettings, SolverSettings
from separation.workflows import presets
from separation.workflows.own_presets import OwnPreset
from storage.records import PresetTable
from tests.support.terminal import audio_playground

DEMUCS = Request.of("bass", backend="demucs", model="htdemucs_ft", demucs=DemucsSettings(shifts=2))
SAM = Request.of(
    "a dog",
    backend="sam_torch",
    model="base",
    chunks=ChunkSettings(chunk_s=30.0),
    solver=SolverSettings(method="heun", n_steps=9),
    sam=SamSettings(precision="bfloat16", match_gain=True),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def kept(home: Path) -> None:
    table = PresetTable(home)
    for name, settled in (("My drums", DEMUCS), ("Dogs", SAM)):
        preset = OwnPreset.of(name, settled)
        table.write(preset.key, preset.to_dict())
    table.close()


def test_a_preset_of_ones_own_is_applied_by_its_name(kept: None) -> None:
    request = with_preset("my drums", Request.of("vocals", backend="demucs", seed=4))
    assert (request.model, request.demucs, request.seed) == ("htdemucs_ft", DemucsSettings(shifts=2), 4)


def test_options_change_a_preset_of_ones_own_and_leave_the_rest_of_it(
    kept: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []
    monkeypatch.setattr(sam_audio, "run", lambda wanted, request, common: asked.append(request))
    song = tmp_path / "song.wav"
    song.touch()
    options = ("--preset", "Dogs", "--solver-steps", 5, "--overlap-duration", 1)
    audio_playground("extract", "sam-audio", song, "--prompt", "a cat", *options, "-o", tmp_path / "out")
    (request,) = asked
    assert (request.model, request.solver) == ("base", SolverSettings(method="heun", n_steps=5))
    assert request.chunks == ChunkSettings(chunk_s=30.0, overlap_s=1.0)
    assert request.sam == SamSettings(precision="bfloat16", match_gain=True)


def test_presets_of_the_program_need_no_data_folder_and_make_none(home: Path) -> None:
    asked = Request.of("bass", backend="demucs")
    assert with_preset("Quality", asked) == presets.apply("Quality", asked)
    with pytest.raises(SettingsError, match="no preset “Mine”"):
        with_preset("Mine", asked)
    assert list(home.iterdir()) == []


def test_a_name_that_is_none_is_refused_with_those_there_are(kept: None, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    said = audio_playground("batch", folder, "--prompt", "drums", "--preset", "Mine", "-o", tmp_path / "out", status=2)
    assert "no preset “Mine”" in said.stderr and "Dogs, My drums" in said.stderr
