"""Signals with structure, by which errors of arithmetic are measured: noise alone would not show where they gather."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from assets.demo_recording import write_demo_mixture
from assets.demo_synth.song import DEMO, SAMPLE_RATE
from assets.make_demo import PLAYERS
from separation.audio.waveform import Waveform, resample

Samples = NDArray[np.float32]  # (2, samples)


def structured(sample_rate: int, duration_s: float) -> dict[str, Samples]:
    """Return the demo song, tones that begin one after another, and a voice by itself, each (2, samples)."""
    signals = {"demo": demo(), "tones": Waveform(tones(duration_s), SAMPLE_RATE), "voice": voice()}
    n_samples = round(duration_s * sample_rate)
    return {name: resample(one, sample_rate).samples[:, :n_samples] for name, one in signals.items()}


def demo() -> Waveform:
    """Return the demo song."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "demo.flac")
        write_demo_mixture(path)
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Waveform(np.ascontiguousarray(samples.T), rate)


def tones(duration_s: float) -> Samples:
    """Return six tones of plucked strings' spectra, one after another and sounding on, each at a place of its own."""
    t_s = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    sides = np.zeros((2, t_s.size))
    for number, f_hz in enumerate((110.0, 164.8, 220.0, 277.2, 329.6, 440.0)):
        since_s = t_s - number * duration_s / 8
        partials = sum(np.sin(2 * np.pi * part * f_hz * since_s) / part for part in range(1, 9))
        tone = 0.05 * partials * np.exp(-np.maximum(since_s, 0)) * (since_s >= 0)
        sides += np.array([[6 - number], [1 + number]]) / 7 * tone
    return sides.astype(np.float32)


def voice() -> Waveform:
    """Return the demo's singer alone, from the first syllable on."""
    samples = np.asarray(PLAYERS["voice"](DEMO), np.float32)
    first = int(np.argmax(np.abs(samples).max(axis=0) > 0.01))
    return Waveform(np.ascontiguousarray(samples[:, first:]), SAMPLE_RATE)


def error_db(values: Any, exact: Any) -> float:
    """Return the energy of an error relative to what it is an error of, in dB; arrays of NumPy or PyTorch."""
    wrong, right = ((np.asarray(one, np.float64) ** 2).sum() for one in (values - exact, exact))
    return float(10 * np.log10(wrong / right))
