"""What is chosen to be measured, in sight: the comparison to begin with, and what would be run, in a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from nicegui import ui

from separation.benchmark.examples import Example
from separation.benchmark.grid import Passage
from separation.benchmark.table import separator_of
from separation.formatted import counted
from separation.request import Request
from separation.results.kept import Recording
from webapp.theme import button, text

# The pressed button changes in the browser, before the server has heard of it.
_PRESS = """(event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    for (const one of event.currentTarget.querySelectorAll("button")) one.ariaPressed = String(one === pressed);
}"""


class Chosen:
    """Buttons of the comparisons to begin with, and below them what would be run.

    Args:
        examples: by id.
        on_choose: called with the id of the one that is pressed.
    """

    def __init__(self, examples: Mapping[str, Example], on_choose: Callable[[str], object]) -> None:
        group = ui.element("div").classes("examples").props('role=group aria-label="What to compare"')
        group.on("click", js_handler=_PRESS)
        with group:
            self._buttons = {
                id: button(example.label, partial(on_choose, id), tip=example.about) for id, example in examples.items()
            }
        with ui.element("div").classes("chosen-words").props("role=status"):
            self._what = text("", tag="p")
            self._how = text("", "mute small", tag="p")

    def show(self, example: str) -> None:
        """Show which comparison is chosen; none if it is one of the person's own."""
        for id, one in self._buttons.items():
            one.props(f"aria-pressed={'true' if id == example else 'false'}")

    def say(self, what: str, how: str = "") -> None:
        """Say what would be run, and how it would be measured."""
        self._what.set_text(what)
        self._how.set_text(how)


def what_is_run(requests: Sequence[Request], songs: Sequence[Recording], passage: Passage) -> str:
    """Return what would be run, in a line: “12 settings of Demucs on “song”, 20 s each”."""
    if not songs:
        return "No recording is chosen."
    separators = dict.fromkeys(map(separator_of, requests))
    of = next(iter(separators)) if len(separators) == 1 else counted(len(separators), "separator")
    on = f"“{songs[0].name}”" if len(songs) == 1 else counted(len(songs), "recording")
    return f"{counted(len(requests), 'setting')} of {of} on {on}, {_length(songs, passage)}"


def _length(songs: Sequence[Recording], passage: Passage) -> str:
    lengths_s = [song.duration_s - passage.start_s for song in songs]
    if passage.length_s is not None:
        lengths_s = [min(length_s, passage.length_s) for length_s in lengths_s]
    short, long = (f"{length_s:.3g}" for length_s in (min(lengths_s), max(lengths_s)))
    return f"{short} s each" if short == long else f"{short} to {long} s each"
