"""A small meter of what is left when tracks are taken from the recording, and readouts like it."""

from __future__ import annotations

from typing import Self

from nicegui import ui

from separation.formatted import signed
from webapp.components.pieces.pieces import text, tipped

FLOOR_DB = -120.0
GOOD_DB = -60.0  # below, nobody hears what is left
EXACT_DB = -96.0  # below, what is left is less than a step of 16-bit samples


class NullMeter(ui.element):
    """A level from -120 to 0 dB beside the recording's; the shorter the bar, the better the tracks add up.

    Args:
        label: the text before the bar.
        spoken: names what is measured, for screen readers.
    """

    def __init__(
        self, label: str = "Adds up", *, spoken: str = "What is left of the recording without the tracks"
    ) -> None:
        super().__init__("span")
        self.classes("measure")
        with self:
            text(label, "mute")
            self._bar = ui.element("span").classes("level").props("role=meter")
            self._bar.props["aria-label"] = spoken
            self._bar.props(f"aria-valuemin={FLOOR_DB:.0f} aria-valuemax=0")
            self._value = text("", "num")
        self.show(None, "measuring")

    def show(self, level_db: float | None, words: str) -> Self:
        """Show a level in dB, or None for an empty bar; `words` are its tooltip and what screen readers say."""
        level = FLOOR_DB if level_db is None else min(0.0, max(FLOOR_DB, level_db))
        value = "…" if level_db is None else f"{signed(level_db, '.0f')} dB"
        self._value.set_text(value if level_db is None else how_well(level_db))
        self._bar.style(f"--share: {1 - level / FLOOR_DB:.3f}")
        self._bar.classes(add="doubtful" if level > GOOD_DB else "", remove="doubtful" if level <= GOOD_DB else "")
        self._bar.props["aria-valuenow"] = f"{level:.0f}"
        self._bar.props["aria-valuetext"] = words if level_db is None else f"{value}: {words}"
        return tipped(self, words if level_db is None else f"{words} Null test: {value}.")


def how_well(level_db: float) -> str:
    """Return how well tracks add up to a recording, in a word or two, from the level in dB of what is left."""
    if level_db < EXACT_DB:
        return "exactly"
    return "as heard" if level_db < GOOD_DB else f"but for {signed(level_db, '.0f')} dB"


def readout(label: str, value: str, words: str, *, doubtful: bool = False) -> ui.element:
    """Draw a measured value beside its name; `words` explain it in the tooltip."""
    with ui.element("span").classes("measure") as element:
        text(label, "mute")
        text(value, "num warn" if doubtful else "num")
    return tipped(element, words)
