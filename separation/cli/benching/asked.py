"""What a person asked `bench` for: the grid with the changes by options, and the recordings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from separation.cli.common import Common, printable, require_source
from separation.errors import SettingsError

if TYPE_CHECKING:
    from separation.audio.part import Part
    from separation.benchmark.grid import Grid
    from separation.results.kept import Recording
    from storage import ArtifactStore


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchOptions:
    """The options of `bench` that change what is computed.

    Args:
        recordings: files.
        stem_set: a folder of songs with known stems.
        grid_name: an example's name, or a file.
        prompts: instead of the grid's; none for those.
        model: instead of the grid's.
        n_times: timed runs instead of the grid's.
        start_s: where the passage begins; 0 for where the grid says.
        end_s: where it ends.
        device: "auto" for what the grid says.
    """

    recordings: tuple[Path, ...]
    stem_set: Path | None
    grid_name: str
    prompts: tuple[str, ...]
    model: str | None
    n_times: int | None
    start_s: float
    end_s: float | None
    device: str

    def files(self) -> list[Path]:
        """Return the files that are read, which the report may not replace."""
        grid = Path(self.grid_name)
        return [*self.recordings, *([grid] if self._is_file() else [])]

    def grid(self) -> Grid:
        """Return the grid.

        Raises:
            SettingsError: there is no such example or file, or a value in it does not make sense.
        """
        from separation.benchmark import grid_file
        from separation.benchmark.examples import EXAMPLES

        if self.grid_name in EXAMPLES:
            grid = EXAMPLES[self.grid_name].grid()
        elif self._is_file():
            grid = grid_file.read(Path(self.grid_name))
        else:
            raise SettingsError(
                f"There is no grid “{self.grid_name}”.",
                "It is neither an example nor a file.",
                f"Choose one of {', '.join(EXAMPLES)}, or the path of a YAML file.",
            )
        changed: dict[str, Any] = {}
        if self.prompts:
            changed["prompts"] = list(self.prompts)
        if self.model is not None:
            changed["model"] = self.model
        if self.device != "auto":
            changed["device"] = self.device
        grid = replace(grid, settings=_with(grid.settings, changed), passage=self._passage(grid))
        return grid if self.n_times is None else replace(grid, n_times=self.n_times)

    def songs(self, store: ArtifactStore, grid: Grid, common: Common) -> list[Recording]:
        """Keep the passages of all recordings, and return them.

        Raises:
            AudioError: one cannot be decoded.
            SettingsError: the folder has no songs with known stems, or a recording ends before the passage begins.
        """
        from separation.audio.part import Part
        from separation.stem_sets.demo import import_demo

        passage = grid.passage
        end_s = None if passage.length_s is None else passage.start_s + passage.length_s
        found = list(self._brought(store, Part(start_s=passage.start_s, end_s=end_s), common))
        if not found:
            common.say("No recording was given: the demo song is taken, whose true stems are known.")
            found = [_cut(import_demo(store), grid, store)]
        return found

    def _brought(self, store: ArtifactStore, part: Part, common: Common) -> Iterator[Recording]:
        """Keep the passage of each file and song. A whole set would fill a disk."""
        from separation.results.runs import import_recording
        from separation.stem_sets.finding import find_songs
        from separation.stem_sets.importing import import_song

        for path in self.recordings:
            require_source(path)
            yield _said(import_recording(path, store, part=part), common)
        for song in find_songs(self.stem_set) if self.stem_set is not None else ():
            yield _said(import_song(song, store, part), common)

    def _passage(self, grid: Grid) -> Any:
        from separation.audio.part import Part
        from separation.benchmark.grid import Passage

        if self.start_s == 0 and self.end_s is None:
            return grid.passage
        Part(start_s=self.start_s, end_s=self.end_s)  # refuses what is no range
        if self.end_s is not None:
            return Passage(start_s=self.start_s, length_s=self.end_s - self.start_s)
        return Passage(start_s=self.start_s, length_s=grid.passage.length_s)

    def _is_file(self) -> bool:
        from separation.benchmark.examples import EXAMPLES

        return self.grid_name not in EXAMPLES and Path(self.grid_name).is_file()


def _cut(recording: Recording, grid: Grid, store: ArtifactStore) -> Recording:
    from separation.benchmark.passages import passage_of

    return passage_of(recording, grid.passage, store)


def _said(recording: Recording, common: Common) -> Recording:
    for warning in recording.warnings:
        common.say(printable(f"note: {recording.name}: {warning}"))
    return recording


def _with(settings: Any, changed: dict[str, Any]) -> dict[str, Any]:
    """Return settings with some replaced, also in their cases."""
    if "cases" not in settings or not changed:
        return {**settings, **changed}
    return {**settings, **changed, "cases": [{**case, **changed} for case in settings["cases"]]}
