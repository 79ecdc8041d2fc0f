"""Loudness matching: by how much each side of a comparison is turned down, so that none is preferred for being louder.

Louder sounds better, by differences that nobody hears as loudness; a comparison says something only without it. There
is one gain a side, for all that is heard of it: tracks matched one by one would hide the difference to be heard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from separation.formatted import signed

QUIETEST_LUFS = -60.0  # what is quieter is next to silence, and its loudness mostly that of its noise
FARTHEST_LU = 20.0  # sides that differ by more are not versions of one sound
SAME_LU = 0.05


@dataclass(frozen=True, slots=True)
class Matched:
    """What matching does to one side.

    Attributes:
        gain_db: 0 or less; nothing is turned up, so nothing can clip.
        note: why it was not matched; "" if it was.
    """

    gain_db: float = 0.0
    note: str = ""

    @property
    def words(self) -> str:
        """What a person reads of it, such as "−1.8 dB"."""
        if self.note:
            return self.note
        return "as it is" if abs(self.gain_db) < SAME_LU else f"{signed(self.gain_db, '+.1f')} dB"


def matched(lufs: Sequence[float]) -> tuple[Matched, ...]:
    """Return what to do to each side so that all are as loud as the quietest.

    Sides below -60 LUFS, and those more than 20 LU below the loudest, stay as they are and count for no other.

    Args:
        lufs: the loudness of what is heard of each side; -inf for silence.
    """
    loudest = max(lufs, default=-math.inf)
    near = [one for one in lufs if one >= QUIETEST_LUFS and one >= loudest - FARTHEST_LU]
    quietest = min(near, default=-math.inf)
    return tuple(_one(one, loudest, quietest, alone=len(near) < 2) for one in lufs)


def _one(lufs: float, loudest: float, quietest: float, *, alone: bool) -> Matched:
    if lufs < QUIETEST_LUFS:
        return Matched(note="nearly silent, not matched")
    if lufs < loudest - FARTHEST_LU:
        return Matched(note=f"{loudest - lufs:.0f} LU quieter, not matched")
    return Matched() if alone else Matched(quietest - lufs)
