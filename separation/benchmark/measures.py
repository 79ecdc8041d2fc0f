"""What a benchmark measures, in words: one description of each measure, for pages, reports and the terminal.

The ids are the names of the fields that hold the values: those of `scores.StemScores` and `scores.StemDistance`, and
those of times and costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from separation.formatted import duration, size

NONE = "\N{EM DASH}"  # is shown instead of a value that does not exist


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One measure.

    Attributes:
        id: its name in data.
        label: its name for people, short enough to head a column.
        unit: "dB", "s", "J"; "" for a plain number.
        better: whether higher or lower values are better.
        meaning: one sentence.
        source: who defined it; "" for what needs no definition.
        format: of the value without its unit, as Python's `format` has it; "duration", "size" and "per_minute" carry
            units of their own (1:05, 84 MB).
    """

    id: str
    label: str
    unit: str
    better: Literal["higher", "lower"]
    meaning: str
    source: str
    format: str

    def formatted(self, value: float | None) -> str:
        """Format a value with its unit: “7.3 dB”; a dash for None."""
        if value is None:
            return NONE
        if self.format == "duration":
            return duration(value)
        if self.format == "size":
            return size(value)
        if self.format == "per_minute":
            return f"{60 * value:.3g} s" if value < 1 else duration(60 * value)
        return f"{value:{self.format}} {self.unit}".strip()


_QUALITY = (
    Measure(
        id="si_sdr_db",
        label="SI-SDR",
        unit="dB",
        better="higher",
        meaning="The energy of the true sound in a track over that of everything else in it, at whatever level.",
        source="Le Roux, Wisdom, Erdogan & Hershey, “SDR: half-baked or well done?”, ICASSP 2019",
        format=".1f",
    ),
    Measure(
        id="sdr_db",
        label="SDR (museval)",
        unit="dB",
        better="higher",
        meaning="The energy of the true sound over that of the difference, as the median of seconds in which all "
        "tracks sound; the figure of MUSDB18 tables.",
        source="Stöter, Liutkus & Ito, “The 2018 Signal Separation Evaluation Campaign”, LVA/ICA 2018",
        format=".1f",
    ),
    Measure(
        id="sdr_whole_db",
        label="SDR (whole)",
        unit="dB",
        better="higher",
        meaning="The energy of the true sound over that of the difference, of the whole passage at once; the figure of "
        "MVSEP and of the Music Demixing Challenge.",
        source="Mitsufuji et al., “Music Demixing Challenge 2021”, Frontiers in Signal Processing 2022",
        format=".1f",
    ),
    Measure(
        id="bleedless",
        label="Bleedless",
        unit="",
        better="higher",
        meaning="100 if no part of the spectrum is louder than in the true sound, and less the more leaks in.",
        source="R. Solovyev et al., Music-Source-Separation-Training",
        format=".1f",
    ),
    Measure(
        id="fullness",
        label="Fullness",
        unit="",
        better="higher",
        meaning="100 if no part of the spectrum is quieter than in the true sound, and less the more is missing.",
        source="R. Solovyev et al., Music-Source-Separation-Training",
        format=".1f",
    ),
    Measure(
        id="l1_freq",
        label="L1 freq",
        unit="",
        better="higher",
        meaning="100 if the magnitudes of all spectra are those of the true sound, and less the more they differ.",
        source="R. Solovyev et al., Music-Source-Separation-Training",
        format=".1f",
    ),
    Measure(
        id="log_wmse",
        label="logWMSE",
        unit="",
        better="higher",
        meaning="The error as hearing weighs it, against the level of the recording; 73.7 where none is heard, and "
        "defined for silence too.",
        source="Nomono, log-wmse-audio-quality",
        format=".1f",
    ),
    Measure(
        id="log_spectral_distance_db",
        label="Spectral distance",
        unit="dB",
        better="lower",
        meaning="By how many decibels the spectrum differs from that of the true sound, phase aside.",
        source="Gray & Markel, “Distance measures for speech processing”, IEEE Trans. ASSP 24(5), 1976",
        format=".1f",
    ),
    Measure(
        id="explained_energy",
        label="Explained share",
        unit="",
        better="higher",
        meaning="The share of a track, 0 to 1, that the recording can account for; low where sound was invented; it "
        "needs no true sound.",
        source="Defined in separation.metrics.unreferenced",
        format=".2f",
    ),
    Measure(
        id="stoi",
        label="STOI",
        unit="",
        better="higher",
        meaning="How well speech can be understood, 0 to 1, by the envelopes of its frequency bands; of voices only.",
        source="Taal, Hendriks, Heusdens & Jensen, IEEE TASLP 19(7), 2011",
        format=".2f",
    ),
    Measure(
        id="pesq",
        label="PESQ",
        unit="",
        better="higher",
        meaning="How good speech sounds, as listeners would mark it from 1.0 to 4.6; of voices only.",
        source="ITU-T P.862.2, 2007; Rix, Beerends, Hollier & Hekstra, ICASSP 2001",
        format=".2f",
    ),
    Measure(
        id="error_db",
        label="Distance",
        unit="dB",
        better="lower",
        meaning="The level of the difference from the result of the reference setting, relative to that result.",
        source="",
        format=".1f",
    ),
)
_COSTS = (
    Measure(
        id="seconds",
        label="Time",
        unit="s",
        better="lower",
        meaning="How long a run takes from the request to the kept result, without reading the model.",
        source="",
        format="duration",
    ),
    Measure(
        id="rtf",
        label="Per minute of audio",
        unit="s",
        better="lower",
        meaning="How long a minute of audio takes: 60 s times the real-time factor (RTF); below 60 s it is faster than "
        "playback.",
        source="",
        format="per_minute",
    ),
    Measure(
        id="nfe",
        label="Model evaluations",
        unit="",
        better="lower",
        meaning="How often the model is evaluated (number of function evaluations, NFE): steps times stages of the "
        "solver, for all chunks.",
        source="",
        format=",.0f",
    ),
    Measure(
        id="first_sound_s",
        label="First sound",
        unit="s",
        better="lower",
        meaning="How long a run takes from the request until its beginning can be heard, without reading the model.",
        source="",
        format="duration",
    ),
    Measure(
        id="peak_bytes",
        label="Memory",
        unit="bytes",
        better="lower",
        meaning="The most main memory that the run takes at any moment.",
        source="",
        format="size",
    ),
    Measure(
        id="device_bytes",
        label="Graphics memory",
        unit="bytes",
        better="lower",
        meaning="The most memory of the graphics card that the run takes at any moment.",
        source="",
        format="size",
    ),
    Measure(
        id="energy_j",
        label="Energy",
        unit="J",
        better="lower",
        meaning="What the processors draw during the run, by their own counters.",
        source="",
        format=".3g",
    ),
)
MEASURES: Mapping[str, Measure] = {one.id: one for one in (*_QUALITY, *_COSTS)}
QUALITY = tuple(one.id for one in _QUALITY)
COSTS = tuple(one.id for one in _COSTS)
