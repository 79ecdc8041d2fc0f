"""The Benchmark page: sets benchmarks up, and shows one as it fills: table, charts, what each cell sounds like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nicegui import ui

from separation.benchmark import examples
from separation.benchmark.benchmark import Benchmark
from separation.benchmark.grid import Grid
from separation.errors import PlaygroundError
from separation.formatted import counted
from separation.results.kept import Recording
from webapp.access.handlers import may, only_for
from webapp.access.routes import Asks
from webapp.access.sessions import visitor_of
from webapp.components.keymap.keymap import Keymap
from webapp.components.transport.transport import Transport
from webapp.components.upload.upload import UploadArea, Uploaded, UploadRefused
from webapp.pages.benchmark.chosen import Chosen
from webapp.pages.benchmark.opened import OpenedBenchmark
from webapp.pages.benchmark.set_up import SetUp
from webapp.state.benchmarks import Benchmarks, BenchmarkState
from webapp.state.kept.own_presets import OwnPresets
from webapp.state.library.view import LibraryView
from webapp.state.run_estimates import RunEstimates
from webapp.theme import Messages, card, drop_zone, heading, scheme_menu, shell, text

STATES = {
    BenchmarkState.RUNNING: "running",
    BenchmarkState.WAITING: "waits",
    BenchmarkState.STOPPED: "stopped",
    BenchmarkState.COMPLETE: "complete",
}


class BenchmarkPage:
    """One open Benchmark page; which benchmark it shows is in its address.

    Args:
        id: the benchmark; "" for a new one.
    """

    def __init__(
        self,
        benchmarks: Benchmarks,
        library_view: LibraryView,
        estimates: RunEstimates,
        presets: OwnPresets,
        id: str = "",
    ) -> None:
        self._benchmarks, self._view = benchmarks, library_view
        self._listed: list[tuple[Benchmark, str]] = []
        benchmark = benchmarks.get(id) if id else None
        with shell(
            "benchmark",
            side=("Settings" if benchmark is None else "Details") if may(Asks.HOST) or benchmark is not None else "",
        ) as frame:
            with frame.header:
                self._header(benchmark)
            with frame.footer:
                transport = Transport()
            with frame.main:
                self._messages = Messages()
                if benchmark is None:
                    self._start(frame.side, frame.actions, estimates)
            if benchmark is not None:
                OpenedBenchmark(
                    benchmark,
                    benchmarks,
                    library_view,
                    presets,
                    frame,
                    transport,
                    title=(self._title, self._about, self._choices),
                    on_error=self._say_error,
                )
        if id and benchmark is None:
            self._say_error(
                PlaygroundError("There is no such benchmark.", "It was removed.", "Choose another, or run one.")
            )

    def _header(self, benchmark: Benchmark | None) -> None:
        self._title = text("Benchmark" if benchmark is None else benchmark.name, tag="h1")
        self._about = text("", "mute hide-phone")
        text("", "grow")
        self._choices = ui.element("div").classes("line")
        Keymap()
        scheme_menu()

    def _start(self, side: ui.element, actions: ui.element, estimates: RunEstimates) -> None:
        self._uploads = UploadArea(on_uploaded=self._uploaded, on_refused=self._refused)
        about = "Each setting is timed, measured against known stems, and can be heard."
        with drop_zone("Measure settings against each other", about) as zone:
            only_for(zone, Asks.HOST)
            chosen = Chosen(examples.EXAMPLES, self._use)
        if not may(Asks.HOST):
            text("The host of this studio makes benchmarks; those that there are stand here.", "mute", tag="p")
        self._earlier = ui.element("div").classes("stack")
        self._list()
        self._benchmarks.changed.subscribe(lambda _: self._list())
        for part in (side, actions):
            only_for(part, Asks.HOST)
        with side:
            self._set_up = SetUp(
                self._view,
                estimates,
                actions,
                chosen,
                on_start=self._run,
                on_demo=lambda: self._uploads.try_demo(),
                may_name_folders=visitor_of(ui.context.client.request).is_host,
            )

    def _list(self) -> None:
        """Show the benchmarks there are, the newest first."""
        lines = [(one, STATES[self._benchmarks.progress(one.id).state]) for one in self._benchmarks.all()]
        if lines == self._listed:
            return
        self._listed = lines
        self._earlier.clear()
        with self._earlier:
            heading("Earlier")
            with card("pad"), ui.element("div").classes("stack"):
                for one, state in lines:
                    _line(one, state)

    def _use(self, example: str) -> None:
        self._set_up.use(example)

    async def _run(self, grid: Grid, songs: Sequence[Recording]) -> None:
        benchmark = await self._benchmarks.make(replace(grid, name=_named(grid, songs)), songs)
        ui.navigate.to(f"/benchmark/{benchmark.id}")

    def _uploaded(self, uploaded: Uploaded) -> None:
        self._view.changed.emit()
        self._set_up.choose_also(uploaded["key"])

    def _refused(self, refused: UploadRefused) -> None:
        self._say_error(PlaygroundError(refused["what"], refused["why"], refused["todo"]))

    def _say_error(self, error: PlaygroundError) -> None:
        self._messages.say(error)


def _line(benchmark: Benchmark, state: str) -> None:
    """Draw one of the benchmarks there are."""
    with ui.element("div").classes("line"):
        ui.link(benchmark.name, f"/benchmark/{benchmark.id}").classes("line-link")
        text(counted(len(benchmark.requests), "setting"), "mute small grow")
        text(state, "mute small")
        text(benchmark.created[:16].replace("T", " "), "mute small num hide-phone")


def _named(grid: Grid, songs: Sequence[Recording]) -> str:
    """Return a name that tells a benchmark from others of the same example."""
    more = f" and {counted(len(songs) - 1, 'other')}" if len(songs) > 1 else ""
    return f"{grid.name or 'Benchmark'}, {songs[0].name}{more}" if songs else grid.name
