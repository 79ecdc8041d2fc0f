"""Recordings and results as the store returns them, made without a store; their files do not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from separation.request import Request
from separation.results.kept import Result, result_of
from storage import Artifact
from storage.manifest import Manifest

CREATED = "2025-06-01T12:00:00.000000+00:00"
SOUND = {"sample_rate": 8000, "n_channels": 2, "n_samples": 16_000}


def item(
    kind: str, *files: str, key: str = "ab" * 32, name: str = "song.wav", created: str = CREATED, **about: Any
) -> Artifact:
    """Something kept, of whose manifest `about` says all that matters."""
    manifest = Manifest(kind=kind, name=name, created=created, command="", version="1", **about)
    return Artifact(key=key, manifest=manifest, files={file: Path(f"/kept/{file}") for file in files})


def result(*tracks: str, **info: Any) -> Result:
    """A result of these tracks, of which nothing is stored but what every version has stored, and `info`."""
    files = [f"{index}{kind}" for index in range(len(tracks)) for kind in ("", ".peaks")]
    config = Request.of(*(tracks or ("drums",)), backend="builtin").to_dict()
    return result_of(item("result", *files, config=config, info={**SOUND, "tracks": list(tracks), **info}))
