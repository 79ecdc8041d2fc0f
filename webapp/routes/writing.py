"""How the files of a download are written: format, rate, peaks and picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from separation.audio.decode import AudioFile
from separation.audio.encode import FORMATS, encode
from separation.audio.video import KINDS, Picture
from separation.audio.waveform import AudioSource
from separation.errors import SettingsError
from separation.export.level import Level, check_rule, level_for, needs_peak
from separation.export.tags import Tags, write_tags

SAMPLE_RATES = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000)
VIDEO = "video"  # the format that joins a sound with the recording's picture
MIME_TYPES = {
    ".zip": "application/zip",
    **{kind.extension: kind.mime_type for kind in FORMATS.values()},
    **{kind.extension: kind.mime_type for kind in KINDS},
}


@dataclass(frozen=True, slots=True)
class Writing:
    """How the files of a download are written.

    Args:
        format: one of `FORMATS`, or `VIDEO`.
        rate: in Hz; 0 for that of each sound.
        peak_rule: one of `separation.export.level.PEAK_RULES`.
        picture: for `VIDEO`.

    Raises:
        SettingsError: there is no such format, rate or rule, or they do not go together.
    """

    format: str
    rate: int
    peak_rule: str
    picture: Picture | None

    def __post_init__(self) -> None:
        if self.format != VIDEO and self.format not in FORMATS:
            raise SettingsError(f"There is no format “{self.format}”.", "", f"Choose one of: {', '.join(FORMATS)}.")
        if self.format == VIDEO and self.picture is None:
            raise SettingsError(
                "This recording has no picture.",
                "A picture is kept only of a video that was uploaded whole.",
                "Choose another format.",
            )
        if self.rate and self.rate not in SAMPLE_RATES:
            known = ", ".join(map(str, SAMPLE_RATES))
            raise SettingsError(f"A sample rate of {self.rate} Hz is not offered.", "", f"Choose one of: {known}.")
        check_rule(self.format, self.peak_rule)

    def rate_for(self, sample_rate: int) -> int:
        """Return the rate (Hz) at which sound of a rate is written."""
        if self.picture is not None:
            return self.picture.rate_for(sample_rate)
        return FORMATS[self.format].rate_for(self.rate or sample_rate)

    def level(self, peak: Callable[[], float]) -> Level:
        """Return the level of files whose largest sample `peak` measures, if it makes a difference."""
        measured = peak() if needs_peak(self.format, self.peak_rule) else 0.0
        return level_for(measured, self.format, self.peak_rule)

    def write(self, sound: AudioSource, target: Path, level: Level, tags: Tags) -> Path:
        """Write a sound, or the picture with it, to `target` with the format's extension; return the path.

        A video gets no tags.
        """
        if self.picture is not None:
            path = target.with_name(f"{target.name}{self.picture.extension}")
            self.picture.write_with(sound, path, gain=level.gain)
            return path
        path = target.with_name(f"{target.name}{FORMATS[level.format].extension}")
        encode(sound, path, level.format, sample_rate=self.rate or None, gain=level.gain)
        write_tags(path, path.suffix, tags)
        return path


def export(kept: Path, target: Path, how: Writing, level: Level, tags: Tags) -> Path:
    """Encode a track to `target` with the format's extension; return the path."""
    with AudioFile(kept) as audio:
        return how.write(audio, target, level, tags)
