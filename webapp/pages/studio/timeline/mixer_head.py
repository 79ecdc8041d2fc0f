"""The head of the mixer: which result is heard, which other beside it, how well it adds up, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from separation.results.kept import Recording
from webapp.components.settings.settings import SettingField, SettingOption, Settings
from webapp.pages.studio.timeline.measures_row import MeasuresRow
from webapp.pages.studio.timeline.result_choice import ResultChoice
from webapp.routes.export_choice import ExportChoice
from webapp.theme import button, icon_button, text, tipped

NOTHING = "-"  # no second result
EXPORT_ID = "export"  # of the panel in the document

# The panel opens under its button; where there is no room for it there, the style sheet puts it at the foot.
_PLACE = f"""(event) => {{
    const box = event.currentTarget.getBoundingClientRect(), panel = document.getElementById("{EXPORT_ID}");
    panel.style.setProperty("--below", `${{box.bottom + 6}}px`);
    panel.style.setProperty("--beside", `${{Math.max(8, innerWidth - box.right)}}px`);
}}"""


class MixerHead:
    """One row above the tracks. It is always there and as high as ever, so that a result that comes moves nothing.

    Args:
        on_choose: called with the name of a control ("result", "other", or one of the export) and its new value.
        on_keep_stems: called when a person wants all stems as files.
        on_keep_mix: called when a person wants what is heard now as one file.
    """

    def __init__(
        self,
        *,
        on_choose: Callable[[str, Any], object],
        on_keep_stems: Callable[[], object],
        on_keep_mix: Callable[[], object],
    ) -> None:
        with ui.element("div").classes("toolbar timeline-head"):
            self._made = text("", "mute made")
            self._results = Settings(on_choose).classes("inline")
            self.measures = MeasuresRow()
            with ui.element("span").classes("keep") as self._keep:
                self._format = button("", kind="plain").on("click", js_handler=_PLACE)
                self._format.props(f"popovertarget={EXPORT_ID} aria-haspopup=dialog")
                tipped(self._format, "Format, sample rate and level of downloads; the mix as one file")
                tip = "One zip with every track, without the mixer's gain"
                button("Keep stems", on_keep_stems, icon_name="download", tip=tip)
        with (
            ui.element("div")
            .classes("export-panel")
            .props(f"id={EXPORT_ID} popover=auto role=dialog aria-label=Export")
        ):
            with ui.element("div").classes("line"):
                text("Export", "group grow", tag="h2")
                close = icon_button("close", "Close")
                close.props(f"popovertarget={EXPORT_ID} popovertargetaction=hide")
            self._export = Settings(on_choose)
            self._level = text("", "mute small turned-down", tag="p")
            with ui.element("div").classes("line"):
                button("Download this mix", on_keep_mix, icon_name="download", tip="One file of what you hear now")
                button("Download stems", on_keep_stems, icon_name="download", tip=tip)
        self.clear()

    def clear(self) -> None:
        """Empty the row, for a page without a recording."""
        self._made.set_text("")
        self._results.set_visibility(False)
        self._keep.set_visibility(False)

    def show(
        self,
        words: str,
        recording: Recording,
        choice: ResultChoice,
        labels: Mapping[str, str],
        export: ExportChoice,
        *,
        is_heard: bool,
    ) -> None:
        """Redraw the row.

        Args:
            words: how the result was made, or why there is none.
            recording: the recording.
            choice: its results, and which of them play.
            labels: what each result is called, by its key.
            export: how downloads are written.
            is_heard: whether a result is heard now, and not what is being made.
        """
        self._made.set_text(words)
        several = is_heard and len(choice.results) > 1
        self._results.set_groups([{"title": "", "fields": _chooses(choice, labels) if several else []}])
        self._results.set_visibility(several)
        self._keep.set_visibility(is_heard)
        self._format.props["aria-label"] = f"Export as {export.label}"
        self._format.set_text(export.label)
        has_picture, has_tags = recording.video is not None, bool(recording.tags)
        self._export.set_groups([{"title": "", "fields": export.fields(has_picture=has_picture, has_tags=has_tags)}])

    def say_level(self, words: str) -> None:
        """Say what is done about peaks in downloads; "" if nothing is."""
        self._level.set_text(words)


def _chooses(choice: ResultChoice, labels: Mapping[str, str]) -> list[SettingField]:
    """Return the controls that choose which results are heard."""
    if choice.result is None:
        return []
    options = [SettingOption(value=key, label=label) for key, label in labels.items()]
    others = [option for option in options if option["value"] != choice.result.key]
    return [
        {
            "name": "result",
            "kind": "select",
            "label": "",
            "spoken": "Result",
            "value": choice.result.key,
            "options": options,
            "tip": "All results of this recording.",
        },
        {
            "name": "other",
            "kind": "select",
            "label": "",
            "spoken": "Compare with",
            "value": NOTHING if choice.other is None else choice.other.key,
            "options": [SettingOption(value=NOTHING, label="Compare with…"), *others],
            "tip": "Compares another result with this one; the keys A and B switch.",
        },
    ]
