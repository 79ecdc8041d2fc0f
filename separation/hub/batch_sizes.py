"""Remembers, by the name of a graphics card, how many seconds of audio a model computes fastest together there."""

from __future__ import annotations

from separation.hub import remembered
from separation.request import ChunkSettings, Request

MEMORY = "batch-sizes.json"


def remember(card: str, request: Request, batch: int) -> None:
    """Remember the best batch of a settled request, in windows.

    Raises:
        OSError, FileError: it cannot be written.
    """
    table = remembered.recall(MEMORY)
    chunk_s = (request.chunks or ChunkSettings()).chunk_s
    assert chunk_s is not None  # one window holds everything: there is nothing to compute together
    known = table.get(card)
    table[card] = {**(known if isinstance(known, dict) else {}), _model(request): batch * chunk_s}
    remembered.remember(MEMORY, table)


def recall(card: str, request: Request) -> int | None:
    """Return the best batch of a settled request, in windows; None if nothing was measured on this card.

    It was measured with chunks of some length; of longer ones fewer go together.
    """
    chunk_s = (request.chunks or ChunkSettings()).chunk_s
    try:
        seconds = float(remembered.recall(MEMORY)[card][_model(request)])
    except (KeyError, TypeError, ValueError):
        return None
    return None if chunk_s is None else max(1, int(seconds / chunk_s + 1e-6))


def _model(request: Request) -> str:
    """Return what decides how much of a card a second of audio takes."""
    return f"{request.model}, {request.sam.precision}, {request.sam.stereo}"
