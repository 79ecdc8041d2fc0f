"""The score of the demo: tempo, chords, melody and words, all of them values.

Times are in beats (quarter notes) from the first downbeat; pitches are MIDI note numbers (A4 = 69 = 440 Hz).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Audio = npt.NDArray[np.float64]

SAMPLE_RATE = 44_100  # Hz
BEATS_PER_BAR = 4


@dataclass(frozen=True, slots=True)
class Note:
    """One note: when, how long, how high, how loud (0 to 1). `slide` glides from the note before."""

    beat: float
    length: float
    pitch: int
    velocity: float = 0.8
    slide: bool = False


@dataclass(frozen=True, slots=True)
class Syllable:
    """A sung note with its phonemes, such as `S IY`; the first vowel starts on the beat."""

    beat: float
    length: float
    pitch: int
    phonemes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Song:
    """Everything the instruments read. Bars of `chords` and `roots` run in parallel; the last bar is the final hit."""

    tempo_bpm: float
    seed: int
    chords: tuple[tuple[int, ...], ...]
    roots: tuple[int, ...]
    melody: tuple[Syllable, ...]
    transpose: int = 0  # semitones, all pitched stems
    swing: float = 0.57  # where the second sixteenth of a pair falls: 0.5 is straight
    tail_s: float = 1.3  # how long the final hit rings

    @property
    def n_bars(self) -> int:
        """Bars that are played through, without the final hit."""
        return len(self.chords) - 1

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return self.n_bars * BEATS_PER_BAR * 60 / self.tempo_bpm + self.tail_s

    @property
    def n_samples(self) -> int:
        """Length of the recording in samples."""
        return round(self.duration_s * SAMPLE_RATE)

    def seconds(self, beat: float) -> float:
        """The time of a beat; off-sixteenths are late by the swing."""
        sixteenth = beat * 4
        whole = int(sixteenth // 2) * 2
        within = sixteenth - whole  # 0 to 2
        warped = within * self.swing * 2 if within <= 1 else 2 * self.swing + (within - 1) * (2 - 2 * self.swing)
        return (whole + warped) / 4 * 60 / self.tempo_bpm

    def sample(self, beat: float) -> int:
        """The sample of a beat."""
        return round(self.seconds(beat) * SAMPLE_RATE)

    def rng(self, stem: str) -> np.random.Generator:
        """The random numbers of one stem, so that changing one stem leaves the others as they were."""
        return np.random.default_rng([self.seed, *stem.encode()])


def hertz(pitch: float) -> float:
    """Equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))


DEMO = Song(
    tempo_bpm=108,
    seed=2024,
    chords=(
        (52, 55, 59, 60, 64),  # Am9
        (52, 57, 60, 64, 67),  # Fmaj9
        (52, 55, 59, 62, 67),  # Cmaj9
        (50, 55, 59, 62, 64),  # G6
        (53, 57, 60, 64, 65),  # Dm9
        (53, 57, 60, 64, 67),  # Fmaj9
        (52, 57, 59, 62, 64),  # E7sus4
        (52, 55, 59, 60, 64, 69),  # Am9, rings
    ),
    roots=(33, 29, 36, 31, 38, 29, 28, 33),
    # When the morning comes to me, / I will sing along the sea. / So stay with me until the sun goes down, oh.
    melody=(
        Syllable(0.5, 0.5, 64, "W EH N"),
        Syllable(1.0, 0.5, 64, "DH AH"),
        Syllable(1.5, 1.0, 67, "M OH R"),
        Syllable(2.5, 0.5, 64, "N IH NG"),
        Syllable(3.0, 1.5, 69, "K AH M Z"),
        Syllable(4.75, 0.75, 67, "T UW"),
        Syllable(5.5, 2.0, 64, "M IY"),
        Syllable(8.5, 0.5, 67, "AA IH"),
        Syllable(9.0, 0.5, 67, "W IH L"),
        Syllable(9.5, 1.0, 71, "S IH NG"),
        Syllable(10.5, 0.5, 69, "AH"),
        Syllable(11.0, 1.25, 67, "L OH NG"),
        Syllable(12.5, 0.75, 64, "DH AH"),
        Syllable(13.25, 2.0, 62, "S IY"),
        Syllable(16.0, 0.5, 65, "S OH"),
        Syllable(16.5, 1.25, 69, "S T EH IH"),
        Syllable(17.75, 0.5, 67, "W IH TH"),
        Syllable(18.25, 1.25, 65, "M IY"),
        Syllable(19.5, 0.5, 64, "AH N"),
        Syllable(20.0, 0.75, 65, "T IH L"),
        Syllable(20.75, 0.5, 67, "DH AH"),
        Syllable(21.25, 1.75, 72, "S AH N"),
        Syllable(23.0, 1.0, 71, "G OH Z"),
        Syllable(24.25, 2.25, 68, "D AA UW N"),
        Syllable(27.0, 0.75, 71, "UW"),
        Syllable(28.0, 1.6, 69, "OH"),
    ),
)
