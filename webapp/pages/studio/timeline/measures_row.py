"""Measurements of the results that play: whether tracks add up to the recording, loudness, and added content."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from nicegui import background_tasks, ui

from separation.audio.decode import AudioFile
from separation.errors import PlaygroundError
from separation.formatted import signed
from separation.metrics.null_test import null_level_db
from separation.metrics.presence_value import DOUBTFUL
from separation.results.kept import Recording, Result
from webapp.components.pieces.null_meter import GOOD_DB, NullMeter, readout

DRIFT_DB = 1.0  # a difference in volume that is heard


class MeasuresRow:
    """A row with the measurements of one result, or of two that are compared."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._client = ui.context.client
        self._row = ui.element("span").classes("measures")

    def show(self, recording: Recording, results: Sequence[Result]) -> None:
        """Show the known measurements of these results, and measure the missing ones."""
        if self._shown == (keys := [result.key for result in results]):
            return
        self._shown = keys
        self._row.clear()
        with self._row:
            for result, side in zip(results, ("A", "B") if len(results) > 1 else ("",), strict=False):
                meter = NullMeter(f"{side} Adds up".strip(), spoken=f"{side} What is left without the tracks".strip())
                _readouts(result, side)
                background_tasks.create(self._measure(recording, result, meter), name="null")

    async def _measure(self, recording: Recording, result: Result, meter: NullMeter) -> None:
        tracks = tuple((track.name, track.audio) for track in result.tracks)
        try:
            level_db = await asyncio.to_thread(_null_level_db, recording.audio, tracks)
        except (OSError, PlaygroundError):  # a file is gone, which its track says
            return
        if result.key in self._shown:
            with self._client:
                meter.show(level_db, _level_text(level_db))


@lru_cache(maxsize=256)
def _null_level_db(mixture: Path, tracks: tuple[tuple[str, Path], ...]) -> float | None:
    with ExitStack() as files:
        opened = {name: files.enter_context(AudioFile(path)) for name, path in tracks}
        return null_level_db(files.enter_context(AudioFile(mixture)), opened)


def _level_text(level_db: float | None) -> str:
    if level_db is None:
        return "The recording is silent: nothing can be compared."
    if level_db < GOOD_DB:
        return "The tracks add up to the recording: nothing is lost, nothing was invented."
    return "What is left of the recording when all tracks are taken from it, beside the recording. Lower is better."


def _readouts(result: Result, side: str) -> None:
    """Draw the measurements of a generative model's estimates; other results draw nothing."""
    sounding = [one for one in result.measures if one.explained_energy is not None]
    drifts_db = {one: one.gain_drift_db for one in sounding if one.gain_drift_db is not None}
    if drifts_db:
        most = max(drifts_db, key=lambda one: abs(drifts_db[one]))
        drift_db = drifts_db[most]
        place = f"“{most.stem}”, chunk {most.index + 1}"
        words = f"Volume beside the recording: off by {signed(drift_db, '+.1f')} dB at the most, in {place}."
        value = f"{signed(drift_db, '+.1f')} dB"
        readout(f"{side} Gain".strip(), value, words, doubtful=abs(drift_db) > DRIFT_DB)
    shares = {one: one.explained_energy for one in sounding if one.explained_energy is not None}
    if not shares:
        return
    least = min(shares, key=lambda one: shares[one])
    share = shares[least]
    words = f"The recording explains {100 * share:.0f} % of “{least.stem}” in chunk {least.index + 1}, the least."
    readout(f"{side} Explained".strip(), f"{100 * share:.0f} %", words, doubtful=share < DOUBTFUL)
