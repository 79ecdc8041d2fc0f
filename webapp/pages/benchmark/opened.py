"""One benchmark on the page: its charts and table as they fill, its progress, and what can be done with its cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from separation.benchmark.benchmark import Benchmark, Excerpt
from separation.benchmark.table import SettingRow, rows, stems
from separation.errors import PlaygroundError
from separation.formatted import counted, time_range
from separation.workflows.own_presets import MAX_NAME
from webapp.access.handlers import asks, only_for
from webapp.access.routes import Asks
from webapp.components.figure_table.figure_table import FigureRow, FigureTable
from webapp.components.pieces.name_dialog import NameDialog
from webapp.components.segmented.segmented import Segmented
from webapp.components.settings.settings import SettingField, SettingOption, Settings
from webapp.components.transport.transport import Transport
from webapp.pages.benchmark import figures
from webapp.pages.benchmark.charts_card import ChartsCard
from webapp.pages.benchmark.listening import CellListening
from webapp.state.benchmarks import BenchmarkProgress, Benchmarks, BenchmarkState
from webapp.state.kept.own_presets import OwnPresets
from webapp.state.library.view import LibraryView
from webapp.theme import (
    CostBox,
    Frame,
    Text,
    button,
    card,
    error_card,
    heading,
    icon_button,
    menu,
    menu_item,
    show_action,
    text,
)

ALL = ""
MOST_COMPARED = 8
MAX_TITLE = 80
UNSCORED = (
    "Quality is not known: there are no known stems to measure against. Choose a reference before it runs, or "
    "recordings whose stems are known, such as the demo."
)
ABOUT_NAME = "Under this name it stands among the others and in reports."
ABOUT_PRESET = "Saves model, chunks, solver and precision under a name, for every recording in the Studio."


class OpenedBenchmark:
    """The parts of the page that show one benchmark.

    Args:
        benchmark: the benchmark.
        benchmarks: all of this server.
        library_view: where the results are.
        presets: the person's own.
        frame: of the page.
        transport: plays what is heard.
        title: where the name, a line about it, and the choices of the header stand.
        on_error: called with what a person should read.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        benchmarks: Benchmarks,
        library_view: LibraryView,
        presets: OwnPresets,
        frame: Frame,
        transport: Transport,
        *,
        title: tuple[Text, Text, ui.element],
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._benchmark, self._benchmarks, self._presets = benchmark, benchmarks, presets
        self._title, self._about, choices = title
        self._stem, self._quality, self._song = "", "", ALL
        self._all_measures = False
        self._chosen: list[str] = []
        self._overlaid: tuple[str, ...] = ()
        self._kept_row: SettingRow | None = None
        with choices:
            rename = icon_button("rename", "Rename this benchmark", lambda: self._renaming.ask(self._title_now))
            only_for(rename.classes("hide-phone"), Asks.HOST)
            with button("Export", icon_name="download"), menu("Export"):
                for label, file in figures.EXPORTS.items():
                    menu_item(label, partial(ui.download, f"/benchmarks/{benchmark.id}/{file}"))
        with frame.main:
            with ui.element("div").classes("line wrap") as self._sounds:
                self._stems = Segmented([], "", self._choose_stem, label="Sound")
            self._nothing = text(
                "The first figures appear here in a moment, the fastest settings first.", "mute", tag="p"
            )
            self._unscored = text(UNSCORED, "mute small", tag="p")
            self._charts = ChartsCard(on_point=self._hear)
            self._listening = CellListening(library_view, transport, on_error=on_error)
            with card() as self._table_card:
                self._table = FigureTable(on_hear=self._hear, on_keep=self._ask_name, on_choose=self._choose_rows)
                asks(self._table, Asks.HOST, "keep")
        with frame.side:
            self._side()
        with frame.actions:
            self._send = button("Choose two to compare", self._compare, kind="primary", classes="grow")
        self._renaming = NameDialog("Rename", ABOUT_NAME, limit=MAX_TITLE, on_name=self._rename)
        self._dialog = NameDialog("Save as preset", ABOUT_PRESET, limit=MAX_NAME, on_name=self._keep)
        benchmarks.changed.subscribe(self._changed)
        self._draw()

    # what is shown

    def _side(self) -> None:
        self._view = Settings(self._choose_view)
        tip = "Draws the points of other benchmarks in the charts, too (overlay)"
        with button("Add another benchmark…", tip=tip):
            self._overlay_menu = menu("Other benchmarks")
        self._overlay_menu.on("before-show", self._list_others)
        heading("Settings")
        grid = self._benchmark.grid
        passage = "all of it" if grid.passage.length_s is None else f"{grid.passage.length_s:g} s"
        CostBox(
            {
                "settings": str(len(self._benchmark.requests)),
                "recordings": str(len(self._benchmark.songs)),
                "passage": f"from {grid.passage.start_s:g} s, {passage}",
                "timed runs": str(grid.n_times),
                "processor": self._benchmark.machine.get("processor", ""),
            }
        )
        for one in self._benchmark.left_out:
            text(f"{counted(one.n_combinations, 'combination')} left out: {one.why}", "mute small", tag="p")
        for action in dict.fromkeys(one.action for one in self._benchmark.left_out if one.action is not None):
            show_action(action)
        heading("Now")
        self._now = CostBox()
        self._failed = ui.element("div").props("aria-live=polite")
        self._buttons = only_for(ui.element("div").classes("line wrap"), Asks.HOST)
        self._shown_state: object = None

    def _draw(self) -> None:
        self._title.set_text(self._title_now)
        outcomes = self._benchmarks.outcomes(self._benchmark.id)
        known = stems(outcomes.values())
        if self._stem not in known and known:
            self._stem = known[0]
        self._stems.set_options(list(known), disabled=()).set_value(self._stem)
        self._sounds.set_visibility(len(known) > 1)
        progress = self._benchmarks.progress(self._benchmark.id)
        done = f"{progress.n_done} of {counted(progress.n_cells, 'measurement')} done"
        self._about.set_text(f"{counted(len(self._benchmark.songs), 'recording')} · {done}")
        self._rows = rows(self._benchmark, outcomes, self._stem)
        self._nothing.set_visibility(not self._rows)
        self._table_card.set_visibility(bool(self._rows))
        offered = figures.qualities(self._rows)
        self._unscored.set_visibility(bool(self._rows) and not offered and not self._benchmark.reference)
        if self._quality not in offered:
            self._quality = next(iter(offered), "")
        fields = self._fields(offered)
        self._view.set_groups([{"title": "Shown", "fields": fields}] if fields else [])
        on_frontier = figures.on_frontier(self._rows, self._quality)
        columns = figures.columns(self._rows, self._quality, all_measures=self._all_measures)
        self._table.set_rows(columns, [self._line(row, on_frontier) for row in self._rows])
        overlays = [(one.name, rows(one, self._benchmarks.outcomes(one.id), self._stem)) for one in self._others()]
        self._charts.show([(self._title_now, self._rows), *overlays], self._quality, self._songs_shown())
        self._draw_progress(progress)
        self._draw_send()

    def _line(self, row: SettingRow, on_frontier: frozenset[str]) -> FigureRow:
        result = next((one for one in row.figures if one.result), None)
        query = {"recording": result.song, "result": result.result, "use": 1} if result is not None else {}
        href = f"/?{urlencode(query)}" if query else ""
        return figures.line(row, on_frontier, href)

    def _fields(self, offered: Sequence[str]) -> list[SettingField]:
        songs = [SettingOption(value=ALL, label="All, by the median")]
        songs += [SettingOption(value=song.key, label=song.name) for song in self._benchmark.songs]
        fields: list[SettingField] = []
        if offered:
            options = [SettingOption(value=id, label=figures.label(id)) for id in offered]
            fields.append(
                {
                    "name": "quality",
                    "kind": "select",
                    "label": "Quality",
                    "value": self._quality,
                    "options": options,
                    "tip": figures.meaning(self._quality),
                }
            )
        if len(songs) > 2:
            fields.append(
                {"name": "song", "kind": "select", "label": "Recording", "value": self._song, "options": songs}
            )
        if offered:
            fields.append(
                {"name": "all", "kind": "switch", "label": "All measures in the table", "value": self._all_measures}
            )
        return fields

    def _draw_progress(self, progress: BenchmarkProgress) -> None:
        now: dict[str, str] = {"measured": f"{progress.n_done} of {progress.n_cells}"}
        if progress.state is BenchmarkState.RUNNING:
            now["now"] = progress.doing
            if progress.n_done < progress.n_cells and (left := time_range(progress.left_s)):
                now["left"] = left
        elif progress.state is BenchmarkState.WAITING:
            now["now"] = "the queue is paused" if progress.is_paused else "waits for its turn"
        if progress.n_busy:
            again = f", {progress.n_again} to be timed again" if progress.n_again else ", kept and marked"
            now["computer"] = f"was busy during {counted(progress.n_busy, 'measurement')}{again}"
        if progress.n_failed:
            now["failed"] = counted(progress.n_failed, "measurement")
        self._now.set_rows(now)
        if self._shown_state == (shown := (progress.state, progress.error, progress.n_failed)):
            return
        self._shown_state = shown
        self._failed.clear()
        if progress.error is not None:
            with self._failed:
                error_card(progress.error)
        self._buttons.clear()
        id = self._benchmark.id
        with self._buttons:
            if progress.state in (BenchmarkState.RUNNING, BenchmarkState.WAITING):
                button("Stop", partial(self._benchmarks.stop, id), tip="What is finished stays; it can go on later")
            elif progress.state is BenchmarkState.STOPPED:
                tip = "What is measured already stays"
                button("Go on", partial(self._benchmarks.go_on, id), kind="primary", tip=tip)
            if progress.state in (BenchmarkState.STOPPED, BenchmarkState.COMPLETE):
                if progress.n_failed:
                    tip = "Runs what failed once more"
                    button("Try failed ones again", partial(self._benchmarks.try_again, id), tip=tip)
                button("Remove", self._remove, tip="Forgets the figures; the results stay in the Library")

    def _draw_send(self) -> None:
        n = len(self._chosen)
        too_many = f"At most {MOST_COMPARED} can be compared"
        self._send.set_text(
            "Choose two to compare" if n < 2 else f"Compare {n} settings" if n <= MOST_COMPARED else too_many
        )
        self._send.props(remove="disabled") if 1 < n <= MOST_COMPARED else self._send.props("disabled")

    def _songs_shown(self) -> list[Excerpt]:
        return [song for song in self._benchmark.songs if self._song in (ALL, song.key)]

    def _others(self) -> list[Benchmark]:
        found = (self._benchmarks.get(id) for id in self._overlaid)
        return [one for one in found if one is not None]

    def _list_others(self) -> None:
        self._overlay_menu.clear()
        with self._overlay_menu:
            others = [one for one in self._benchmarks.all() if one.id != self._benchmark.id]
            for one in others:
                mark = "✓ " if one.id in self._overlaid else ""
                menu_item(f"{mark}{one.name}, {one.created[:10]}", partial(self._toggle_overlay, one.id))
            if not others:
                menu_item("There is no other benchmark yet.").props("disable")

    # what people do

    def _changed(self, id: str) -> None:
        if self._benchmarks.get(self._benchmark.id) is None:
            ui.navigate.to("/benchmark")
        elif id == self._benchmark.id or id in self._overlaid:
            self._draw()

    @property
    def _title_now(self) -> str:
        """The name as it is now; another page may have changed it."""
        return (self._benchmarks.get(self._benchmark.id) or self._benchmark).name

    def _rename(self, name: str) -> None:
        self._benchmarks.rename(self._benchmark.id, name)

    def _choose_stem(self, stem: str) -> None:
        self._stem = stem
        self._draw()

    def _choose_view(self, name: str, value: object) -> None:
        if name == "quality":
            self._quality = str(value)
        elif name == "all":
            self._all_measures = bool(value)
        else:
            self._song = str(value)
        self._draw()

    def _toggle_overlay(self, id: str) -> None:
        self._overlaid = (
            tuple(one for one in self._overlaid if one != id) if id in self._overlaid else (*self._overlaid, id)
        )
        self._draw()

    def _choose_rows(self, ids: list[str]) -> None:
        here = {row.setting for row in self._rows}
        self._chosen = [id for id in ids if id in here]
        self._draw_send()

    def _hear(self, setting: str, song_key: str = "") -> None:
        row = next((row for row in self._rows if row.setting == setting), None)
        if row is None:
            return
        wanted = song_key or self._song
        cells = [one for one in row.figures if one.result and wanted in (ALL, one.song)]
        if not cells:
            return
        song = next(song for song in self._benchmark.songs if song.key == cells[0].song)
        self._table.set_heard(setting)
        self._listening.hear(cells[0].result, song, self._stem, row.label)

    def _compare(self) -> None:
        """Compare the chosen settings on one passage, which all of them have."""
        chosen = [row for row in self._rows if row.setting in self._chosen]
        for song in self._songs_shown():
            results = [one.result for row in chosen for one in row.figures if one.song == song.key and one.result]
            if len(results) == len(chosen) > 1:
                ui.navigate.to(f"/compare?{urlencode({'items': ','.join(results), 'stem': self._stem})}")
                return

    def _ask_name(self, setting: str) -> None:
        self._kept_row = next((row for row in self._rows if row.setting == setting), None)
        if self._kept_row is not None:
            self._dialog.ask(self._kept_row.label[:MAX_NAME])

    def _keep(self, name: str) -> None:
        assert self._kept_row is not None
        preset = self._presets.keep(name, self._kept_row.request)
        ui.notify(f"“{preset.name}” stands among the Studio's settings now.")

    def _remove(self) -> None:
        self._benchmarks.remove(self._benchmark.id)
