"""What a recording holds, music or talk, as `metrics.musical.listen` finds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """What a recording holds: of its passages in which there is sound, how many are music."""

    n_passages: int
    n_musical: int

    @property
    def is_music(self) -> bool:
        """Whether at least half of these are music."""
        return 2 * self.n_musical >= self.n_passages
