"""Keys under which finished chunks and features are kept, so that no chunk is computed twice.

A key covers what reaches the model: the window's samples, the prompts with their spans inside it, the settings the
model uses, and the noise it starts from. It does not cover what happens to an estimate afterwards (crossfade, gain
matching, resampling), nor other chunks: their anchors, their seeds, their number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from separation.errors import PlaygroundError
from separation.model import Samples, Window
from separation.request import Prompt, Request


class NotKept(PlaygroundError):
    """A finished chunk could not be kept; it will be computed again when it is needed again."""


class Chunks(Protocol):
    """A cache of finished chunks and of features, which may drop any of them at any time."""

    def get(self, key: str) -> Mapping[str, Samples] | None:
        """Return the float32 arrays kept under `key`, a chunk's stems (channels, samples) or its features; or None."""
        ...

    def put(self, key: str, arrays: Mapping[str, Samples]) -> None:
        """Keep arrays, all of one shape; raise `NotKept` if that fails."""
        ...


def chunk_key(window: Window, request: Request, *, revision: str, device: str) -> str:
    """Return the key, 64 hexadecimal digits, of a model's estimates for `window`.

    Equal keys mean equal estimates, within the rounding of models that process several windows together.

    Args:
        window: with its samples.
        request: settled; see `Backend.settle`.
        revision: of the model's weights and code; see `Backend.revision`.
        device: the device they run on, which affects rounding.
    """
    parts = {
        "samples": _samples(window),
        "chunk": window.index,
        "stems": sorted(window.stems),
        "anchors": {name: [list(span) for span in spans] for name, spans in window.anchors.items()},
        "not computed": sorted(prompt.text.strip() for prompt in request.prompts if window.leaves_out(prompt, request)),
        "request": _heeded(request, window),
        "revision": revision,
        "device": device,
    }
    return _digest("chunk", parts)


def features_key(window: Window, request: Request, *, revision: str, device: str) -> str:
    """Return the key of a window's features, which depend on no prompt, seed or solver, nor on the chunk's number.

    Args:
        window: with its samples.
        request: settled.
        revision: of the weights and code that encode.
        device: where they run.
    """
    parts = {
        "samples": _samples(window),
        "backend": request.backend,
        "stereo": request.sam.stereo,
        "revision": revision,
        "device": device,
    }
    return _digest("features", parts)


def _samples(window: Window) -> list[Any]:
    samples = window.samples.astype("<f4", copy=False).tobytes()  # in C order, however they lie in memory
    return [list(window.samples.shape), hashlib.sha256(samples).hexdigest()]


def _digest(kind: str, parts: Mapping[str, Any]) -> str:
    text = json.dumps([kind, parts], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _heeded(request: Request, window: Window) -> dict[str, Any]:
    """Return the part of the request that affects one chunk, without the spans, which are in the window."""
    sam = replace(request.sam, rerolls=(), candidates=1, only_inside=False, match_gain=False, mute_doubtful=False)
    return replace(
        request,
        prompts=tuple(Prompt(text=prompt.text.strip()) for prompt in request.prompts),
        seed=window.seed(request),
        chunks=None,
        device="auto",
        sam=sam,
    ).to_dict()
