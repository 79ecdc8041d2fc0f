"""Converts anchors (spans in seconds) to latent frames, independently of how a recording is cut."""

from __future__ import annotations

import math
from collections.abc import Iterable

from separation.model import FrameSpan
from separation.request import Anchor


def frame_spans(
    anchors: Iterable[Anchor], start_frame: int, n_frames: int, sample_rate: int = 48_000, hop: int = 1920
) -> tuple[FrameSpan, ...]:
    """Return anchors as frames of a window, in the order given, clipped to the window; empty ones are left out.

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


def first_frame(time_s: float, sample_rate: int = 48_000, hop: int = 1920) -> int:
    """Return the first frame that starts at `time_s` or later.

    In floating point and in this order, as in training: 0.28 s * 48 000 Hz is a hair above 13 440, so frame 8, not 7.
    """
    return math.ceil(time_s * sample_rate / hop)
