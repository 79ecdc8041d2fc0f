"""What is taken of a file: one of its audio tracks, and a time range of it in seconds; its conversion to samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from separation.errors import SettingsError
from separation.formatted import clock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A range of a recording from `start_s` to `end_s`, or to the recording's end if that is None.

    Attributes:
        start_s: where it begins.
        end_s: where it ends.
        track: the number of the audio track, from 1 on; None for the file's default one.

    Raises:
        SettingsError: it starts before 0 s, does not end after its start, or a value is not a number.
    """

    start_s: float = 0.0
    end_s: float | None = None
    track: int | None = None

    def __post_init__(self) -> None:
        end_s = math.inf if self.end_s is None else self.end_s
        if not (0 <= self.start_s < end_s and math.isfinite(self.start_s) and self.end_s != math.inf):
            raise SettingsError(
                f"There is no part {self._words}.",
                "A part starts at 0 s or later and ends after it starts.",
                "Choose a later end, or an earlier start.",
            )
        if self.track is not None and (not isinstance(self.track, int) or self.track < 1):
            raise no_track(self.track, "They are numbered from 1 on.")
        # 1 and 1.0 are the same part, and keys are made from it.
        object.__setattr__(self, "start_s", float(self.start_s))
        object.__setattr__(self, "end_s", None if self.end_s is None else float(self.end_s))

    @property
    def is_whole(self) -> bool:
        """Whether the part covers the whole time of the recording, whatever its length."""
        return self.start_s == 0 and self.end_s is None

    def to_dict(self) -> dict[str, Any]:
        """Return what distinguishes it from the whole of a file's default track, for keys and manifests."""
        span = {} if self.is_whole else {"start_s": self.start_s, "end_s": self.end_s}
        return span if self.track is None else span | {"track": self.track}

    def cut(self, blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[NDArray[np.float32]]:
        """Yield what lies in the part of a recording's blocks, shape (channels, any length); stop reading after it.

        A recording that ends before the part does gives what it has.

        Raises:
            SettingsError: when the recording has come to its end: the part begins after it, or no sample lies in it.
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
        if not first < min(stop, position):
            raise SettingsError(
                f"There is no part {self._words}.",
                f"The recording is {position / sample_rate:g} s long.",
                "Choose a start from 0 on inside the recording, and a later end.",
            )

    def shortfall(self, n_samples: int, sample_rate: int) -> str:
        """Return a sentence if the recording ended before the part of which it gave `n_samples`; "" if it did not."""
        end_s = self.start_s + n_samples / sample_rate
        # The start and the end are rounded to whole samples, each by half of one.
        if self.end_s is None or self.end_s <= end_s + 1 / sample_rate:
            return ""
        return f"The recording ends at {round(end_s, 3):g} s, before the {self.end_s:g} s that were asked for."

    @property
    def _words(self) -> str:
        return f"from {self.start_s:g} s to " + ("the end" if self.end_s is None else f"{self.end_s:g} s")

    def __str__(self) -> str:
        words = [] if self.track is None else [f"audio track {self.track}"]
        if not self.is_whole or not words:
            end = "the end" if self.end_s is None else clock(self.end_s, None)
            words.append(f"{clock(self.start_s, None)} to {end}")
        return ", ".join(words)


def no_track(number: int, why: str) -> SettingsError:
    """Return the error of an audio track that a file does not have."""
    return SettingsError(f"There is no audio track {number}.", why, "Choose another number, or none for the default.")


WHOLE = Part()
