"""A speaker made of formants, whom the speech separator takes for one: vowels, consonants, pauses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 48_000
# First three resonances of vowels for a man's vocal tract.
VOWELS_HZ = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (440, 1020, 2240),
)
BANDWIDTHS_HZ = (80, 90, 120)
SIBILANT = signal.butter(2, [3500, 8000], "band", fs=RATE)


def speaker(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Return somebody who speaks, (samples,) at 48 kHz, -20 dBFS."""
    rng, said = np.random.default_rng(seed), []
    while sum(map(len, said)) < seconds * RATE:
        # Nobody speaks in time: syllables are of very unlike lengths and levels.
        vowel = _vowel(rng, round(np.clip(rng.lognormal(np.log(0.14), 0.5), 0.05, 0.5) * RATE))
        said.append(vowel * rng.lognormal(0, 0.5))
        n_consonant = round(rng.uniform(0.02, 0.16) * RATE)
        noise = signal.lfilter(*SIBILANT, rng.normal(size=n_consonant)) * np.hanning(n_consonant)
        said.append(0.15 * noise * (rng.random() < 0.6))
        said.append(np.zeros(round(0.3 * RATE) * (rng.random() < 0.15)))
    speech = np.concatenate(said)[: round(seconds * RATE)]
    return np.asarray(0.1 * speech / np.sqrt(np.mean(speech**2)), np.float32)


def _vowel(rng: np.random.Generator, n_samples: int) -> NDArray[np.float64]:
    pitch_hz = 120 * 2 ** (rng.uniform(-0.3, 0.3) + 0.15 * np.sin(2 * np.pi * 1.5 * np.arange(n_samples) / RATE))
    pulses = np.diff(np.floor(np.cumsum(pitch_hz) / RATE), prepend=0)
    vowel = signal.lfilter([1], [1, -0.96], pulses)
    for resonance_hz, width_hz in zip(VOWELS_HZ[rng.integers(len(VOWELS_HZ))], BANDWIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * width_hz / RATE)
        poles = [1, -2 * radius * np.cos(2 * np.pi * resonance_hz / RATE), radius**2]
        vowel = signal.lfilter([1 - radius], poles, vowel)
    vowel = vowel * np.sqrt(np.hanning(n_samples))
    return vowel / (np.abs(vowel).max() + 1e-9)
