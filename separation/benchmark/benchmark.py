"""A benchmark: a grid on the passages of some recordings, and what has come out of each of its cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from separation.benchmark.grid import Grid, LeftOut
from separation.benchmark.timing import Timing
from separation.errors import Action, PlaygroundError, SettingsError
from separation.request import Request

N_RETIMED = 3  # times a cell is timed again because the computer was busy; then it is kept, and marked


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """A recording of a benchmark.

    Attributes:
        key: of its passage, which is a recording itself.
        name: of the recording, for people.
        recording: key of the recording that the passage was taken from.
        duration_s: of the passage.
    """

    key: str
    name: str
    recording: str
    duration_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GridCell:
    """One setting on one passage."""

    setting: str
    song: Excerpt
    request: Request

    @property
    def id(self) -> str:
        """Return its name among the cells of its benchmark."""
        return cell_id(self.setting, self.song)


@dataclass(frozen=True, kw_only=True, slots=True)
class CellOutcome:
    """What has come out of a cell so far.

    Attributes:
        result: key of the kept result; "" if there is none.
        timings: the timed runs, the warm-up left out.
        n_retimed: how often it was timed again because the computer was busy; the most there can be if that failed.
        nfe: evaluations of the network in one run; 0 where it is unknown.
        scores: against the known stems, as `scores.ResultScores` writes them; None without known stems.
        distances: by track name, from the reference, as `scores.StemDistance` writes them; None before it is there.
        error: what happened, why, what to do, if it failed: as a whole if there is no result, else at what is missing.
        action: what can be done about the error with a command or a button.
    """

    result: str = ""
    timings: tuple[Timing, ...] = ()
    n_retimed: int = 0
    nfe: int = 0
    scores: Mapping[str, Any] | None = None
    distances: Mapping[str, Any] | None = None
    error: tuple[str, str, str] | None = None
    action: Action | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a time of it was taken while other programs kept the computer busy."""
        return any(timing.is_busy for timing in self.timings)

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        return {**asdict(self), "timings": [timing.to_dict() for timing in self.timings]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CellOutcome:
        """Return the outcome that `to_dict` described.

        Raises:
            TypeError, ValueError, KeyError: it is none.
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"{values!r:.40} is no outcome")
        timings = tuple(Timing(**timing) for timing in values.get("timings", ()))
        error, action = values.get("error"), Action.from_dict(values.get("action"))
        return cls(**{**values, "timings": timings, "error": None if error is None else tuple(error), "action": action})


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """A grid on passages, with all that does not change while it runs.

    Attributes:
        id: its name in addresses.
        name: for people.
        created: UTC time, ISO 8601.
        grid: what was asked for.
        songs: the passages.
        requests: the settled settings, the cheapest first.
        reference: the setting from which distances are measured; "" without one.
        left_out: combinations that cannot be computed here.
        n_same: combinations that were the same as another one.
        machine: the computer: processor, number of cores, graphics card, versions.
    """

    id: str
    name: str
    created: str
    grid: Grid
    songs: tuple[Excerpt, ...]
    requests: tuple[Request, ...]
    reference: str = ""
    left_out: tuple[LeftOut, ...] = ()
    n_same: int = 0
    machine: Mapping[str, str] = field(default_factory=dict)

    def cells(self) -> Iterator[GridCell]:
        """Yield every cell in the order in which they are computed: the cheapest setting on all passages first."""
        for request in self.requests:
            setting = setting_id(request)
            for song in self.songs:
                yield GridCell(setting=setting, song=song, request=request)

    def reference_cell(self, song: Excerpt) -> GridCell | None:
        """Return the cell from which the distances of a passage are measured; None without one."""
        found = (request for request in self.requests if setting_id(request) == self.reference)
        request = next(found, None) if self.reference else None
        return None if request is None else GridCell(setting=self.reference, song=song, request=request)

    def to_dict(self) -> dict[str, Any]:
        """Return the benchmark as plain values."""
        return {
            **{name: getattr(self, name) for name in ("id", "name", "created", "reference", "n_same")},
            "grid": self.grid.to_dict(),
            "songs": [asdict(song) for song in self.songs],
            "requests": [request.to_dict() for request in self.requests],
            "left_out": [{**asdict(one), "example": dict(one.example)} for one in self.left_out],
            "machine": dict(self.machine),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Benchmark:
        """Return the benchmark that `to_dict` described.

        Raises:
            SettingsError: it is none, or of another version of this program.
        """
        try:
            return cls(
                **{
                    **values,
                    "grid": Grid.from_dict(values["grid"]),
                    "songs": tuple(Excerpt(**song) for song in values["songs"]),
                    "requests": tuple(map(Request.from_dict, values["requests"])),
                    "left_out": tuple(map(LeftOut.from_dict, values["left_out"])),
                }
            )
        except (KeyError, TypeError, ValueError, PlaygroundError) as error:
            raise SettingsError(
                "A benchmark cannot be read.",
                f"It is damaged, or of another version of this program: {error}.",
                "Run it again.",
            ) from error


def cell_id(setting: str, song: Excerpt) -> str:
    """Return the name of a cell among those of its benchmark."""
    return f"{setting}-{song.key[:16]}"


@lru_cache(maxsize=8192)  # of every cell it is asked at every step
def setting_id(request: Request) -> str:
    """Return a short name of a settled request, the same in every benchmark."""
    text = json.dumps(request.to_dict(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
