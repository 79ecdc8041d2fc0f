"""Keeps peaks from being clipped: one gain for all files that belong together, or samples that have no ceiling.

Integers and lossy codecs end at full scale, and separated tracks may reach beyond it where their mixture does not.
Turned down one by one they would not add up to the mixture any more, so what belongs together gets one gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Final

from separation.errors import SettingsError

RESCALE, CLIP, FLOAT = "rescale", "clip", "float"
PEAK_RULES: Final = (RESCALE, CLIP, FLOAT)
PROTECTED_PEAK: Final = 10 ** (-1 / 20)  # -1 dBFS, the headroom EBU R 128 asks for ahead of lossy codecs
FLOAT_FORMAT: Final = "wav32f"
WITH_FLOAT: Final = ("wav16", "wav24", FLOAT_FORMAT)  # formats of a container that also takes floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How files that belong together are written.

    Attributes:
        format: of the files; not the one that was asked for if only another one keeps their peaks.
        gain: linear, the same for all of them.
        note: a sentence on what is done about their peaks; "" if there is nothing to do.
    """

    format: str
    gain: float = 1.0
    note: str = ""

    @property
    def gain_db(self) -> float:
        """The gain in dB; 0 or below."""
        return 20 * log10(self.gain)


def level_for(peak: float, format: str, rule: str = RESCALE) -> Level:
    """Return the level of files whose largest absolute sample is `peak`, at the rate they are written at.

    Args:
        peak: linear; 1 is full scale. It is that of all files together.
        format: as in `separation.audio.encode.FORMATS`, or another name for one that ends at full scale.
        rule: what to do about peaks over full scale: “rescale” turns all files down until the largest is at -1 dBFS,
            “clip” cuts them off, “float” writes 32-bit floats instead.

    Raises:
        SettingsError: as `check_rule` does.
    """
    check_rule(format, rule)
    if peak <= 1 or format == FLOAT_FORMAT:
        return Level(format=format)
    peak_dbfs = f"{20 * log10(peak):+.1f} dBFS"
    if rule == CLIP:
        return Level(format=format, note=f"Peaks of up to {peak_dbfs} are clipped at full scale.")
    if rule == FLOAT:
        note = f"Written as 32-bit float, since {format} would clip peaks of up to {peak_dbfs}."
        return Level(format=FLOAT_FORMAT, note=note)
    gain = PROTECTED_PEAK / peak
    note = f"All of it is turned down by {-20 * log10(gain):.1f} dB, since peaks of up to {peak_dbfs} would be clipped."
    return Level(format=format, gain=gain, note=note)


def needs_peak(format: str, rule: str) -> bool:
    """Whether the files' level depends on how loud they are, so that they have to be read before they are written."""
    return format != FLOAT_FORMAT and rule != CLIP


def check_rule(format: str, rule: str) -> None:
    """Refuse what a format cannot do, before anything is computed for it.

    Raises:
        SettingsError: there is no such rule, or the format has no floats.
    """
    if rule not in PEAK_RULES:
        raise SettingsError(f"There is no way “{rule}” for peaks.", "", f"Choose one of: {', '.join(PEAK_RULES)}.")
    if rule == FLOAT and format not in WITH_FLOAT:
        raise SettingsError(
            f"There are no float samples in {format}.",
            "It ends at full scale.",
            f"Choose a WAV format ({', '.join(WITH_FLOAT)}), or let all of it be turned down (rescale).",
        )


def level_while_growing(format: str, rule: str | None) -> Level:
    """Return the level of files that are played while they are written, before anybody knows how loud they will be.

    Args:
        format: as for `level_for`.
        rule: as for `level_for`; None if nobody has chosen one.

    Raises:
        SettingsError: as `check_rule` does; or they were to be turned down.
    """
    check_rule(format, rule or CLIP)
    if format == FLOAT_FORMAT:
        return Level(format=format)
    if rule == RESCALE:
        raise SettingsError(
            "Files that grow cannot be turned down.",
            "How loud all of it will be is known at its end only.",
            f"Let peaks be clipped (clip), choose the format {FLOAT_FORMAT}, or leave streaming off.",
        )
    if rule == FLOAT:
        note = f"Written as 32-bit float, since it is not known beforehand whether {format} would clip."
        return Level(format=FLOAT_FORMAT, note=note)
    note = "The files grow, so nobody knows yet how loud they will be: what is over full scale will be clipped."
    return Level(format=format, note=note)
