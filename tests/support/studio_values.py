"""Recordings and results as values, without a store: what the Studio's pure functions are asked about."""

from __future__ import annotations

import hashlib
from typing import Any

from separation.request import Request
from separation.results.kept import Recording, Result, recording_of, result_of
from storage import Artifact
from tests.support.kept_values import SOUND, item


def a_recording(name: str = "song.wav") -> Recording:
    """Two seconds of stereo at 8 kHz."""
    return recording_of(_kept("recording", name, "audio", minute=0, info=SOUND))


def a_result(name: str = "drums", *, minute: int = 0, tracks: tuple[str, ...] = ("drums", "everything else")) -> Result:
    """What was made for the prompt `name`, in the given minute."""
    info = SOUND | {"tracks": list(tracks), "rtf": None, "seconds": 1.0}
    config = Request.of(name, backend="builtin").to_dict()
    return result_of(_kept("result", name, *map(str, range(len(tracks))), minute=minute, info=info, config=config))


def _kept(kind: str, name: str, *tracks: str, minute: int, **about: Any) -> Artifact:
    created = f"2025-06-01T12:{minute:02}:00.000000+00:00"
    key = hashlib.sha256(f"{kind} {name} {minute}".encode()).hexdigest()
    files = (f"{track}{file}" for track in tracks for file in ("", ".peaks"))
    return item(kind, *files, key=key, name=name, created=created, **about)
