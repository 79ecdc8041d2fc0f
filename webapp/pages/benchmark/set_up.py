"""Sets a benchmark up: an example to begin with, the sounds, the recordings, the passage, and what it will take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nicegui import run, ui

from separation.benchmark import examples, grid_file
from separation.benchmark.grid import Expanded, Grid
from separation.benchmark.making import Cost, cost
from separation.errors import PlaygroundError, SettingsError
from separation.formatted import counted, size, size_range, time_range
from separation.results.kept import Recording
from webapp.components.settings.entered import field_of, put_right, with_said
from webapp.components.settings.settings import SettingField, SettingGroup, SettingOption, Settings
from webapp.pages.benchmark.chosen import Chosen, what_is_run
from webapp.pages.benchmark.known_songs import KnownSongs
from webapp.pages.benchmark.measured import ABOUT, WORDS, Against, offered, usual, with_reference, words_of_measuring
from webapp.state.library.view import LibraryView
from webapp.state.run_estimates import RunEstimates
from webapp.theme import CostBox, button, error_card, show_action, text

OWN = ""  # no example, but settings that a person has written
MOST_RECORDINGS = 40
AFTER_TYPING_S = 0.4


@dataclass(frozen=True, slots=True)
class _Prospect:
    """What would be computed."""

    found: Expanded
    cost: Cost


class SetUp:
    """The form in the side panel. Its state is the grid, as text that can be edited, and the chosen recordings.

    Args:
        library_view: the library with the recordings.
        estimates: of time and memory.
        actions: where the button stands that starts it.
        chosen: shows what is chosen.
        on_start: called with the grid and the recordings.
        on_demo: imports the demo.
        may_name_folders: whether this page may name folders of this computer, as the person who sits at it.
    """

    def __init__(
        self,
        library_view: LibraryView,
        estimates: RunEstimates,
        actions: ui.element,
        chosen: Chosen,
        *,
        on_start: Callable[[Grid, Sequence[Recording]], Awaitable[object]],
        on_demo: Callable[[], object],
        may_name_folders: bool,
    ) -> None:
        self._view, self._estimates, self._shown = library_view, estimates, chosen
        self._on_start, self._on_demo = on_start, on_demo
        self._example = next(iter(examples.EXAMPLES))
        self._grid = examples.EXAMPLES[self._example].grid()
        self._chosen: set[str] = set()
        self._n_looks = 0
        self._is_starting = False
        self._said: tuple[str, Any, str] = ("", None, "")  # a control, its value, and what was made of an entered one
        self._against: Against | None = None  # None: the usual one
        self._simple = Settings(self._set)
        self._sounds = ui.input("Sounds", on_change=self._sounds_typed).props("outlined dense debounce=400")
        self._songs = Settings(self._choose)
        text("Measured against", "group", tag="h2")
        text(ABOUT, "mute small", tag="p")
        self._reference = Settings(self._choose_reference)
        self._demo = button("Add the demo", on_demo, tip="A short song with known stems")
        if may_name_folders:
            songs = KnownSongs(library_view.store, self._brought)
            button("Songs with known stems…", songs.open, tip="A folder of this computer, such as MUSDB18-HQ")
        with ui.element("details").classes("settings-group"):
            text("All settings as text", "group", tag="summary")
            text(
                "A recipe in which any value may be a list: every combination is measured.",
                "mute small",
                tag="p",
            )
            self._text = ui.textarea("Settings as text", on_change=self._text_typed).props(
                "outlined dense autogrow debounce=600"
            )
            self._text.classes("grid-text")
        self._facts = CostBox()
        self._left_out = ui.element("div").classes("stack small")
        self._problem = ui.element("div").props("aria-live=polite")
        with actions:
            self._start = button("Run the benchmark", self._run, kind="primary", classes="grow")
        self._draw(with_text=True)

    def use(self, example: str) -> None:
        """Begin with another example; the sounds, the recordings and the passage stay."""
        before, self._example = self._grid, example
        grid = examples.EXAMPLES[example].grid()
        settings = {**grid.settings, "prompts": before.settings.get("prompts", grid.settings.get("prompts"))}
        self._grid = replace(grid, settings=settings, passage=before.passage)
        self._draw(with_text=True)

    def choose_also(self, key: str) -> None:
        """Choose a recording, which may be new."""
        self._chosen.add(key)
        self._draw()

    def _brought(self, recording: Recording) -> None:
        self._view.changed.emit()
        self.choose_also(recording.key)

    # what is shown

    def _draw(self, *, with_text: bool = False) -> None:
        recordings = self._recordings()
        if not self._chosen and recordings:
            known = [one for one in recordings if one.known_stems]
            self._chosen = {(known or recordings)[0].key}
        self._shown.show(self._example)
        self._simple.set_groups(self._groups())
        self._songs.set_groups([SettingGroup(title="Recordings", fields=[self._song(one) for one in recordings])])
        self._reference.set_groups([SettingGroup(title="", fields=[self._reference_field()])])
        self._demo.set_visibility(not any(one.known_stems for one in recordings))
        if with_text:
            self._text.set_value(grid_file.written(self._grid))
            self._sounds.set_value(_sounds_of(self._grid))
        self._look()

    def _groups(self) -> list[SettingGroup]:
        """Return the controls; what was said of one stays until its value is another."""
        groups, (name, value, said) = [SettingGroup(title="What to measure", fields=self._fields())], self._said
        field = field_of(groups, name)
        return with_said(groups, name, said) if field is not None and field["value"] == value else groups

    def _fields(self) -> list[SettingField]:
        passage = self._grid.passage
        return [
            {
                "name": "start_s",
                "kind": "number",
                "label": "Passage from",
                "value": passage.start_s,
                "min": 0,
                "step": 0.5,
                "unit": "s",
                "tip": "Only a passage of each recording is separated, so that all settings take a bearable time.",
            },
            {
                "name": "length_s",
                "kind": "number",
                "label": "Length",
                "value": passage.length_s or 600,
                "min": 1,
                "max": 600,
                "step": 1,
                "unit": "s",
            },
            {
                "name": "n_times",
                "kind": "number",
                "label": "Timed runs",
                "value": self._grid.n_times,
                "min": 1,
                "max": 20,
                "step": 1,
                "tip": "How often each setting runs on each recording, after one run that warms up; the median counts.",
            },
        ]

    def _song(self, recording: Recording) -> SettingField:
        stems = f", {counted(len(recording.known_stems), 'known stem')}" if recording.known_stems else ""
        return {
            "name": recording.key,
            "kind": "switch",
            "label": f"{recording.name}{stems}",
            "value": recording.key in self._chosen,
            "tip": "Its stems are known: quality is measured against them."
            if recording.known_stems
            else "Its stems are not known: results are measured against the reference.",
        }

    def _reference_field(self) -> SettingField:
        songs = [one for one in self._recordings() if one.key in self._chosen]
        return {
            "name": "reference",
            "kind": "select",
            "label": "Reference",
            "value": self._referred(songs),
            "options": [SettingOption(value=one, label=WORDS[one]) for one in offered(self._grid)],
            "tip": "The setting whose result the others are measured against.",
        }

    def _referred(self, songs: Sequence[Recording]) -> Against:
        return self._against if self._against in offered(self._grid) else usual(self._grid, songs)

    def _recordings(self) -> list[Recording]:
        """Return the newest recordings, those with true stems first; passages of others are left out."""
        found = [one for one in self._view.recordings() if one.part.is_whole or one.key in self._chosen]
        return sorted(found, key=lambda one: not one.known_stems)[:MOST_RECORDINGS]

    def _look(self) -> None:
        self._n_looks += 1
        ui.timer(AFTER_TYPING_S, lambda this=self._n_looks: self._estimate(this), once=True)

    async def _estimate(self, this: int) -> None:
        if this != self._n_looks:
            return
        songs = [one for one in self._recordings() if one.key in self._chosen]
        try:
            prospect = await run.io_bound(self._prospect, self._grid, self._referred(songs), songs)
        except PlaygroundError as error:
            if this == self._n_looks:
                self._refuse(error)
            return
        if this != self._n_looks or prospect is None:
            return
        self._problem.clear()
        self._shown.say(
            what_is_run(prospect.found.requests, songs, self._grid.passage),
            words_of_measuring(prospect.found, self._referred(songs), songs) if songs else "",
        )
        self._show(prospect, n_songs=len(songs))

    def _prospect(self, grid: Grid, against: Against, songs: Sequence[Recording]) -> _Prospect:
        grid, found = with_reference(grid, against, songs, self._estimates.reports)
        return _Prospect(found, cost(found, grid, songs, self._estimates.reports))

    def _show(self, prospect: _Prospect, *, n_songs: int) -> None:
        found, price = prospect.found, prospect.cost
        unknown = f", and {counted(price.n_unknown, 'measurement')} of unknown time" if price.n_unknown else ""
        self._facts.set_rows(
            {
                "To measure": f"{counted(len(found.requests), 'setting')} on {counted(n_songs, 'recording')}",
                "Time": (time_range(price.seconds) or "unknown before the first run") + unknown,
                "Memory": size_range(price.memory_bytes) or "unknown before the first run",
                "Disk": size(price.disk_bytes),
            }
        )
        self._left_out.clear()
        with self._left_out:
            for one in found.left_out:
                text(f"{counted(one.n_combinations, 'combination')} left out: {one.why}", "mute", tag="p")
            for action in dict.fromkeys(one.action for one in found.left_out if one.action is not None):
                show_action(action)
            if found.n_same:
                same = counted(found.n_same, "combination")
                text(f"{same} differ only in what the separator ignores, and count once.", "mute", tag="p")
            if not n_songs:
                text("Choose a recording to run it.", "warn", tag="p")
        self._start.props(remove="disabled") if n_songs else self._start.props("disabled")

    def _refuse(self, error: PlaygroundError) -> None:
        self._start.props("disabled")
        self._shown.say(error.what, error.todo)
        self._facts.set_rows({})
        self._left_out.clear()
        self._problem.clear()
        with self._problem:
            error_card(error)

    # what people do

    def _set(self, name: str, value: Any) -> None:
        if (field := field_of(self._groups(), name)) is None:
            return
        right, said = put_right(field, value)
        self._said = (name, right, said)
        if name == "n_times":
            self._grid = replace(self._grid, n_times=right)
        else:
            self._grid = replace(self._grid, passage=replace(self._grid.passage, **{name: float(right)}))
        self._draw(with_text=True)

    def _sounds_typed(self) -> None:
        sounds = [words.strip() for words in str(self._sounds.value or "").split(",") if words.strip()]
        if ", ".join(sounds) == _sounds_of(self._grid):
            return
        if not sounds:
            self._n_looks += 1
            self._refuse(SettingsError("No sound is named.", "", "Type at least one, such as drums."))
        else:
            self._grid = replace(self._grid, settings={**self._grid.settings, "prompts": sounds})
            self._draw(with_text=True)

    def _text_typed(self) -> None:
        try:
            grid = grid_file.parse(str(self._text.value or ""))
        except PlaygroundError as error:
            self._n_looks += 1
            self._refuse(error)
            return
        if grid.to_dict() != self._grid.to_dict():
            self._grid, self._example = grid, OWN
            self._sounds.set_value(_sounds_of(grid))
            self._draw()

    def _choose(self, key: str, value: Any) -> None:
        self._chosen = self._chosen | {key} if value else self._chosen - {key}
        self._draw()

    def _choose_reference(self, name: str, value: Any) -> None:
        if value in offered(self._grid):
            self._against = Against(value)
            self._draw()

    async def _run(self) -> None:
        if self._is_starting:  # a second click comes before the button is seen to be disabled
            return
        self._is_starting = True
        songs = [one for one in self._recordings() if one.key in self._chosen]
        self._start.props("disabled")
        try:
            found = await run.io_bound(
                with_reference, self._grid, self._referred(songs), songs, self._estimates.reports
            )
            if found is not None:  # else the server is being stopped
                await self._on_start(found[0], songs)
            return  # and the page is left
        except PlaygroundError as error:
            self._refuse(error)
        self._is_starting = False
        self._start.props(remove="disabled")


def _sounds_of(grid: Grid) -> str:
    """Return the sounds of a grid with one list of them; "" where there are several."""
    prompts = grid.settings.get("prompts") or []
    words = [one if isinstance(one, str) else one.get("text") if isinstance(one, dict) else None for one in prompts]
    return "" if None in words else ", ".join(map(str, words))
