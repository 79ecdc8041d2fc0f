"""Where a track sounds, as `separation.metrics.presence` finds it; free of NumPy, since lists of results show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from separation.formatted import clock

DOUBTFUL = 0.5  # of a chunk's explained energy: below it more was invented than taken from the recording
RARE = 0.4  # of the recording: what sounds in less of it is said to sound only there
FEW = 4  # spans that a sentence lists


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """Where a track sounds.

    Args:
        level_db: level of the track beside the mixture, both over all of the recording, in dB; None if it is silent.
        spans_s: (start, stop) of each span in which it sounds, in seconds; none if it seems to be absent.
        duration_s: of the recording.
        left_over: it is what other sounds leave, such as “everything else” or “no vocals”.
        invented: it is loud where the recording has nothing of it.
    """

    level_db: float | None
    spans_s: tuple[tuple[float, float], ...]
    duration_s: float
    left_over: bool = False
    invented: bool = False

    @property
    def empty(self) -> bool:
        """Whether the track seems to hold nothing of what was asked for."""
        return not self.spans_s

    @property
    def rare(self) -> bool:
        """Whether it sounds in a few places only."""
        return 0 < len(self.spans_s) <= FEW and sum(b - a for a, b in self.spans_s) < RARE * self.duration_s

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, rounded."""
        return {
            "level_db": None if self.level_db is None else round(self.level_db, 1),
            "spans_s": [[round(start_s, 2), round(stop_s, 2)] for start_s, stop_s in self.spans_s],
            "duration_s": round(self.duration_s, 3),
            "left_over": self.left_over,
            "invented": self.invented,
            "empty": self.empty,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote.

        Raises:
            KeyError, TypeError, ValueError: it comes from elsewhere.
        """
        level_db = values["level_db"]
        return cls(
            level_db=None if level_db is None else float(level_db),
            spans_s=tuple((float(start_s), float(stop_s)) for start_s, stop_s in values["spans_s"]),
            duration_s=float(values["duration_s"]),
            left_over=bool(values["left_over"]),
            invented=bool(values["invented"]),
        )


def sentence(track: str, presence: Presence) -> str:
    """Return what is to be said of where a track sounds; "" if it sounds here and there all along."""
    if presence.empty and presence.invented:
        return f"There seems to be no “{track}” in this recording: most of its track is not in it."
    if presence.empty:
        level = "silent" if presence.level_db is None else f"{-presence.level_db:.0f} dB below the recording"
        if presence.left_over:
            return f"“{track}” is empty ({level}): there seems to be nothing else in this recording."
        return f"There seems to be no “{track}” in this recording: its track is empty ({level})."
    if not presence.rare:
        return ""
    spans = [f"{clock(start_s)}-{clock(stop_s)}" for start_s, stop_s in presence.spans_s]
    return f"“{track}” seems to be there only at {' and '.join(filter(None, (', '.join(spans[:-1]), spans[-1])))}."


def sentences(presences: Mapping[str, Presence]) -> Iterator[str]:
    """Yield what is to be said of the tracks of a result, in their order."""
    yield from filter(None, (sentence(track, presence) for track, presence in presences.items()))


def of_report(report: Mapping[str, Any]) -> dict[str, Presence]:
    """Return where the tracks of a result sound, by its report; empty for one that does not say."""
    try:
        return {str(track): Presence.from_dict(values) for track, values in report.get("presence", {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
