"""The value that `separation.metrics.quality` computes; free of NumPy, since lists of results show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

DOUBTFUL = 0.5  # a quality below it is worth a warning


@dataclass(frozen=True, kw_only=True, slots=True)
class Bleed:
    """The share of two tracks, 0 to 1, that is the same sound."""

    tracks: tuple[str, str]
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """The estimated quality of a result.

    Args:
        value: quality of the worst track, 0 to 1.
        tracks: quality of each track that is neither silent nor faint, and beside which something else sounds.
        bleed: bleed between every two tracks that should share no sound.
        explained_energy: share of each track's energy that the mixture accounts for, 0 to 1.
    """

    value: float
    tracks: Mapping[str, float]
    bleed: tuple[Bleed, ...]
    explained_energy: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, rounded to three digits."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the quality that `to_dict` wrote; older versions may have written its value alone.

        Raises:
            KeyError, TypeError, ValueError: it comes from elsewhere.
        """
        bleed = ((tuple(one["tracks"]), float(one["share"])) for one in values.get("bleed", ()))
        return cls(
            value=float(values["value"]),
            tracks=dict(values.get("tracks", {})),
            bleed=tuple(Bleed(tracks=(first, second), share=share) for (first, second), share in bleed),
            explained_energy=dict(values.get("explained_energy", {})),
        )

    @property
    def warning(self) -> str | None:
        """Return a warning with advice for a result of low quality, else None."""
        if self.value >= DOUBTFUL:
            return None
        worst = min(self.tracks, key=lambda name: self.tracks[name])
        doubt = f"The quality of “{worst}” is estimated at {self.value:.2f} of 1:"
        shared = max((one for one in self.bleed if worst in one.tracks), key=lambda one: one.share, default=None)
        if shared is None or self.explained_energy[worst] < 1 - math.sqrt(shared.share):
            invented = 100 * (1 - self.explained_energy[worst])
            return f"{doubt} {invented:.0f} % of it is not in the recording. Another seed or a larger model may help."
        (other,) = set(shared.tracks) - {worst}
        return (
            f"{doubt} it shares much of its sound with “{other}”. Perhaps the recording has only one of them, or both "
            "mean the same; otherwise a better model may tell them apart."
        )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
