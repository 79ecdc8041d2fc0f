"""Drum parts: patterns of sixteen steps, played on kits of single strokes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assets.builtin.training.composing import BEATS, Random, Song
from assets.builtin.training.fluid import Note, Samples
from assets.builtin.training.kits import Kit, retuned
from separation.models.builtin import SAMPLE_RATE

STEPS = 16
GENERAL_MIDI = {
    "kick": (36, 35), "rim": (37,), "snare": (38, 40), "clap": (39,), "hat": (42, 44), "open hat": (46,),
    "tom": (41, 43, 45, 47, 48, 50), "crash": (49, 57, 55, 52), "ride": (51, 59, 53),
    "percussion": (54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 76, 82),
}  # fmt: skip
# What is struck when a kit lacks a drum, in this order.
INSTEAD = {
    "hat": ("open hat", "ride", "percussion"), "open hat": ("hat", "ride", "percussion"), "ride": ("open hat", "hat"),
    "crash": ("ride", "open hat"), "clap": ("snare",), "rim": ("snare",), "percussion": ("tom",), "tom": ("kick",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of a drum; `strength` 0 to 1."""

    start_s: float
    drum: str
    strength: float


def drum_part(rng: Random, song: Song) -> list[Stroke]:
    """A pattern for every bar, with fills, ghost notes and cymbals."""
    style = str(rng.choice(["rock", "rock", "four", "four", "hip hop", "half", "break", "bossa", "random", "tribal"]))
    step_s = song.beat_s * BEATS / STEPS
    swing = float(rng.choice([0, 0, 0, 0.12, 0.3]))
    every = int(rng.choice([1, 2, 2, 2, 4]))
    time_keeper = str(rng.choice(["hat", "hat", "hat", "ride", "open hat", "percussion"]))
    back_beat = str(rng.choice(["snare", "snare", "snare", "clap", "rim"]))
    looseness_s, ghosts, crashes = rng.uniform(0, 0.007), rng.uniform(0, 0.2), rng.uniform(0, 0.5)
    kicks, backs = _pattern(rng, style)
    strokes: list[Stroke] = []
    for bar in range(song.n_bars):
        if rng.random() < 0.25:
            kicks, backs = _pattern(rng, style)
        fill_from = int(rng.choice([8, 12])) if rng.random() < 0.2 else STEPS
        for step in range(STEPS):
            on_beat = step % 4 == 0
            hits: list[tuple[str, float]] = []
            if step >= fill_from:
                hits += [(str(rng.choice(["tom", "tom", "snare"])), rng.uniform(0.5, 1))] * int(rng.random() < 0.75)
            else:
                hits += [("kick", rng.uniform(0.75, 1))] * (step in kicks)
                hits += [(back_beat, rng.uniform(0.7, 1))] * (step in backs)
                hits += [("snare", rng.uniform(0.1, 0.35))] * int(step not in backs and rng.random() < ghosts)
                if style == "tribal":
                    hits += [(str(rng.choice(["tom", "percussion"])), rng.uniform(0.3, 1))] * int(rng.random() < 0.45)
                elif step % every == 0:
                    keeper = "open hat" if rng.random() < 0.07 else time_keeper
                    hits += [(keeper, rng.uniform(0.4, 0.9) * (1 if on_beat else 0.7))]
            hits += [("crash", rng.uniform(0.5, 1))] * int(step == 0 and rng.random() < crashes)
            for drum, strength in hits:
                at = (bar * STEPS + step + swing * (step % 2)) * step_s + rng.normal(0, looseness_s)
                strokes.append(Stroke(max(0.0, at), drum, float(strength)))
    return strokes


def _pattern(rng: Random, style: str) -> tuple[set[int], set[int]]:
    """Steps of the kick and of the back beat."""
    extra = {int(step) for step in range(STEPS) if rng.random() < 0.12}
    if style == "rock":
        return {0, 8} | extra, {4, 12}
    if style == "four":
        return {0, 4, 8, 12}, {4, 12}
    if style == "hip hop":
        return {0, int(rng.choice([6, 7, 10])), int(rng.choice([9, 10, 11, 14]))}, {4, 12}
    if style == "half":
        return {0} | extra, {8}
    if style == "break":
        return {0, 10} | extra, {4, 12}
    if style == "bossa":
        return {0, 3, 8, 11}, {0, 3, 6, 10, 12}
    return {int(s) for s in np.flatnonzero(rng.random(STEPS) < 0.25)}, set(np.flatnonzero(rng.random(STEPS) < 0.2))


def as_notes(rng: Random, strokes: Sequence[Stroke]) -> list[Note]:
    """The strokes as notes of a General MIDI kit; a song keeps to one kick and one snare."""
    usual = {drum: int(rng.choice(keys)) for drum, keys in GENERAL_MIDI.items()}
    notes = []
    for stroke in strokes:
        varied = stroke.drum in {"tom", "percussion"}
        key = int(rng.choice(GENERAL_MIDI[stroke.drum])) if varied else usual[stroke.drum]
        notes.append(Note(stroke.start_s, 0.15, key, int(25 + 102 * stroke.strength)))
    return notes


def play(rng: Random, strokes: Sequence[Stroke], kit: Kit, n_samples: int) -> Samples:
    """The strokes played on a kit of samples, (n_samples,)."""
    tuning = rng.uniform(0.9, 1.12)
    chosen = {drum: retuned(sounds[int(rng.integers(len(sounds)))], tuning) for drum, sounds in kit.items()}
    audio = np.zeros(n_samples, np.float32)
    for stroke in strokes:
        drum = next((name for name in (stroke.drum, *INSTEAD.get(stroke.drum, ())) if name in kit), None)
        if drum is None:
            continue
        sound = kit[drum][int(rng.integers(len(kit[drum])))] if drum in {"tom", "percussion"} else chosen[drum]
        start = int(stroke.start_s * SAMPLE_RATE)
        piece = sound[: max(0, n_samples - start)]
        audio[start : start + len(piece)] += piece * np.float32(stroke.strength**1.5)
    return audio
