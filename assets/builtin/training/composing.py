"""Songs made up by chance: a key, four chords, and a part for each instrument that keeps to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assets.builtin.training.fluid import Note

MAJOR, MINOR, DORIAN = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10)
TURNS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 4), (1, 4, 0, 0), (0, 2, 3, 4), (0, 6, 5, 4), (0, 0, 3, 4))
BEATS = 4
Random = np.random.Generator


@dataclass(frozen=True, kw_only=True, slots=True)
class Song:
    """What all parts of a song share.

    Args:
        bpm: beats a minute.
        scale: seven pitches from the key note, in semitones.
        chords: one of three or four MIDI pitches for each bar, repeated.
        duration_s: how long it is.
    """

    bpm: float
    key: int
    scale: tuple[int, ...]
    chords: tuple[tuple[int, ...], ...]
    duration_s: float

    @property
    def beat_s(self) -> float:
        """Seconds of a beat."""
        return 60 / self.bpm

    @property
    def n_bars(self) -> int:
        """Bars begun before the end."""
        return int(self.duration_s / (BEATS * self.beat_s)) + 1

    def chord(self, bar: int, lowest: int, highest: int) -> list[int]:
        """The bar's chord, each pitch moved by octaves into [lowest, highest]."""
        return sorted({_within(pitch, lowest, highest) for pitch in self.chords[bar % len(self.chords)]})

    def steps(self, lowest: int, highest: int) -> list[int]:
        """The pitches of the scale in [lowest, highest]."""
        return [pitch for pitch in range(lowest, highest + 1) if (pitch - self.key) % 12 in self.scale]


def compose(rng: Random, duration_s: float) -> Song:
    """A song of 65 to 170 beats a minute."""
    scale = (MAJOR, MINOR, MINOR, DORIAN)[rng.integers(4)]
    key = int(rng.integers(12))
    degrees = TURNS[rng.integers(len(TURNS))] if rng.random() < 0.75 else tuple(rng.integers(7, size=4))
    n_notes = 4 if rng.random() < 0.3 else 3
    chords = tuple(
        tuple(36 + key + scale[(d + 2 * i) % 7] + 12 * ((d + 2 * i) // 7) for i in range(n_notes)) for d in degrees
    )
    return Song(bpm=float(rng.uniform(65, 170)), key=key, scale=scale, chords=chords, duration_s=duration_s)


def bass_part(rng: Random, song: Song) -> list[Note]:
    """A bass line in one of seven ways, mostly below 100 Hz."""
    lowest = int(rng.choice([26, 28, 28, 31, 33]))
    style = rng.choice(["eighths", "long", "octaves", "walking", "syncopated", "chord", "melodic"])
    legato = rng.uniform(0.45, 1.0)
    spots = sorted({0, *rng.integers(16, size=rng.integers(2, 7)).tolist()})
    touch = _Touch(rng, int(rng.integers(75, 120)), song.beat_s)
    notes: list[Note] = []
    for bar in range(song.n_bars):
        pitches = song.chord(bar, lowest, lowest + 11)
        root = _within(song.chords[bar % len(song.chords)][0], lowest, lowest + 11)
        at = bar * BEATS
        if style == "long":
            notes += touch(at, BEATS * legato, root)
        elif style == "walking":
            following = _within(song.chords[(bar + 1) % len(song.chords)][0], lowest, lowest + 11)
            for beat, pitch in enumerate([root, *rng.permutation(pitches)[:2], following + rng.choice([-1, 1, 2])]):
                notes += touch(at + beat, legato, int(pitch))
        elif style == "syncopated":
            for spot in spots:
                notes += touch(at + spot / 4, rng.uniform(0.2, 0.6), root + int(rng.choice([0, 0, 0, 7, 12])))
        elif style == "melodic":
            for spot in spots:
                notes += touch(at + spot / 4, rng.uniform(0.3, 1.0), int(rng.choice(song.steps(lowest, lowest + 19))))
        else:
            for eighth in range(2 * BEATS):
                pitch = {"eighths": root, "octaves": root + 12 * (eighth % 2)}.get(style)
                if rng.random() < 0.94:
                    notes += touch(at + eighth / 2, legato / 2, int(rng.choice(pitches)) if pitch is None else pitch)
    return notes


def part(rng: Random, song: Song, styles: str, lowest: int, highest: int) -> list[Note]:
    """A part of chords or melody.

    Args:
        rng: decides everything.
        song: its chords and scale are kept to.
        styles: names of functions in `STYLES`, separated by spaces; one is drawn.
        lowest: MIDI pitch; the part's range begins there or up to an octave above.
        highest: MIDI pitch nothing goes beyond by more than an octave.
    """
    base = int(rng.integers(lowest, max(lowest + 1, highest - 18)))
    touch = _Touch(rng, int(rng.integers(60, 118)), song.beat_s)
    style = STYLES[str(rng.choice(styles.split()))]
    return style(rng, song, touch, base, base + int(rng.integers(13, 25)))


class _Touch:
    """How somebody plays: a little off the beat, not always equally loud. Times in beats."""

    def __init__(self, rng: Random, velocity: float, beat_s: float) -> None:
        self.rng, self.velocity, self.beat_s = rng, velocity, beat_s
        self.looseness_s = rng.uniform(0, 0.009)

    def __call__(self, beat: float, beats: float, *pitches: int, softer: float = 0) -> list[Note]:
        start_s = max(0.0, beat * self.beat_s + self.rng.normal(0, self.looseness_s))
        velocity = int(np.clip(self.velocity - softer + self.rng.normal(0, 8), 20, 127))
        return [Note(start_s, beats * self.beat_s, int(pitch), velocity) for pitch in pitches]


Style = Callable[[Random, Song, _Touch, int, int], list[Note]]


def _block(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    times = int(rng.choice([1, 2, 4, 4, 8]))
    legato = rng.uniform(0.4, 1.0)
    return [
        note
        for bar in range(song.n_bars)
        for i in range(times)
        for note in touch(bar * BEATS + i * BEATS / times, legato * BEATS / times, *song.chord(bar, low, high))
    ]


def _pad(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    times = int(rng.choice([1, 1, 2]))
    return [
        note
        for bar in range(song.n_bars)
        for i in range(times)
        for note in touch(bar * BEATS + i * BEATS / times, BEATS / times, *song.chord(bar, low, high))
    ]


def _stabs(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    spots = sorted({0, *rng.integers(8, size=rng.integers(1, 6)).tolist()})
    length = rng.uniform(0.15, 0.45)
    return [
        note
        for bar in range(song.n_bars)
        for spot in spots
        for note in touch(bar * BEATS + spot / 2, length, *song.chord(bar, low, high))
    ]


def _arpeggio(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    grid = float(rng.choice([0.25, 0.5, 0.5, 1 / 3]))
    pattern = rng.integers(8, size=8)
    legato = rng.uniform(0.5, 2.5)
    notes: list[Note] = []
    for bar in range(song.n_bars):
        pitches = song.chord(bar, low, high)
        pitches = pitches + [pitch + 12 for pitch in pitches]
        for i in range(round(BEATS / grid)):
            if rng.random() < 0.95:
                notes += touch(bar * BEATS + i * grid, grid * legato, pitches[pattern[i % 8] % len(pitches)])
    return notes


def _strum(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    spots = {0, *rng.integers(8, size=rng.integers(1, 6)).tolist()}
    spread = rng.uniform(0.01, 0.05)
    busy = rng.uniform(0.1, 0.6)
    notes: list[Note] = []
    for bar in range(song.n_bars):
        pitches = song.chord(bar, low, high)
        pitches = [pitches[0] - 12, *pitches, pitches[0] + 12]
        for eighth in range(2 * BEATS):
            if eighth in spots or rng.random() < busy:
                up = eighth % 2
                for i, pitch in enumerate(pitches[::-1] if up else pitches):
                    notes += touch(bar * BEATS + eighth / 2 + i * spread, rng.uniform(0.4, 1.4), pitch, softer=20 * up)
    return notes


def _power(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    busy, legato = rng.uniform(0.5, 1), rng.uniform(0.25, 0.5)
    notes: list[Note] = []
    for bar in range(song.n_bars):
        root = _within(song.chords[bar % len(song.chords)][0], min(low, 45) - 5, min(low, 45) + 6)
        for eighth in range(2 * BEATS):
            if rng.random() < busy:
                notes += touch(bar * BEATS + eighth / 2, legato, root, root + 7, root + 12)
    return notes


def _ballad(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    notes: list[Note] = []
    for bar in range(song.n_bars):
        pitches = song.chord(bar, low, high)
        for beat in range(BEATS):
            notes += touch(bar * BEATS + beat, 1, pitches[0] - 12)
            notes += touch(bar * BEATS + beat + 0.5, 0.6, *pitches, softer=12)
    return notes


def _melody(rng: Random, song: Song, touch: _Touch, low: int, high: int) -> list[Note]:
    steps = song.steps(low, high + 7)
    at = int(rng.integers(len(steps)))
    busy, legato, slow = rng.uniform(0.4, 0.95), rng.uniform(0.5, 1.1), int(rng.choice([1, 1, 2]))
    notes: list[Note] = []
    beat = 0.0
    while beat < song.n_bars * BEATS:
        length = float(rng.choice([0.25, 0.5, 0.5, 1, 1, 1.5, 2])) * slow
        if rng.random() < busy:
            at = int(np.clip(at + rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]), 0, len(steps) - 1))
            pitches = [steps[at]] if rng.random() < 0.9 else [steps[at], steps[max(0, at - 2)]]
            notes += touch(beat, length * legato, *pitches)
        beat += length
    return notes


STYLES: dict[str, Style] = {
    "block": _block,
    "pad": _pad,
    "stabs": _stabs,
    "arpeggio": _arpeggio,
    "strum": _strum,
    "power": _power,
    "ballad": _ballad,
    "melody": _melody,
}


def _within(pitch: int, lowest: int, highest: int) -> int:
    """The pitch moved by octaves into [lowest, highest], a range of at least an octave."""
    return int(lowest + (pitch - lowest) % 12) if not lowest <= pitch <= highest else int(pitch)
