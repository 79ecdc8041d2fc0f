"""The passages of a rating: those in which there is most to hear of the reference."""

from __future__ import annotations

from collections.abc import Sequence

from separation.comparing.blind_test import SHORTEST_S
from separation.comparing.heard import HeardTrack, opened
from separation.errors import SettingsError

PASSAGE_S = 8.0  # ITU-R BS.1534-3 asks for about 10 s


def loudest_passages(
    tracks: Sequence[HeardTrack], start_s: float, end_s: float, n: int, length_s: float = PASSAGE_S
) -> tuple[tuple[float, float], ...]:
    """Return the loudest passages of a sound, which do not overlap, in the order of time.

    The span is cut into pieces of one length. A span that is shorter than that is one passage.

    Args:
        tracks: what is heard of the sound.
        start_s: where the span begins.
        end_s: where it ends.
        n: how many passages; fewer are returned where the span has no more, or nothing is heard in them.
        length_s: of each.

    Raises:
        SettingsError: the span is too short, or there is no sound in it.
        AudioError: a file is gone.
    """
    import numpy as np

    n_pieces = max(1, int((end_s - start_s) / length_s))
    length_s = min(length_s, end_s - start_s)
    if not tracks or length_s < SHORTEST_S:
        raise SettingsError(
            "There is no passage to rate.", "It is too short.", "Choose a longer one.", place=("end_s",)
        )
    step_s = (end_s - start_s - length_s) / max(1, n_pieces - 1)
    with opened(tracks) as source:
        rate, levels = source.sample_rate, []
        for piece in range(n_pieces):
            at_s = start_s + piece * step_s
            samples = source.read(round(at_s * rate), round((at_s + length_s) * rate))
            levels.append((float(np.mean(np.square(samples, dtype=np.float64))), at_s))
    sounding = sorted((one for one in levels if one[0] > 0), reverse=True)[:n]
    if not sounding:
        raise SettingsError(
            "There is nothing to rate.", "The reference is silent there.", "Choose another passage.", place=("start_s",)
        )
    return tuple((at_s, at_s + length_s) for at_s in sorted(at_s for _, at_s in sounding))
