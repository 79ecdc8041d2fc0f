"""What a person has chosen for downloads: format, rate, and what is done about peaks; as controls and as a query."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from separation.audio.encode import FORMATS
from separation.errors import SettingsError
from separation.export.level import CLIP, FLOAT, FLOAT_FORMAT, RESCALE, WITH_FLOAT, level_for
from separation.results.exported import kept_peak
from separation.results.kept import Recording, Result
from webapp.components.settings.settings import SettingField, SettingOption
from webapp.routes.writing import SAMPLE_RATES, VIDEO, Writing

PEAKS = {
    RESCALE: "Turn down if too loud",
    CLIP: "Clip if too loud",
    FLOAT: "32-bit float if too loud",
}
USUAL = "wav24"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """How downloads are written; see `separation.export.level` for `peak`. A rate of 0 is that of each sound.

    With `tags`, they carry what the recording says of itself.
    """

    format: str = USUAL
    rate: int = 0
    peak: str = RESCALE
    tags: bool = True

    @property
    def label(self) -> str:
        """Return the format in a few words."""
        return "Video" if self.format == VIDEO else FORMATS[self.format].label

    @property
    def query(self) -> dict[str, str]:
        """Return it as fields of a query; what is usual is left out."""
        asked = {"format": self.format}
        if self.rate:
            asked["rate"] = str(self.rate)
        if self.peak != RESCALE:
            asked["peak"] = self.peak
        return asked if self.tags else asked | {"tags": "0"}

    @classmethod
    def from_query(cls, query: str) -> ExportChoice:
        """Return the choice that a query describes, as `query` does; the usual one if it is not of this version."""
        asked = dict(parse_qsl(query))
        try:
            choice = cls(
                format=asked.get("format", USUAL),
                rate=int(asked.get("rate", 0)),
                peak=asked.get("peak", RESCALE),
                tags=asked.get("tags") != "0",
            )
            if choice.format != VIDEO:
                Writing(choice.format, choice.rate, choice.peak, None)
        except (SettingsError, ValueError) as error:
            log.warning("the choice of how downloads are written is passed over: %s", error)
            return cls()
        return choice

    def choosing(self, name: str, value: Any) -> tuple[ExportChoice, str]:
        """Return the choice after a person has changed one field, and a sentence on what had to change with it."""
        if name == "rate":
            return replace(self, rate=int(value)), ""
        if name == "tags":
            return replace(self, tags=bool(value)), ""
        if name == "peak":
            return replace(self, peak=value), ""
        after, said = replace(self, format=value), []
        if after.rate and not _knows(value, after.rate):
            said.append(f"{FORMATS[value].label} does not support {after.rate / 1000:g} kHz: the rate stays as it is.")
            after = replace(after, rate=0)
        if after.peak == FLOAT and value not in WITH_FLOAT:
            said.append("Only WAV has float samples: what is too loud is turned down.")
            after = replace(after, peak=RESCALE)
        return after, " ".join(said)

    def without_picture(self) -> ExportChoice:
        """Return the choice for a recording that has no picture."""
        return replace(self, format=USUAL) if self.format == VIDEO else self

    def fields(self, *, has_picture: bool, has_tags: bool) -> list[SettingField]:
        """Return the controls; only those that make a difference to the format and the recording."""
        formats = [SettingOption(value=name, label=kind.label) for name, kind in FORMATS.items()]
        if has_picture:
            formats.append(SettingOption(value=VIDEO, label="Video, with this sound"))
        fields: list[SettingField] = [
            {
                "name": "format",
                "kind": "select",
                "label": "",
                "spoken": "File format",
                "value": self.format,
                "options": formats,
                "tip": "The file format of downloads. WAV and FLAC lose nothing, MP3 and OGG are small.",
            }
        ]
        if self.format != VIDEO:  # its sound has the rate that the picture's file takes
            known = (rate for rate in SAMPLE_RATES if _knows(self.format, rate))
            rates = {0: "Same sample rate"} | {rate: f"{rate / 1000:g} kHz" for rate in known}
            fields.append(
                {
                    "name": "rate",
                    "kind": "select",
                    "label": "",
                    "spoken": "Sample rate",
                    "value": str(self.rate),
                    "options": [SettingOption(value=str(rate), label=label) for rate, label in rates.items()],
                    "tip": "The sample rate of downloads. The same rate changes nothing; another one resamples.",
                }
            )
        if self.format != FLOAT_FORMAT:
            rules = {rule: label for rule, label in PEAKS.items() if rule != FLOAT or self.format in WITH_FLOAT}
            fields.append(
                {
                    "name": "peak",
                    "kind": "select",
                    "label": "",
                    "spoken": "Peaks over full scale",
                    "value": self.peak,
                    "options": [SettingOption(value=rule, label=label) for rule, label in rules.items()],
                    "tip": "This format ends at full scale. All tracks are turned down alike, so that they still add "
                    "up; or what is over it is cut off, which distorts; or float samples are written instead.",
                }
            )
        if has_tags and self.format != VIDEO:
            fields.append(
                {
                    "name": "tags",
                    "kind": "switch",
                    "label": "Tags",
                    "value": self.tags,
                    "tip": "Downloads carry title, artist, album, date, tempo, key and cover of the recording; the "
                    "title with the name of the sound.",
                }
            )
        return fields

    def level_words(self, recording: Recording, results: Mapping[str, Result]) -> str:
        """Return a line on what is done about peaks in downloads, "" if nothing is; reads what was not measured yet.

        Args:
            recording: whose mixture can be downloaded.
            results: by what their stems are called.

        Raises:
            PlaygroundError: a file cannot be read.
            OSError: a file is gone.
        """
        how = Writing(self.format, self.rate, self.peak, recording.picture if self.format == VIDEO else None)
        lines = []
        for name, kept in {"Mixture": recording, **results}.items():
            note = level_for(kept_peak(kept, how.rate_for), self.format, self.peak).note
            if note:
                lines.append(f"{name}: {note}")
        return " ".join(lines)


def _knows(format: str, rate: int) -> bool:
    """Return whether a format of downloads is written at a rate in Hz, and not at another one near it."""
    return format == VIDEO or FORMATS[format].rate_for(rate) == rate
