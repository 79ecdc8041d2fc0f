"""A time range of a recording in seconds, and its conversion to samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from separation.errors import SettingsError
from separation.formatted import clock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A range of a recording from `start_s` to `end_s`, or to the recording's end if that is None.

    Raises:
        SettingsError: it starts before 0 s, does not end after its start, or is not a number.
    """

    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self) -> None:
        end_s = math.inf if self.end_s is None else self.end_s
        if not (0 <= self.start_s < end_s and math.isfinite(self.start_s) and self.end_s != math.inf):
            raise SettingsError(
                f"There is no part {self._words}.",
                "A part starts at 0 s or later and ends after it starts.",
                "Choose a later end, or an earlier start.",
            )
        # 1 and 1.0 are the same part, and keys are made from it.
        object.__setattr__(self, "start_s", float(self.start_s))
        object.__setattr__(self, "end_s", None if self.end_s is None else float(self.end_s))

    @property
    def is_whole(self) -> bool:
        """Whether the part covers the whole recording, whatever its length."""
        return self == WHOLE

    def samples(self, sample_rate: int, n_samples: int) -> tuple[int, int]:
        """Return the first sample and the one after the last, in a recording of `n_samples`.

        The end may lie half a sample late, as seconds are rounded.

        Raises:
            SettingsError: the part does not lie in the recording, or no sample lies in the part.
        """
        length_s = n_samples / sample_rate
        end_s = length_s if self.end_s is None else self.end_s
        if self.start_s < end_s <= length_s + 0.5 / sample_rate:
            first, stop = round(self.start_s * sample_rate), min(round(end_s * sample_rate), n_samples)
            if first < stop:
                return first, stop
        raise SettingsError(
            f"There is no part {self._words}.",
            f"The recording is {length_s:g} s long.",
            "Choose a start from 0 on, and a later end inside the recording.",
        )

    def cut(self, blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[NDArray[np.float32]]:
        """Yield what lies in the part of a recording's blocks, shape (channels, any length); stop reading after it.

        Raises:
            SettingsError: as `samples` does, when the recording has come to its end.
        """
        first = round(self.start_s * sample_rate)
        stop = math.inf if self.end_s is None else round(self.end_s * sample_rate)
        position = 0
        for block in blocks:
            n_inside = min(stop - position, block.shape[1])
            if n_inside > first - position:
                yield block[:, max(0, first - position) : int(n_inside)]
            position += block.shape[1]
            if first < stop <= position:
                return
        self.samples(sample_rate, position)

    @property
    def _words(self) -> str:
        return f"from {self.start_s:g} s to " + ("the end" if self.end_s is None else f"{self.end_s:g} s")

    def __str__(self) -> str:
        return f"{clock(self.start_s, None)} to " + ("the end" if self.end_s is None else clock(self.end_s, None))


WHOLE = Part()
