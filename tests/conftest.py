"""What many tests start from: a folder to work in, a store, a separator that counts, a kept recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from separation.runs import import_recording
from storage import Artifact, ArtifactStore
from tests import run_fakes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder; the data folder is “home” in it."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> run_fakes.CountingBackend:
    """The only separator there is."""
    return run_fakes.install(monkeypatch)


@pytest.fixture
def recording(store: ArtifactStore, tmp_path: Path) -> Artifact:
    """Two seconds of noise, kept."""
    return import_recording(run_fakes.song(tmp_path / "song.wav"), store)
