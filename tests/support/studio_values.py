"""Recordings and results as values, without a store: what the Studio's pure functions are asked about."""

from __future__ import annotations

import hashlib
from pathlib import Path

from separation.request import Request
from storage import Artifact
from storage.manifest import Manifest

SOUND = {"sample_rate": 8000, "n_channels": 2, "n_samples": 16_000}


def a_recording(name: str = "song.wav") -> Artifact:
    """Two seconds of stereo at 8 kHz."""
    return _kept("recording", name, minute=0, info=SOUND, files=("audio",))


def a_result(
    name: str = "drums", *, minute: int = 0, tracks: tuple[str, ...] = ("drums", "everything else")
) -> Artifact:
    """What was made for the prompt `name`, in the given minute."""
    files = tuple(map(str, range(len(tracks))))
    info = SOUND | {"tracks": list(tracks), "rtf": None, "seconds": 1.0}
    config = Request.of(name, backend="builtin").to_dict()
    return _kept("result", name, minute=minute, info=info, files=files, config=config)


def _kept(kind: str, name: str, *, minute: int, files: tuple[str, ...], **about: object) -> Artifact:
    created = f"2025-06-01T12:{minute:02}:00.000000+00:00"
    manifest = Manifest(kind=kind, name=name, created=created, command="", version="1", **about)  # type: ignore[arg-type]
    key = hashlib.sha256(f"{kind} {name} {minute}".encode()).hexdigest()
    return Artifact(key=key, manifest=manifest, files={file: Path(f"/kept/{file}") for file in files})
