"""Songs and talks, made: what tells one from the other, and little else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tests.support.speaker import RATE, speaker

Samples = NDArray[np.float32]
CHORDS = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (-3, 0, 4))
SECONDS = 20.0


def song(seed: int) -> Samples:
    """Return (2, samples) at 48 kHz: chords, a bass, drums on most, and a voice that holds its notes on most."""
    rng = np.random.default_rng(seed)
    beat_s, key_hz = rng.uniform(0.35, 0.75), rng.uniform(110, 220)
    n_samples, beat = round(SECONDS * RATE), round(beat_s * RATE)
    mix = np.zeros(n_samples)
    for number, at in enumerate(range(0, n_samples, beat)):
        chord = CHORDS[number // 4 % len(CHORDS)]
        length = min(beat, n_samples - at)
        if number % 4 == 0:
            long = min(4 * beat, n_samples - at)
            mix[at : at + long] += sum(_note(key_hz * 2 ** (step / 12), long, 6) for step in chord) * 0.15
        mix[at : at + length] += 0.25 * _note(key_hz / 2 * 2 ** (chord[0] / 12), length, 3)
        if seed % 5:
            mix[at : at + length] += rng.uniform(0.6, 1) * 0.5 * _drum(rng, length, low=number % 2 == 0)
        if seed % 4:
            sung_hz = key_hz * 2 ** (chord[rng.integers(3)] / 12 + 1)
            mix[at : at + length] += 0.3 * _note(sung_hz, length, 12, vibrato=0.004)
    mix *= 0.1 / np.sqrt(np.mean(mix**2))
    return np.asarray(np.stack([mix, np.roll(mix, 40)]), np.float32)


def talk(seed: int) -> Samples:
    """Return (1, samples) at 48 kHz: somebody speaks, on most in noise of some colour, on some among others."""
    rng = np.random.default_rng(1000 + seed)
    voice = speaker(SECONDS, 1000 + seed).astype(np.float64)
    slope = (0, 1, 2)[seed % 3]
    spectrum = np.fft.rfft(rng.normal(size=voice.size))
    hz = np.maximum(np.fft.rfftfreq(voice.size, 1 / RATE), 20)
    noise = np.fft.irfft(spectrum * hz ** (-slope / 2), voice.size)
    snr_db = (60, 20, 10, 5)[seed % 4]
    mix = voice + noise * 0.1 / np.sqrt(np.mean(noise**2)) * 10 ** (-snr_db / 20)
    if seed % 5 == 0:
        mix += sum(0.1 * speaker(SECONDS, 2000 + 10 * seed + other) for other in range(4))
    return np.asarray(mix[None], np.float32)


@lru_cache(maxsize=32)  # a song has 28: each chord comes back
def _note(hz: float, n_samples: int, n_partials: int, vibrato: float = 0.0) -> NDArray[np.float64]:
    seconds = np.arange(n_samples) / RATE
    phase = 2 * np.pi * hz * (seconds + vibrato * np.sin(2 * np.pi * 5.5 * seconds) / (2 * np.pi * 5.5))
    fade = np.minimum(1, np.minimum(seconds, seconds[::-1]) / 0.02)
    # sin(k phase) from the two partials below it, as one sine is worth twenty products.
    below, partial, twice = np.zeros(n_samples), np.sin(phase), 2 * np.cos(phase)
    note = partial.copy()
    for number in range(2, n_partials + 1):
        below, partial = partial, twice * partial - below
        note += partial / number
    return fade * note


def _drum(rng: np.random.Generator, n_samples: int, *, low: bool) -> NDArray[np.float64]:
    seconds = np.arange(n_samples) / RATE
    if low:
        return np.sin(2 * np.pi * 55 * seconds) * np.exp(-seconds / 0.08)
    return rng.normal(size=n_samples) * np.exp(-seconds / 0.05)
