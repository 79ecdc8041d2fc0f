"""A library with something in it, for tests of what lists it: things of a few bytes that look like real ones."""

from __future__ import annotations

from typing import Any

from separation.request import Request
from storage import Artifact, ArtifactStore

RATE = 44_100


def keep(store: ArtifactStore, kind: str, name: str, size: int = 1000, **about: Any) -> Artifact:
    """Something of a kind that is only its size."""
    key = store.key(kind, name=name, **about.get("inputs", {}), config=about.get("config", {}))
    with store.scratch() as folder:
        (folder / "a").write_bytes(b"x" * size)
        return store.put(key, kind=kind, name=name, files={"audio": folder / "a"}, **about)


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
        info={"tracks": list(prompts), "model": "only", "seconds": 12.34, "rtf": 0.2, "quality": {"value": 0.71}},
    )


def chunk(store: ArtifactStore, of: Artifact, name: str, size: int = 1000) -> Artifact:
    """A finished chunk of a recording."""
    return keep(store, "chunk", name, size, inputs={"recording": of.key})
