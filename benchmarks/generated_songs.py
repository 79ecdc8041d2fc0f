"""Songs with true stems made of nothing but random numbers; no model here has learned from any of them.

Drums, bass and singer are those of the demo (`assets.demo_synth`), which training never hears; tempo, key, chords,
bass, tune, words and balance of each song are drawn from its number. The accompaniment is the demo's keys in every
fifth song, and in the others oscillators as guitar, piano, strings or lead, of the kind that training uses too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from assets.builtin.training.composing import compose, part
from assets.builtin.training.synthesis import draw_timbre, play_timbre
from assets.demo_synth.effects import pan
from assets.demo_synth.song import DEMO, SAMPLE_RATE, Audio, Song, Syllable
from assets.make_demo import PLAYERS

Samples = npt.NDArray[np.float32]

N_BARS = 6
ACCOMPANIMENTS = {  # kind of timbre to styles and the range of pitches
    "keys": ("", 0, 0),
    "guitar": ("strum arpeggio power melody stabs", 40, 76),
    "strings": ("pad melody arpeggio stabs", 43, 88),
    "piano": ("block arpeggio melody stabs ballad", 40, 84),
    "electronic": ("arpeggio melody stabs pad", 45, 88),
}
STEM_OF = {"drums": "drums", "bass": "bass", "voice": "vocals", "keys": "other"}
PENTATONIC = (0, 3, 5, 7, 10)
LEVEL_DB = (-4.0, 4.0)  # of each stem, around equal loudness
RMS = 0.06


def songs(count: int, first: int = 0, lowest: int = 40) -> Iterator[dict[str, Samples]]:
    """Yield the stems of songs, each (2, samples) at 44.1 kHz, by the names of MUSDB18: drums, bass, vocals, other.

    Args:
        count: how many.
        first: number of the first.
        lowest: MIDI pitch below which no accompaniment but the demo's keys goes; down to 40 they play bass lines, too.
    """
    for number in range(first, first + count):
        rng = np.random.default_rng((7, number))
        song = _song(rng, number)
        stems = {}
        for name, play in PLAYERS.items():
            audio = _accompaniment(rng, number, song, lowest) if name == "keys" else play(song)
            level = np.sqrt(np.mean(audio**2))
            gain = RMS * 10 ** (rng.uniform(*LEVEL_DB) / 20) / level
            stems[STEM_OF[name]] = np.asarray(audio * gain, np.float32)
        yield stems


def mixed(stems: Mapping[str, Samples], *absent: str) -> Samples:
    """Return the sum of all stems but those that are absent."""
    return np.asarray(sum(stem for name, stem in stems.items() if name not in absent), np.float32)


def _accompaniment(rng: np.random.Generator, number: int, song: Song, least: int) -> Audio:
    kind = list(ACCOMPANIMENTS)[number % len(ACCOMPANIMENTS)]
    if kind == "keys":
        return PLAYERS["keys"](song)
    styles, lowest, highest = ACCOMPANIMENTS[kind]
    score = part(rng, compose(rng, song.duration_s), styles, max(lowest, least), highest)
    score = [replace(note, pitch=note.pitch + 12 * max(0, -(-(least - note.pitch) // 12))) for note in score]
    audio = play_timbre(rng, score, draw_timbre(rng, kind), song.n_samples)
    return pan(audio.astype(np.float64), float(rng.uniform(-0.6, 0.6)))


def _song(rng: np.random.Generator, number: int) -> Song:
    order = rng.permutation(len(DEMO.chords) - 1)[: N_BARS + 1]
    chords = tuple(DEMO.chords[bar] for bar in order)
    roots = tuple(DEMO.roots[bar] for bar in order)
    return replace(
        DEMO,
        tempo_bpm=float(rng.uniform(82, 138)),
        seed=10_000 + number,
        chords=chords,
        roots=roots,
        melody=tuple(_tune(rng)),
        transpose=int(rng.integers(-5, 6)),
        swing=float(rng.uniform(0.5, 0.64)),
    )


def _tune(rng: np.random.Generator) -> Iterator[Syllable]:
    """Yield syllables over all bars: words of the demo to another tune, with rests."""
    words = [syllable.phonemes for syllable in DEMO.melody]
    beat, step = 0.5, 2
    while beat < 4 * N_BARS - 2:
        length = float(rng.choice([0.5, 0.5, 1.0, 1.5]))
        step = int(np.clip(step + rng.integers(-2, 3), 0, 2 * len(PENTATONIC) - 1))
        pitch = 60 + 12 * (step // len(PENTATONIC)) + PENTATONIC[step % len(PENTATONIC)]
        yield Syllable(beat, length, pitch, str(rng.choice(words)))
        beat += length + float(rng.choice([0.0, 0.0, 0.0, 1.0]))


__all__ = ["SAMPLE_RATE", "mixed", "songs"]
