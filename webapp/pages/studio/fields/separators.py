"""The settings of single separators: Demucs, speech."""

from __future__ import annotations

from separation.request import Request
from webapp.components.settings import controls
from webapp.components.settings.settings import SettingGroup
from webapp.pages.studio.fields.numbers import number

# One step is what one hears as a step; beyond the last, what is left of a street or a fan is hardly heard any more.
STRENGTHS_DB = (6.0, 12.0, 18.0, 24.0, 30.0, 36.0)


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
    asked_db = settled.speech.attenuation_db
    # A recipe or a command may have asked for another limit, which is shown where it lies between these.
    limits_db = sorted({*STRENGTHS_DB, *(() if asked_db is None else (asked_db,))})
    field = controls.slider(
        "speech.attenuation_db",
        "Strength",
        asked_db,
        {**{limit_db: f"{limit_db:g} dB" for limit_db in limits_db}, None: "No limit"},
        "The most by which what is not speech is lowered. With 6 to 12 dB a voice keeps its room and sounds natural; "
        "with more, the rest is quieter and a voice can sound processed. “No limit” takes away all that is heard as "
        "noise, the room too.",
    )
    return {"title": "Speech", "fields": [field]}
