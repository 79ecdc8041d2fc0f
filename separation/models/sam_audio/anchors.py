"""Anchors on latent frames: where they fall, and which embedding every frame gets. Nothing here imports a framework."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from separation.backends.protocol import FrameSpan
from separation.request import Anchor

# Rows of the embedding table. “No anchor” is a row of its own, not a zero.
NULL, PRESENT, ABSENT, PAD = 0, 1, 2, 3
ROWS = {"+": PRESENT, "-": ABSENT}


def frame_spans(
    anchors: Iterable[Anchor], start_frame: int, n_frames: int, sample_rate: int = 48_000, hop: int = 1920
) -> tuple[FrameSpan, ...]:
    """The anchors as frames of a window, in the order given; what lies outside is cut, what is empty left out.

    Args:
        anchors: spans in seconds from the start of the recording.
        start_frame: the recording's frame at which the window starts, so that a span falls on the same frames in any
            cut; below 0 for a window that starts before the recording.
        n_frames: length of the window in latent frames.
        sample_rate: Hz.
        hop: samples of a frame.
    """
    spans = (
        FrameSpan(
            anchor.sign,
            max(0, first_frame(anchor.start_s, sample_rate, hop) - start_frame),
            min(n_frames, first_frame(anchor.stop_s, sample_rate, hop) - start_frame),
        )
        for anchor in anchors
    )
    return tuple(span for span in spans if span.first < span.stop)


def anchor_rows(spans: Iterable[FrameSpan], n_frames: int, *, n_valid: int | None = None) -> NDArray[np.int64]:
    """The row of the embedding table for each frame, shape (frames,). Later spans win.

    Args:
        spans: in frames of the window, from `frame_spans`.
        n_frames: length of the window in latent frames.
        n_valid: frames before the padding of a padded batch; None where nothing is padded.
    """
    rows = np.full(n_frames, NULL, np.int64)
    rows[n_frames if n_valid is None else n_valid :] = PAD
    for span in spans:
        rows[span.first : span.stop] = ROWS[span.sign]
    return rows


def first_frame(time_s: float, sample_rate: int = 48_000, hop: int = 1920) -> int:
    """The first frame that starts at `time_s` or later.

    In floating point and in this order, as in training: 0.28 s * 48 000 Hz is a hair above 13 440, so frame 8, not 7.
    """
    return math.ceil(time_s * sample_rate / hop)
