"""Crossfades: the fade curves, and the overlap-add that joins chunk estimates into one stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from separation.chunking.plan import Chunk
from separation.errors import SettingsError
from separation.request import FADES

Samples = NDArray[np.float32]


class CrossfadeStream:
    """Joins chunk estimates, taken in order, and returns the audio that no later chunk will change.

    Memory holds one overlap. The pieces that `add` returns, concatenated, are the whole stem.
    """

    def __init__(self, fade: str) -> None:
        self._fade_in = fade_in(fade)
        self._tail: dict[str, Samples] = {}  # the last chunk's estimates of the samples that the next one covers too

    def add(self, chunk: Chunk, next_start: int | None, estimates: Mapping[str, Samples]) -> dict[str, Samples]:
        """Crossfade one chunk into the stream.

        Args:
            chunk: where the estimates lie.
            next_start: start of the following chunk, None after the last.
            estimates: stem name to samples of shape (channels, chunk.stop - chunk.start).

        Returns:
            For every stem, the samples from `chunk.start` up to `next_start` (or to the end).
        """
        n_final = (chunk.stop if next_start is None else next_start) - chunk.start
        finished = {}
        for name, estimate in estimates.items():
            blended = self._blend(name, estimate, chunk.overlap)
            finished[name] = blended[:, :n_final]
            self._tail[name] = blended[:, n_final:].copy()  # a view would hold the whole chunk
        return finished

    def _blend(self, name: str, estimate: Samples, overlap: int) -> Samples:
        if not overlap:
            return estimate
        before = self._tail[name]
        n_shared = min(before.shape[-1], estimate.shape[-1])
        rise = self._fade_in(overlap)[:n_shared]
        blended = estimate.copy()
        blended[:, :n_shared] = before[:, :n_shared] * (1 - rise) + estimate[:, :n_shared] * rise
        return blended


def fade_in(name: str) -> Callable[[int], Samples]:
    """Return the rising half of a crossfade by name; with its mirror image it sums to one."""
    try:
        return _CURVES[name]
    except KeyError:
        raise SettingsError(f"There is no crossfade “{name}”.", "", f"Choose one of: {', '.join(FADES)}.") from None


def cosine(n_samples: int) -> Samples:
    """Return a raised cosine from 0 to 1, shape (n_samples,)."""
    # Neighbouring chunks estimate the same source, so they are correlated and their gains must sum to one; an
    # equal-power fade would bulge by up to 3 dB.
    phase = (np.arange(n_samples) + 0.5) / n_samples
    return np.asarray(np.sin(0.5 * np.pi * phase) ** 2, dtype=np.float32)


def linear(n_samples: int) -> Samples:
    """Return a straight line from 0 to 1, shape (n_samples,): demucs' triangular weights after normalisation."""
    return np.asarray((np.arange(n_samples) + 1) / (n_samples + 1), dtype=np.float32)


# A fade's function has its name: one that a request may name and that is not here fails at import.
_CURVES: Mapping[str, Callable[[int], Samples]] = {name: globals()[name] for name in FADES}
