"""Anchors on latent frames: which embedding every frame gets. Nothing here imports a framework."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from separation.request import Anchor

# Rows of the embedding table. “No anchor” is a row of its own, not a zero.
NULL, PRESENT, ABSENT, PAD = 0, 1, 2, 3
ROWS = {"+": PRESENT, "-": ABSENT}


def anchor_rows(
    anchors: Iterable[Anchor],
    n_frames: int,
    *,
    start: int = 0,
    n_valid: int | None = None,
    sample_rate: int = 48_000,
    hop: int = 1920,
) -> NDArray[np.int64]:
    """The row of the embedding table for each frame, shape (frames,).

    Later spans win, an empty span changes nothing, and what lies outside is cut.

    Args:
        anchors: spans in seconds from the start of the recording.
        n_frames: length of the chunk in latent frames.
        start: the recording's frame at which the chunk starts, so that a span falls on the same frames in any cut.
        n_valid: frames before the padding of a padded batch; None where nothing is padded.
        sample_rate: Hz.
        hop: samples of a frame.
    """
    rows = np.full(n_frames, NULL, np.int64)
    rows[n_frames if n_valid is None else n_valid :] = PAD
    for anchor in anchors:
        first, last = (max(0, first_frame(s, sample_rate, hop) - start) for s in (anchor.start_s, anchor.stop_s))
        rows[first:last] = ROWS[anchor.sign]
    return rows


def first_frame(time_s: float, sample_rate: int = 48_000, hop: int = 1920) -> int:
    """The first frame that starts at `time_s` or later.

    In floating point and in this order, as in training: 0.28 s * 48 000 Hz is a hair above 13 440, so frame 8, not 7.
    """
    return math.ceil(time_s * sample_rate / hop)
