"""The table of a benchmark: a row for each setting, its figures over all passages, and what they are in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from separation.backends import registry
from separation.benchmark.benchmark import Benchmark, CellOutcome, GridCell
from separation.benchmark.timing import Timing, middle_s
from separation.comparing.differing import differing
from separation.prompts.targets import RESIDUAL
from separation.request import Prompt, Request

Values = Mapping[str, float]  # by the id of a measure; see `measures.MEASURES`


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What one setting did on one passage.

    Attributes:
        song: key of the passage.
        result: key of the result; "" if there is none.
        values: of each measure that is known.
        error: what happened, why, what to do, if it failed: as a whole if there is no result, else at what is missing.
    """

    song: str
    result: str
    values: Values
    error: tuple[str, str, str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingRow:
    """One setting of a benchmark.

    Attributes:
        setting: its id.
        request: the settled settings.
        separator: the separator with its model, for people.
        words: the settings in which it differs from the others of the benchmark, for people.
        values: the median over the passages of each measure that is known in all that are done.
        spread: how far the timed runs of a passage lie apart at most, as a fraction of their median.
        figures: by passage, for those that are done.
        is_busy: whether a time was taken while other programs kept the computer busy.
        n_songs: passages of the benchmark.
    """

    setting: str
    request: Request
    separator: str
    words: str
    values: Values
    spread: float
    figures: tuple[Figures, ...]
    is_busy: bool
    n_songs: int

    @property
    def label(self) -> str:
        """Return separator and settings in one line."""
        return f"{self.separator} · {self.words}" if self.words else self.separator

    @property
    def is_done(self) -> bool:
        """Whether all passages are done."""
        return len(self.figures) == self.n_songs


def rows(benchmark: Benchmark, outcomes: Mapping[str, CellOutcome], stem: str) -> list[SettingRow]:
    """Return a row for each setting of which at least one passage is done, in the order of the benchmark.

    Args:
        benchmark: the benchmark.
        outcomes: by the cells' ids.
        stem: the track whose quality is shown.
    """
    done: dict[str, list[tuple[GridCell, CellOutcome]]] = {}
    for cell in benchmark.cells():
        if cell.id in outcomes:
            done.setdefault(cell.setting, []).append((cell, outcomes[cell.id]))
    words = dict(zip(benchmark.requests, words_of(benchmark.requests), strict=True))
    found = []
    for setting, cells in done.items():
        request = cells[0][0].request
        figures = tuple(_figures(cell, outcome, stem) for cell, outcome in cells)
        found.append(
            SettingRow(
                setting=setting,
                request=request,
                separator=separator_of(request),
                words=words[request],
                values=_medians([one.values for one in figures if one.result]),
                spread=max((_spread(outcome.timings) for _, outcome in cells), default=0.0),
                figures=figures,
                is_busy=any(outcome.is_busy for _, outcome in cells),
                n_songs=len(benchmark.songs),
            )
        )
    return found


def stems(outcomes: Iterable[CellOutcome]) -> tuple[str, ...]:
    """Return the names of the tracks of which some quality is known, what was asked for first."""
    found = dict[str, None]()
    for outcome in outcomes:
        found |= dict.fromkeys((outcome.scores or {}).get("tracks", {}))
        found |= dict.fromkeys(outcome.distances or {})
    return tuple(sorted(found, key=RESIDUAL.__eq__))


def words_of(requests: Sequence[Request]) -> list[str]:
    """Return the settings in which each request differs from the others, and no model, in words."""
    settings = [{name: value for name, value in request.to_dict().items() if name != "model"} for request in requests]
    prompts = {request.prompts for request in requests}
    spans = {tuple(prompt.anchors for prompt in request.prompts) for request in requests}
    rerolls = {request.sam.rerolls for request in requests}
    rerolled = {tuple(one.chunk for one in each) for each in rerolls}
    devices = dict[str, set[str]]()
    for request in requests:
        devices.setdefault(request.backend, set()).add(request.device)
    found = []
    for request, differs in zip(requests, differing(settings), strict=True):
        asked = (_prompt_words(prompt, spans=len(spans) > 1) for prompt in request.prompts)
        more = [", ".join(asked)] if len(prompts) > 1 else []
        more += [request.device] if len(devices[request.backend]) > 1 else []
        if request.sam.rerolls and len(rerolls) > len(rerolled):  # the same chunks, with other seeds
            more.append(f"re-rolled with seed {', '.join(str(one.seed) for one in request.sam.rerolls)}")
        found.append(", ".join((*differs, *more)))
    return found


def _prompt_words(prompt: Prompt, *, spans: bool) -> str:
    if not (spans and prompt.anchors):
        return prompt.text
    listed = ", ".join(f"{one.sign}{one.start_s:g} to {one.stop_s:g} s" for one in prompt.anchors)
    return f"{prompt.text} ({listed})"


def separator_of(request: Request) -> str:
    """Return the separator of a settled request with its model, for people."""
    label, backend = registry.label_of(request.backend), registry.named(request.backend)
    several = backend is not None and len(backend.models()) > 1
    return f"{label} {request.model.rpartition('/')[2]}" if request.model and several else label


def _figures(cell: GridCell, outcome: CellOutcome, stem: str) -> Figures:
    values: dict[str, Any] = {}
    seconds = middle_s(outcome.timings)
    if seconds is not None:
        trusted = [one for one in outcome.timings if not one.is_busy] or list(outcome.timings)
        values |= {
            "seconds": seconds,
            "rtf": seconds / cell.song.duration_s,
            "nfe": outcome.nfe or None,
            "first_sound_s": median(one.first_sound_s for one in trusted),
            "peak_bytes": _most(one.peak_bytes for one in outcome.timings),
            "device_bytes": _most(one.device_bytes for one in outcome.timings),
            "energy_j": _least(one.energy_j for one in trusted),
        }
    values |= (outcome.scores or {}).get("tracks", {}).get(stem, {})
    values["error_db"] = (outcome.distances or {}).get(stem, {}).get("error_db")
    known = {name: value for name, value in values.items() if isinstance(value, int | float)}  # not why there is none
    return Figures(song=cell.song.key, result=outcome.result, values=known, error=outcome.error)


def _medians(figures: Sequence[Values]) -> dict[str, float]:
    """Return the median of each measure that all of them have."""
    if not figures:
        return {}
    return {name: median(one[name] for one in figures) for name in figures[0] if all(name in one for one in figures)}


def _spread(timings: Sequence[Timing]) -> float:
    times = [one.seconds for one in timings]
    return (max(times) - min(times)) / median(times) if len(times) > 1 and median(times) > 0 else 0.0


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
