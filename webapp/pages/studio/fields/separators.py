"""The settings of single separators: Demucs, speech."""

from __future__ import annotations

from separation.request import Request
from webapp.components.settings import controls
from webapp.components.settings.settings import SettingGroup
from webapp.pages.studio.fields.numbers import number


def demucs(settled: Request) -> SettingGroup:
    """Return the settings of Demucs."""
    asked = settled.demucs
    fields = [
        number(
            "demucs.shifts",
            "Shifts",
            asked.shifts,
            "Averages estimates of shifted copies: up to 0.2 dB better; each shift costs the time of one run. Memory "
            "stays the same.",
        ),
        number(
            "demucs.overlap_ratio",
            "Overlap",
            asked.overlap_ratio,
            "The fraction of a segment that neighbours share: smoother seams, up to twice the time. Memory stays the "
            "same.",
            step=0.05,
        ),
        number(
            "demucs.segment_s",
            "Segment",
            asked.segment_s,
            "How much of the song is heard at once. Shorter segments save memory with the mdx models only: the others "
            "fill them up to 7.8 s, so shorter ones just take longer.",
            unit="s",
            empty="longest",
            step=0.1,
        ),
        controls.switch(
            "demucs.split",
            "Split",
            asked.split,
            "Cuts the song into segments, which keeps memory steady however long it is. Transformer models always "
            "split.",
        ),
        controls.switch(
            "demucs.mixed_precision",
            "Half precision",
            asked.mixed_precision,
            "On CUDA it needs less memory and time, for a sound a hair less exact; elsewhere it does nothing.",
        ),
    ]
    return controls.fold("Demucs", fields, f"{asked.shifts} shifts", f"{100 * asked.overlap_ratio:.0f} % overlap")


def speech(settled: Request) -> SettingGroup:
    """Return the settings of the speech separator."""
    attenuation_db = settled.speech.attenuation_db
    field = number(
        "speech.attenuation_db",
        "Strength",
        attenuation_db,
        "By how much what is not speech is lowered at most. 6 to 12 dB keep a voice and its room natural; empty takes "
        "away all that can be heard out.",
        unit="dB",
        empty="everything",
    )
    digest = "all noise removed" if attenuation_db is None else f"noise lowered by {attenuation_db:g} dB"
    return controls.fold("Speech", [field], digest)
