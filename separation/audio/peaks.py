"""Peaks for drawing a waveform: the smallest and largest of every 256 samples."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from separation.audio.files import writing

SAMPLES_PER_PEAK = 256


class PeaksWriter:
    """Writes a peaks file as audio arrives.

    The file holds int8 pairs (min, max) over all channels, value / 127 = amplitude, one pair per 256 samples; the last
    pair may stand for fewer.

    Raises:
        FileError: the file cannot be written; also `write` and leaving the context.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        with self._writing():
            self._file: BinaryIO = path.open("wb")
        self._rest = np.zeros((1, 0), np.float32)

    def write(self, block: NDArray[np.float32]) -> None:
        """Append samples of shape (channels, any length)."""
        if self._rest.shape[1]:
            block = np.concatenate([self._rest, block], axis=1)
        n_whole = block.shape[1] // SAMPLES_PER_PEAK * SAMPLES_PER_PEAK
        self._rest = block[:, n_whole:].copy()
        if n_whole:
            with self._writing():
                frames = np.ascontiguousarray(block[:, :n_whole].T)  # as decoders give them: nothing is copied
                self._file.write(_pairs(frames.reshape(-1, SAMPLES_PER_PEAK * block.shape[0])))

    def flush(self) -> None:
        """Let readers see all whole pairs so far."""
        with self._writing():
            self._file.flush()

    def _writing(self) -> AbstractContextManager[None]:
        return writing("The picture of the waveform", self._folder)

    def __enter__(self) -> PeaksWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._writing(), self._file:
            if self._rest.shape[1]:
                self._file.write(_pairs(self._rest.reshape(1, -1)))


def _pairs(groups: NDArray[np.float32]) -> bytes:
    """Return groups of shape (n_groups, values of all channels) as interleaved int8 (min, max)."""
    low = np.floor(groups.min(axis=1) * 127)
    high = np.ceil(groups.max(axis=1) * 127)
    return bytes(np.stack([low, high], axis=1).clip(-127, 127).astype(np.int8))
