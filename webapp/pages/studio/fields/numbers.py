"""A field for a number of a request, in its setting's own range."""

from __future__ import annotations

from separation.request import (
    ChunkSettings,
    DemucsSettings,
    Range,
    Request,
    RequestField,
    SamSettings,
    SolverSettings,
    SpeechSettings,
    ranges,
)
from webapp.components.settings import controls
from webapp.components.settings.settings import SettingField

PARTS = {
    "": Request,
    RequestField.SOLVER.value: SolverSettings,
    RequestField.CHUNKS.value: ChunkSettings,
    RequestField.DEMUCS.value: DemucsSettings,
    RequestField.SPEECH.value: SpeechSettings,
    RequestField.SAM.value: SamSettings,
}
LARGEST_EXACT = 2**53 - 1  # whole number that a browser does not round


def number(
    name: str,
    label: str,
    value: float | None,
    tip: str,
    *,
    step: float = 1,
    allowed: Range | None = None,
    limit: str = "",
    unit: str = "",
    empty: str = "",
) -> SettingField:
    """Return a field for a number in its setting's range; see `controls.number`."""
    part, _, item = name.rpartition(".")
    allowed = allowed or ranges(PARTS[part])[item]
    low, high = allowed.low, min(allowed.high, LARGEST_EXACT)
    return controls.number(name, label, value, (low, high, step), tip, limit=limit, unit=unit, empty=empty)
