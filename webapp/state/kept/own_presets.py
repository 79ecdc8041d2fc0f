"""The person's own presets, shared by all pages of the studio and by the terminal."""

from __future__ import annotations

from nicegui import Event as PageEvent

from separation.backends import registry
from separation.errors import SettingsError
from separation.request import Request
from separation.workflows.own_presets import OwnPreset, presets_of
from storage.records import PresetTable

MOST = 50


class OwnPresets:
    """The presets of this data folder; use it on the event loop only. All methods may raise `StorageError`.

    Attributes:
        changed: is emitted when there is another preset, or one fewer.
    """

    def __init__(self, table: PresetTable) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._table = table
        self._known: dict[str, OwnPreset] | None = None

    def all(self) -> list[OwnPreset]:
        """Return all presets in the order of their names."""
        return sorted(self._all().values(), key=lambda preset: preset.key)

    def keep(self, name: str, settled: Request) -> OwnPreset:
        """Keep the settings of a settled request under a name, in place of the separator's own preset of that name.

        Raises:
            SettingsError: the name cannot be one, or is that of another separator's preset, or there are too many.
        """
        preset = OwnPreset.of(name, settled)
        there = self._all().get(preset.key)
        if there is not None and not there.fits(registry.get(preset.backend)):
            raise SettingsError(
                f"There is a preset “{there.name}” already.", "It is another separator's.", "Choose another name."
            )
        if there is None and len(self._all()) >= MOST:
            raise SettingsError(f"There are {MOST} presets.", "More cannot be kept.", "Delete one first.")
        self._all()[preset.key] = preset
        self.changed.emit()
        self._table.write(preset.key, preset.to_dict())
        return preset

    def delete(self, preset: OwnPreset) -> None:
        """Delete a preset; results that were made with it stay as they are."""
        if self._all().pop(preset.key, None) is not None:
            self.changed.emit()
            self._table.remove(preset.key)

    def _all(self) -> dict[str, OwnPreset]:
        if self._known is None:
            self._known = {preset.key: preset for preset in presets_of(self._table.presets())}
        return self._known
