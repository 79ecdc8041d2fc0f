"""`PartialAudio`: audio that can be played while an upload, an import or a job still writes it. `Sound`: any audio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Sound(Protocol):
    """The length and format that recordings, results and partial audio have in common."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def n_channels(self) -> int:
        """1 or 2."""
        ...

    @property
    def n_samples(self) -> int:
        """Length in samples per channel, including samples that are still to come."""
        ...

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PartialAudio:
    """Audio that can be read while it is made: a file that is being imported, or a track of a run. Its files grow.

    Attributes:
        audio: the float32 WAV, to be read by `FloatWavWriter.read_part` up to `n_ready`.
        peaks: its peaks, whole pairs only.
        n_ready: samples that can be read now.
        n_expected: samples of the complete audio; None if unknown.
        sample_rate: Hz.
        n_channels: 1 or 2.
    """

    audio: Path
    peaks: Path
    n_ready: int
    n_expected: int | None
    sample_rate: int
    n_channels: int

    @property
    def n_samples(self) -> int:
        """Length in samples, as far as it is known."""
        return max(self.n_expected or 0, self.n_ready)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate
