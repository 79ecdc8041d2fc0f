"""The models of this computer beside each other: time for three minutes of music, memory, measured quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nicegui import ui

from separation.backends import registry
from separation.benchmark.standings import Standing, standings
from separation.doctor.self_test import request_of
from separation.formatted import size_range, time_range
from separation.model import Backend
from separation.request import SolverSettings
from webapp.state.benchmarks import Benchmarks
from webapp.state.run_estimates import RunEstimates
from webapp.theme import card, text

DURATION_S = 180.0
UNKNOWN = "\N{EM DASH}"


@dataclass(frozen=True, slots=True)
class LeaderboardLine:
    """One line: the model, its figures in words, and where its quality was measured."""

    model: str
    time: str
    memory: str
    standing: Standing | None


def places(estimates: RunEstimates, benchmarks: Benchmarks) -> list[LeaderboardLine]:
    """Return the models that can be used here, those with the best measured quality first. It reads the disk."""
    known = standings((one, benchmarks.outcomes(one.id)) for one in benchmarks.all())
    found = [place for backend in registry.BACKENDS.values() for place in _of(backend, estimates, known)]
    return sorted(found, key=lambda place: -(place.standing.si_sdr_db if place.standing else float("-inf")))


def _of(
    backend: Backend, estimates: RunEstimates, known: Mapping[tuple[str, str | None], Standing]
) -> list[LeaderboardLine]:
    found = []
    models = backend.models() or (None,)
    for model in models:
        request = replace(request_of(backend, model), solver=SolverSettings())
        if not backend.availability(request).usable:
            continue
        settled = backend.settle(request)
        estimate = estimates.expected(settled, DURATION_S)
        found.append(
            LeaderboardLine(
                model=f"{backend.label} {model.rpartition('/')[2]}" if model and len(models) > 1 else backend.label,
                time=_with_source(time_range(estimate.seconds), estimate.n_runs),
                memory=size_range(estimate.memory_bytes) or UNKNOWN,
                standing=known.get((settled.backend, settled.model)),
            )
        )
    return found


def _with_source(words: str, n_runs: int) -> str:
    if not words:
        return UNKNOWN
    return words if n_runs else f"{words}, not measured here yet"


class Leaderboard:
    """The card with the table; hidden while nothing can be used here."""

    def __init__(self) -> None:
        with card("pad stack") as self._card:
            self._card.props["aria-label"] = "On this computer"
            text("On this computer", tag="h2")
            self._body = ui.element("div").classes("leaderboard")
            with ui.element("p").classes("mute small"):
                text("Quality is measured by a ")
                ui.link("benchmark", "/benchmark")
                text(" on recordings whose true stems are known, such as the demo.")
        self._card.set_visibility(False)
        self._shown: list[LeaderboardLine] = []

    def show(self, found: list[LeaderboardLine]) -> None:
        """Redraw the table if it has changed."""
        if found == self._shown:
            return
        self._shown = found
        self._card.set_visibility(bool(found))
        self._body.clear()
        with self._body, ui.element("table"):
            with ui.element("thead"), ui.element("tr"):
                for title in ("Model", "3 minutes of music", "Memory", "Quality here"):
                    text(title, tag="th").props("scope=col")
            with ui.element("tbody"):
                for place in found:
                    _line(place)


def _line(place: LeaderboardLine) -> None:
    with ui.element("tr"):
        text(place.model, tag="th").props("scope=row")
        text(place.time, tag="td")
        text(place.memory, tag="td")
        with ui.element("td"):
            if place.standing is None:
                text("not measured yet", "mute")
            else:
                words = f"{place.standing.si_sdr_db:.1f} dB SI-SDR"
                ui.link(words, f"/benchmark/{place.standing.benchmark}")
                text(f" {', '.join(place.standing.stems)}", "mute small")
