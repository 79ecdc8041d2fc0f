"""Assigns an anchor embedding to every latent frame. Nothing here imports a framework."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from separation.model import FrameSpan

# Rows of the embedding table. “No anchor” is a row of its own, not a zero.
NULL, PRESENT, ABSENT, PAD = 0, 1, 2, 3
ROWS = {"+": PRESENT, "-": ABSENT}


def anchor_rows(spans: Iterable[FrameSpan], n_frames: int, *, n_valid: int | None = None) -> NDArray[np.int64]:
    """Return the row of the embedding table for each frame, shape (frames,). Later spans win.

    Args:
        spans: in frames of the window, from `separation.chunking.anchors.frame_spans`.
        n_frames: length of the window in latent frames.
        n_valid: frames before the padding of a padded batch; None where nothing is padded.
    """
    rows = np.full(n_frames, NULL, np.int64)
    rows[n_frames if n_valid is None else n_valid :] = PAD
    for span in spans:
        rows[span.first : span.stop] = ROWS[span.sign]
    return rows
