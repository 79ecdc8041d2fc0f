"""“Make it my preset”: what a blind test has shown becomes the person's own setting, by a name."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from separation.comparing.blind_test import BlindSide
from separation.errors import SettingsError
from separation.request import Request
from separation.workflows.own_presets import MAX_NAME
from webapp.components.pieces.name_dialog import NameDialog
from webapp.components.settings.settings import SettingField, SettingOption, Settings
from webapp.state.kept.own_presets import OwnPresets
from webapp.theme import button

ABOUT = "Saves model, chunks, solver and precision under a name, for every recording in the Studio."


class KeepPreset:
    """A button that keeps the settings of one of the sides; nothing at all if no side's settings are known.

    Args:
        presets: the person's own, to which another is added.
        sides: of a test, best first.
        place: where the dialog lives; what holds the button may be drawn anew while it is open.
    """

    def __init__(self, presets: OwnPresets, sides: Sequence[BlindSide], place: ui.element) -> None:
        self._presets, self._place = presets, place
        self._known = [(side, request) for side in sides if (request := _request(side)) is not None]
        self._chosen = 0
        self._dialog: NameDialog | None = None
        if self._known:
            button("Save as preset…", self._ask, kind="plain", tip="Saves the settings of a side under a name")

    def _ask(self) -> None:
        if self._dialog is None:
            with self._place:
                self._dialog = NameDialog("Save as preset", ABOUT, limit=MAX_NAME, on_name=self._keep)
                with self._dialog.body:
                    self._choice = Settings(self._choose)
        self._show_choice()
        self._dialog.ask(" ".join(self._known[self._chosen][0].settings)[:MAX_NAME])

    def _show_choice(self) -> None:
        labels = [side.label for side, _ in self._known]
        field = SettingField(
            name="side",
            kind="select",
            label="Settings of",
            value=str(self._chosen),
            options=[SettingOption(value=str(index), label=label) for index, label in enumerate(labels)],
        )
        self._choice.set_groups([{"title": "", "fields": [field]}])

    def _choose(self, _: str, value: object) -> None:
        self._chosen = int(str(value))
        self._show_choice()

    def _keep(self, name: str) -> None:
        preset = self._presets.keep(name, self._known[self._chosen][1])
        ui.notify(f"“{preset.name}” stands among the Studio's settings now.")


def _request(side: BlindSide) -> Request | None:
    try:
        return Request.from_dict(side.made_with) if side.made_with else None
    except SettingsError:  # another version made it
        return None
