"""`--preset NAME`: a preset that comes with the program, or one of the person's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from separation.request import Request
    from separation.workflows.own_presets import OwnPreset


def with_preset(name: str, request: Request) -> Request:
    """Return `request` with the values of the preset of that name; the person's own are those kept in the studio.

    Raises:
        SettingsError: there is no such preset, or it is another separator's.
        StorageError: the person's own cannot be read.
    """
    from separation.workflows.own_presets import apply_named

    return apply_named(name, request, _kept())


def _kept() -> Iterator[OwnPreset]:
    from separation.workflows.own_presets import presets_of
    from storage import data_folder
    from storage.records import PresetTable

    if not (data_folder() / "presets").is_dir():
        return
    table = PresetTable(data_folder())
    try:
        yield from presets_of(table.presets())
    finally:
        table.close()
