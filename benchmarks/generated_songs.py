"""Songs with true stems made of nothing but random numbers, none of which any model here has learned from.

The instruments are those of the demo (`assets.demo_synth`); tempo, key, chords, bass, tune, words and balance of each
song are drawn from its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from assets.demo_synth.song import DEMO, SAMPLE_RATE, Song, Syllable
from assets.make_demo import PLAYERS

Samples = npt.NDArray[np.float32]

N_BARS = 6
STEM_OF = {"drums": "drums", "bass": "bass", "voice": "vocals", "keys": "other"}
PENTATONIC = (0, 3, 5, 7, 10)
LEVEL_DB = (-4.0, 4.0)  # of each stem, around equal loudness
RMS = 0.06


def songs(count: int, first: int = 0) -> Iterator[dict[str, Samples]]:
    """Yield the stems of songs, each (2, samples) at 44.1 kHz, by the names of MUSDB18: drums, bass, vocals, other."""
    for number in range(first, first + count):
        rng = np.random.default_rng((7, number))
        song = _song(rng, number)
        stems = {}
        for name, play in PLAYERS.items():
            audio = play(song)
            level = np.sqrt(np.mean(audio**2))
            gain = RMS * 10 ** (rng.uniform(*LEVEL_DB) / 20) / level
            stems[STEM_OF[name]] = np.asarray(audio * gain, np.float32)
        yield stems


def mixed(stems: Mapping[str, Samples], *absent: str) -> Samples:
    """Return the sum of all stems but those that are absent."""
    return np.asarray(sum(stem for name, stem in stems.items() if name not in absent), np.float32)


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
