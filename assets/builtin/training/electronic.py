"""Electronic songs: held and pulsing basses of oscillators, leads and plucks, drum machines, all pumping to the kick.

Soundfonts have little of it, and records have much: without these songs a network takes a synthesiser's bass between
60 and 300 Hz for nothing it knows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import signal

from assets.builtin.training.composing import BEATS, Random, Song, part
from assets.builtin.training.drumming import Stroke, play
from assets.builtin.training.effects import driven, ducked, echo, swept
from assets.builtin.training.fluid import Note, Samples
from assets.builtin.training.kits import Kit
from assets.builtin.training.synthesis import Timbre, draw_timbre, play_timbre, slope
from separation.models.builtin import SAMPLE_RATE

SHARE = 0.4
KINDS = {"drums", "bass", "other"}
# Where in a bar a bass sounds, in sixteenths.
PULSES = {
    "held": (0,), "halves": (0, 8), "quarters": (0, 4, 8, 12), "off beat": (2, 6, 10, 14),
    "eighths": (*range(0, 16, 2),), "sixteenths": (*range(16),), "rolling": (1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15),
    "dotted": (0, 3, 6, 8, 11, 14),
}  # fmt: skip


def is_electronic(split_seed: int, number: int) -> bool:
    """Whether song `number` is one; its piano, guitar and strings are as in any other."""
    return bool(np.random.default_rng((split_seed, number, 99)).random() < SHARE)


def electronic_drums(rng: Random, strokes: list[Stroke], kit: Kit, n_samples: int) -> Samples:
    """The strokes, (n_samples,), sometimes driven, sometimes with an early sampler's few bits."""
    audio = play(rng, strokes, kit, n_samples)
    if rng.random() < 0.35:
        audio = driven(audio, rng.uniform(1, 5))
    if rng.random() < 0.1:
        steps = 2 ** int(rng.integers(5, 9))
        audio = np.asarray(np.round(audio / np.abs(audio).max() * steps) / steps, np.float32)
    return audio


def electronic_stem(rng: Random, name: str, song: Song, n_samples: int) -> Samples:
    """The bass or other of an electronic song, (n_samples,), of any level."""
    if name == "bass":
        return _pumping(rng, _bass(rng, song, n_samples), song, 0.55)
    notes = part(rng, song, "arpeggio arpeggio melody melody stabs pad", 45, 88)
    audio = play_timbre(rng, notes, draw_timbre(rng, "electronic"), n_samples)
    if rng.random() < 0.3:
        audio = swept(rng, audio)
    if rng.random() < 0.35:
        audio = echo(audio, song.beat_s * float(rng.choice([0.5, 0.75, 1])), rng.uniform(0.15, 0.5))
    return _pumping(rng, audio, song, 0.45)


def electronic_bass_part(rng: Random, song: Song) -> list[Note]:
    """The root in a steady pulse, from 37 Hz up to 156 Hz."""
    lowest = int(rng.choice([26, 29, 33, 36, 40]))
    pulse = PULSES[str(rng.choice(list(PULSES)))]
    jump = rng.choice(["none", "none", "octave", "fifth"])
    legato, velocity = rng.uniform(0.4, 1.0), int(rng.integers(85, 120))
    notes = []
    for bar in range(song.n_bars):
        root = song.chords[bar % len(song.chords)][0]
        root = lowest + (root - lowest) % 12
        for spot, following in zip(pulse, (*pulse[1:], 16), strict=True):
            leap = {"none": 0, "octave": 12, "fifth": 7}[jump] * int(rng.random() < 0.3)
            start_s = (bar * BEATS + spot / 4) * song.beat_s
            notes.append(Note(start_s, (following - spot) / 4 * legato * song.beat_s, root + leap, velocity))
    return notes


def _bass(rng: Random, song: Song, n_samples: int) -> Samples:
    audio = play_timbre(rng, electronic_bass_part(rng, song), _bass_timbre(rng), n_samples)
    if rng.random() < 0.25:
        audio = swept(rng, audio)
    elif rng.random() < 0.6:
        low_pass = signal.butter(2, 2 ** rng.uniform(7.5, 11.5), "lowpass", fs=SAMPLE_RATE, output="sos")
        audio = np.asarray(signal.sosfilt(low_pass, audio), np.float32)
    return driven(audio, rng.uniform(0.8, 6)) if rng.random() < 0.4 else audio


def _bass_timbre(rng: Random) -> Timbre:
    u = rng.uniform
    family = str(rng.choice(["pulse", "detuned", "fm", "sine"]))
    if family == "sine":
        timbre = Timbre(dark=slope(u(2.5, 6), 12, odd=u(0, 1)), bright=slope(u(2, 3), 20), click=u(0, 0.2))
    elif family == "fm":
        ratio = float(rng.choice([0.5, 1, 1, 2, 3]))
        timbre = Timbre(
            dark=slope(4.0, 8), bright=slope(3.0, 8), fm_ratio=ratio, fm_index=u(1, 6), brightness=u(0, 0.7)
        )
    else:
        odd, voices = (u(0, 0.4), 1) if family == "pulse" else (1.0, int(rng.integers(2, 5)))
        dark, bright = slope(u(1.4, 2.5), odd=odd), slope(u(0.8, 1.3), odd=odd)
        timbre = Timbre(dark=dark, bright=bright, voices=voices, detune_cents=u(6, 40), brightness=u(0, 1))
    return replace(
        timbre,
        attack_s=u(0.002, 0.03),
        decay_s=u(0.2, 1),
        sustain=u(0.5, 1),
        release_s=u(0.02, 0.15),
        brightness_s=u(0.05, 0.8),
    )


def _pumping(rng: Random, audio: Samples, song: Song, how_often: float) -> Samples:
    return ducked(audio, song, rng.uniform(0.4, 1)) if rng.random() < how_often else audio
