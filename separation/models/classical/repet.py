"""REPET-SIM: the accompaniment repeats itself, the singer does not.

Z. Rafii and B. Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012. It is here for comparison;
`classical.py` says why it is not part of the recipe.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from separation.audio.stft import Power
from separation.models.classical.masks import TINY

N_SIMILAR = 12  # frames whose median is the background
MIN_GAP_S = 0.46  # similar frames nearer than this are the same note, not a repetition


def foreground_mask(magnitude: Power, frame_rate: float) -> Power:
    """The part of each bin, 0 to 1, that does not recur elsewhere in the recording; (frames, bins)."""
    background = repeating_background(magnitude, frame_rate)
    return np.asarray(np.clip(1 - (background / (magnitude + TINY)) ** 2, 0, 1), dtype=np.float32)


def repeating_background(magnitude: Power, frame_rate: float) -> Power:
    """Return the recurring part: the median of the frames most similar to each frame, at most the frame itself."""
    background = np.zeros_like(magnitude)
    for frame, similar in enumerate(similar_frames(magnitude, max(1, round(MIN_GAP_S * frame_rate)))):
        # A frame that is like no other says nothing about repetition.
        if similar.size >= 3:
            middle = similar.size // 2
            background[frame] = np.partition(magnitude[similar], middle, axis=0)[middle]
    return np.minimum(background, magnitude)


def similar_frames(magnitude: Power, min_gap: int) -> list[npt.NDArray[np.intp]]:
    """Return for each frame the `N_SIMILAR` frames of highest cosine similarity, with itself, `min_gap` apart."""
    unit = magnitude / (np.linalg.norm(magnitude, axis=1, keepdims=True) + TINY)
    similarity = unit @ unit.T  # (frames, frames)
    is_peak = similarity >= ndimage.maximum_filter1d(similarity, 2 * min_gap + 1, axis=1)
    ranked = np.where(is_peak, similarity, -1)
    np.fill_diagonal(ranked, 2)
    n = min(N_SIMILAR, len(ranked))
    best = np.argpartition(-ranked, n - 1, axis=1)[:, :n]
    return [row[ranked[frame, row] > 0] for frame, row in enumerate(best)]
