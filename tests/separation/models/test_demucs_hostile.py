"""Files of Demucs networks that would run code: none of it runs, each is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from separation.errors import BackendUnavailable
from separation.models.demucs.stem_names import stem_names
from tests.support import demucs_models as tiny
from tests.support.hostile_models import CRAFTED, CRAFTED_SAFETENSORS, SECRET

FILES = [(name, ".th") for name in CRAFTED] + [(name, ".safetensors") for name in CRAFTED_SAFETENSORS]


def crafted(name: str, suffix: str, folder: Path) -> tuple[Path, Path]:
    """The file, and what it would make."""
    trap = folder.parent / "sprung"
    return (CRAFTED if suffix == ".th" else CRAFTED_SAFETENSORS)[name](folder / f"mine{suffix}", trap), trap


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    models.mkdir()
    return models


@pytest.mark.parametrize(("name", "suffix"), FILES)
def test_nothing_in_a_file_runs_and_the_refusal_is_a_sentence_that_repeats_nothing_of_it(
    name: str, suffix: str, folder: Path
) -> None:
    path, trap = crafted(name, suffix, folder)
    with pytest.raises(BackendUnavailable) as refused:
        tiny.loaded(tiny.request("mine", folder))
    assert not trap.exists()
    said = str(refused.value)
    assert f"{path.name} cannot be read" in said or "quantised" in said
    assert SECRET not in said and str(folder) not in said and "mkdir" not in said


@pytest.mark.parametrize(("name", "suffix"), FILES)
def test_looking_for_the_stems_runs_nothing_either(name: str, suffix: str, folder: Path) -> None:
    path, trap = crafted(name, suffix, folder)
    try:
        assert all(isinstance(stem, str) for stem in stem_names(path))
    except BackendUnavailable as refused:
        assert SECRET not in str(refused) and "mkdir" not in str(refused)
    assert not trap.exists()
