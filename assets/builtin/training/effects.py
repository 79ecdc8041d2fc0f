"""What happens to an instrument between its string and the record, (n_samples,) in and out."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from scipy import signal

from assets.builtin.training.composing import Random, Song
from assets.builtin.training.fluid import Samples
from separation.models.builtin import SAMPLE_RATE


def with_effects(rng: Random, audio: Samples, kind: str, song: Song) -> Samples:
    """The effects a producer might put on a stem of a class; many stems get none."""
    if kind == "guitar" and rng.random() < 0.3:
        audio = amplified(rng, audio)
    if kind == "bass" and rng.random() < 0.25:
        audio = driven(audio, rng.uniform(1, 6))
    if kind in {"piano", "guitar", "other"} and rng.random() < 0.15:
        audio = tremolo(audio, rng.uniform(2, 8), rng.uniform(0.2, 0.9))
    if kind in {"guitar", "piano", "strings", "other"} and rng.random() < 0.2:
        audio = chorus(audio, rng.uniform(0.1, 2), rng.uniform(0.3, 0.7))
    if kind == "other" and rng.random() < 0.25:
        audio = swept(rng, audio)
    if kind in {"other", "bass", "piano"} and rng.random() < 0.12:
        audio = ducked(audio, song, rng.uniform(0.4, 1))
    if kind in {"other", "guitar"} and rng.random() < 0.2:
        audio = echo(audio, song.beat_s * float(rng.choice([0.5, 0.75, 1])), rng.uniform(0.15, 0.5))
    return audio


def driven(audio: Samples, drive: float) -> Samples:
    """Soft clipping; `drive` is the peak in units of where it bends."""
    return np.asarray(np.tanh(audio / (np.abs(audio).max() + 1e-6) * drive), np.float32)


def amplified(rng: Random, audio: Samples) -> Samples:
    """A guitar amplifier: low cut, drive, and a loudspeaker that ends at 5 kHz."""
    cut = signal.sosfilt(_butter(1, rng.uniform(80, 500), "highpass"), audio)
    loud = driven(np.asarray(cut, np.float32), 10 ** rng.uniform(0.3, 1.7))
    loud = loud + rng.uniform(0, 0.5) * np.asarray(
        signal.sosfilt(_butter(1, (900, 2500), "bandpass"), loud), np.float32
    )
    return np.asarray(signal.sosfilt(_butter(4, rng.uniform(3500, 6500), "lowpass"), loud), np.float32)


def tremolo(audio: Samples, hz: float, depth: float) -> Samples:
    """Loudness going up and down."""
    t = np.arange(len(audio)) / SAMPLE_RATE
    return np.asarray(audio * (1 - depth / 2 + depth / 2 * np.sin(2 * np.pi * hz * t)), np.float32)


def chorus(audio: Samples, hz: float, mix: float) -> Samples:
    """A copy whose delay sways between 8 and 16 ms."""
    at = np.arange(len(audio)) - SAMPLE_RATE * (
        0.012 + 0.004 * np.sin(2 * np.pi * hz * np.arange(len(audio)) / SAMPLE_RATE)
    )
    return np.asarray(audio + mix * np.interp(at, np.arange(len(audio)), audio, left=0), np.float32)


def echo(audio: Samples, delay_s: float, feedback: float) -> Samples:
    """Repeats, each weaker."""
    delay = max(1, int(delay_s * SAMPLE_RATE))
    out = audio.copy()
    for repeat in range(1, 5):
        if repeat * delay < len(audio):
            out[repeat * delay :] += feedback**repeat * audio[: -repeat * delay]
    return out


def ducked(audio: Samples, song: Song, depth: float) -> Samples:
    """Pumping: quiet on every beat, as a compressor keyed by a kick makes it."""
    since_beat = (np.arange(len(audio)) / SAMPLE_RATE) % song.beat_s
    return np.asarray(audio * (1 - depth * np.exp(-since_beat / (0.3 * song.beat_s))), np.float32)


def swept(rng: Random, audio: Samples) -> Samples:
    """A low-pass that opens or closes, as a blend of three."""
    edges_hz = (rng.uniform(250, 700), rng.uniform(1200, 3000), 16_000.0)
    filtered = [np.asarray(signal.sosfilt(_butter(2, edge, "lowpass"), audio), np.float32) for edge in edges_hz]
    t = np.arange(len(audio)) / SAMPLE_RATE
    at = 1 + np.sin(2 * np.pi * rng.uniform(0.05, 0.6) * t + rng.uniform(0, 6))  # 0 to 2
    shares = [np.maximum(0, 1 - np.abs(at - i)) for i in range(3)]
    return np.asarray(sum(share * part for share, part in zip(shares, filtered, strict=True)), np.float32)


def in_a_room(rng: Random, audio: Samples) -> Samples:
    """With a room's reflections: coloured noise that fades."""
    n = int(0.8 * SAMPLE_RATE)
    tail = rng.normal(0, 1, n) * np.exp(-np.arange(n) / (rng.uniform(0.03, 0.2) * SAMPLE_RATE))
    tail = signal.sosfilt(_butter(1, rng.uniform(1500, 12_000), "lowpass"), tail)
    tail = tail * rng.uniform(0.1, 0.6) / np.sqrt((tail**2).sum())
    return np.asarray(audio + signal.fftconvolve(audio, tail)[: len(audio)], np.float32)


def noise_effect(rng: Random, n_samples: int) -> Samples:
    """Risers, wind and vinyl: sounds without a note that songs have, for “other”."""
    hiss = rng.normal(0, 1, n_samples)
    t = np.arange(n_samples) / SAMPLE_RATE
    if rng.random() < 0.3:  # crackle
        return np.asarray(hiss * (rng.random(n_samples) < 3e-4) + 0.01 * hiss, np.float32)
    centre_hz = rng.uniform(400, 5000)
    band = signal.sosfilt(_butter(2, (centre_hz / 1.6, centre_hz * 1.6), "bandpass"), hiss)
    high = signal.sosfilt(_butter(2, 5000, "highpass"), hiss)
    period_s = rng.uniform(2, 10)
    rise = ((t + rng.uniform(0, period_s)) % period_s) / period_s
    rise = rise if rng.random() < 0.6 else 1 - rise
    return np.asarray((band * (1 - rise) + 0.6 * high * rise) * rise ** rng.uniform(0.3, 2), np.float32)


def _butter(order: int, hz: float | tuple[float, float], kind: str) -> Any:
    return cast(Any, signal.butter)(order, hz, kind, fs=SAMPLE_RATE, output="sos")  # its types want literals
