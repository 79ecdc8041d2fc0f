"""The route of spectrogram tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter
from fastapi import Path as InPath
from starlette.responses import Response

from separation.audio.decode import AudioFile
from separation.audio.spectrogram import MAX_LEVEL, tile


def add_spectrogram_routes(router: APIRouter, audio: Callable[[str, str], Path]) -> None:
    """Register the route of the tiles of spectrograms.

    Args:
        router: takes the route.
        audio: returns the file of a track, by key and track from an address; raises a 404, or 204 for a track that is
            gone.
    """

    @router.get("/media/{key}/{track}/spectrogram/{level}/{index}")
    def spectrogram(
        key: str,
        track: str,
        level: int = InPath(ge=0, le=MAX_LEVEL),
        index: int = InPath(ge=0, le=2**31),
    ) -> Response:
        with AudioFile(audio(key, track)) as source:
            return grey(tile(source, level, index).tobytes())


def grey(body: bytes) -> Response:
    """Return a tile as a response: cached for good, as it never changes, and not deflated, as it is small and noisy."""
    headers = {"Cache-Control": "private, max-age=86400, immutable", "Content-Encoding": "identity"}
    return Response(body, media_type="application/octet-stream", headers=headers)
