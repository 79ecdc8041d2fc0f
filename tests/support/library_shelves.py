"""A filled library for tests of the Library page: recordings and results of a few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from separation.request import Request
from separation.results.store import NewItem
from storage import Artifact, ArtifactStore
from tests.support.kept_values import SOUND

RATE = 44_100


def keep(
    store: ArtifactStore, kind: str, name: str, size: int = 1000, *, files: Sequence[str] = ("audio",), **about: Any
) -> Artifact:
    """Something of a kind that is only its size."""
    key = store.key(kind, name=name, **about.get("inputs", {}), config=about.get("config", {}))
    sizes = dict.fromkeys((*files, *(f"{file}.peaks" for file in files)), 0) | {files[0]: size}
    with store.scratch() as folder:
        for file, n_bytes in sizes.items():
            (folder / file).write_bytes(b"x" * n_bytes)
        return store.put(key, NewItem(kind=kind, name=name, files={file: folder / file for file in sizes}, **about))


def recording(store: ArtifactStore, name: str, *, seconds: float = 60, size: int = 1000) -> Artifact:
    """A recording as it is told of, without sound."""
    info = {"n_samples": round(seconds * RATE), "sample_rate": RATE, "n_channels": 2, "warnings": []}
    return keep(store, "recording", name, size, info=info)


def result(
    store: ArtifactStore, of: Artifact, *prompts: str, backend: str = "builtin", size: int = 1000, seed: int = 0
) -> Artifact:
    """A result as it is told of, without sound."""
    request = Request.of(*prompts, backend=backend, seed=seed)
    return keep(
        store,
        "result",
        ", ".join(prompts),
        size,
        inputs={"recording": of.key},
        config=request.to_dict(),
        files=[str(index) for index in range(len(prompts))],
        info={
            **SOUND,
            "tracks": list(prompts),
            "model": "only",
            "seconds": 12.34,
            "rtf": 0.2,
            "quality": {"value": 0.71},
        },
    )


def chunk(store: ArtifactStore, of: Artifact, name: str, size: int = 1000) -> Artifact:
    """A finished chunk of a recording."""
    return keep(store, "chunk", name, size, inputs={"recording": of.key})
