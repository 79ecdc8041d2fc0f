"""Instruments of our own: two wave tables, a dark and a bright one, blended by envelopes. No two are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from assets.builtin.training.composing import Random
from assets.builtin.training.fluid import Note, Samples
from separation.models.builtin import SAMPLE_RATE

TABLE = 2048
LONGEST_S = 5.0
TOP_HZ = 19_000.0
ELECTRONIC = ("lead", "super saw", "pad", "pluck")


@dataclass(frozen=True, kw_only=True, slots=True)
class Timbre:
    """An instrument's sound.

    Args:
        dark: amplitudes of the harmonics when it is dull.
        bright: the same when it is bright.
        attack_s: until it is at its loudest.
        decay_s: time constant of its fall to `sustain`.
        sustain: level it keeps while a note is held, 0 to 1.
        release_s: time constant after the note.
        brightness_s: time constant with which it grows dull.
        brightness: least share of the bright table, 0 to 1.
        voices: detuned copies.
        detune_cents: how far apart they are.
        vibrato_cents: depth of the vibrato, of `vibrato_hz`.
        vibrato_hz: its rate.
        bend_semitones: pitch at the start of a note above the pitch it settles on, falling within `bend_s`.
        bend_s: time constant of that.
        fm_ratio: frequency of a modulating sine over the note's.
        fm_index: its depth at the start, falling with the brightness.
        noise: breath or bow noise beside the tone.
        click: noise in the first milliseconds.
        formants_hz: resonances of the body, which do not move with pitch.
    """

    dark: Samples = field(repr=False)
    bright: Samples = field(repr=False)
    attack_s: float = 0.005
    decay_s: float = 0.5
    sustain: float = 0.0
    release_s: float = 0.05
    brightness_s: float = 0.2
    brightness: float = 0.0
    voices: int = 1
    detune_cents: float = 0.0
    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.5
    bend_semitones: float = 0.0
    bend_s: float = 0.03
    fm_ratio: float = 1.0
    fm_index: float = 0.0
    noise: float = 0.0
    click: float = 0.0
    formants_hz: tuple[float, ...] = ()


def play_timbre(rng: Random, notes: Sequence[Note], timbre: Timbre, n_samples: int) -> Samples:
    """The notes played by a timbre, (n_samples,), of any level."""
    audio = np.zeros(n_samples, np.float32)
    tones: dict[int, Samples] = {}
    longest_s = min(LONGEST_S, max((note.duration_s for note in notes), default=0) + 6 * timbre.release_s)
    for note in notes:
        start = int(max(0.0, note.start_s) * SAMPLE_RATE)
        if start >= n_samples:
            continue
        if note.pitch not in tones:
            tones[note.pitch] = tone(rng, timbre, 440 * 2 ** ((note.pitch - 69) / 12), longest_s)
        held = int(max(0.03, note.duration_s) * SAMPLE_RATE)
        length = min(held + int(6 * timbre.release_s * SAMPLE_RATE), len(tones[note.pitch]), n_samples - start)
        piece = tones[note.pitch][:length].copy()
        if length > held:
            piece[held:] *= np.exp(-np.arange(length - held) / (timbre.release_s * SAMPLE_RATE))
        audio[start : start + length] += piece * np.float32((note.velocity / 127) ** 1.5)
    return audio


def tone(rng: Random, timbre: Timbre, hz: float, seconds: float) -> Samples:
    """One held note."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    share = np.exp(-t / timbre.brightness_s) * (1 - timbre.brightness) + timbre.brightness
    loud = np.minimum(t / max(timbre.attack_s, 1e-3), 1) * (
        timbre.sustain + (1 - timbre.sustain) * np.exp(-np.maximum(t - timbre.attack_s, 0) / timbre.decay_s)
    )
    dark, bright = (_table(spectrum, hz, timbre.formants_hz) for spectrum in (timbre.dark, timbre.bright))
    audio = np.zeros(len(t))
    for voice in range(timbre.voices):
        offset = (voice - (timbre.voices - 1) / 2) * timbre.detune_cents
        vibrato = (
            timbre.vibrato_cents
            * np.minimum(t / 0.4, 1)
            * np.sin(2 * np.pi * timbre.vibrato_hz * t + rng.uniform(0, 6))
        )
        cents = offset + vibrato + 100 * timbre.bend_semitones * np.exp(-t / timbre.bend_s)
        cycles = np.cumsum(hz * 2 ** (cents / 1200)) / SAMPLE_RATE + rng.random()
        if timbre.fm_index:
            cycles = cycles + timbre.fm_index * share * np.sin(2 * np.pi * timbre.fm_ratio * cycles) / (2 * np.pi)
        at = (cycles * TABLE).astype(np.int64) % TABLE
        audio += dark[at] * (1 - share) + bright[at] * share
    if timbre.noise or timbre.click:
        hiss = rng.normal(0, 1, len(t))
        hiss = np.diff(hiss, prepend=0) + 0.3 * hiss
        audio += timbre.voices**0.5 * hiss * (timbre.noise + timbre.click * np.exp(-t / 0.004))
    return (audio * loud).astype(np.float32)


def _table(spectrum: Samples, hz: float, formants_hz: tuple[float, ...]) -> Samples:
    """One cycle with the harmonics that fit below `TOP_HZ`, its mean square a half."""
    orders = np.arange(1, len(spectrum) + 1)
    amplitudes = np.where(orders * hz < TOP_HZ, spectrum, 0.0)
    if formants_hz:
        amplitudes = amplitudes * (0.25 + resonances(orders * hz, formants_hz))
    coefficients = np.zeros(TABLE // 2 + 1, complex)
    coefficients[1 : len(spectrum) + 1] = amplitudes * np.exp(1j * orders**2 * 1.7)  # spread phases: no peaky pulses
    cycle = np.fft.irfft(coefficients) * TABLE
    return np.asarray(cycle / (np.sqrt((cycle**2).mean() * 2) + 1e-9), np.float32)


def resonances(hz: Samples, formants_hz: Sequence[float], width: float = 0.12) -> Samples:
    """Gain of resonances a share `width` wide at each frequency."""
    return np.asarray(sum(np.exp(-0.5 * ((hz / formant - 1) / width) ** 2) for formant in formants_hz))


def slope(exponent: float, n: int = 80, odd: float = 1.0) -> Samples:
    """Harmonics falling as k ** -exponent; `odd` below 1 weakens the even ones."""
    k = np.arange(1, n + 1)
    return np.asarray(k**-exponent * np.where(k % 2 == 1, 1.0, odd), np.float32)


def draw_timbre(rng: Random, kind: str) -> Timbre:
    """A random instrument of a class: "bass", "piano", "guitar", "strings", "other", or "electronic" of other."""
    u = rng.uniform
    if kind == "bass":
        return _bass(rng)
    if kind == "piano":  # electric pianos
        return Timbre(
            dark=slope(u(2.5, 4)),
            bright=slope(u(1.2, 2)),
            attack_s=0.002,
            decay_s=u(0.6, 2.5),
            release_s=u(0.03, 0.15),
            brightness_s=u(0.1, 0.6),
            fm_ratio=float(rng.choice([1, 2, 7, 14])),
            fm_index=u(0, 2.5),
            click=u(0, 0.4),
            vibrato_cents=u(0, 4),
        )
    if kind == "guitar":
        plucked_at = u(0.08, 0.35)
        comb = np.abs(np.sin(np.pi * plucked_at * np.arange(1, 61))) + 0.03
        return Timbre(
            dark=slope(u(2, 3.2), 60) * comb,
            bright=slope(u(0.6, 1.5), 60) * comb,
            attack_s=0.001,
            decay_s=u(0.3, 2.0),
            release_s=u(0.02, 0.1),
            brightness_s=u(0.03, 0.35),
            click=u(0, 0.8),
            vibrato_cents=u(0, 12),
            voices=int(rng.choice([1, 1, 1, 2])),
            detune_cents=u(2, 9),
            formants_hz=tuple(u(90, 1800, 3)) if rng.random() < 0.7 else (),
            bend_semitones=u(0, 0.2),
        )
    if kind == "strings":
        return Timbre(
            dark=slope(u(1.6, 2.4)),
            bright=slope(u(0.8, 1.3)),
            attack_s=u(0.03, 0.4),
            sustain=u(0.7, 1),
            release_s=u(0.05, 0.4),
            brightness=u(0.2, 1),
            voices=int(rng.choice([1, 1, 3, 5, 7])),
            detune_cents=u(3, 12),
            vibrato_cents=u(5, 35),
            vibrato_hz=u(4.5, 6.8),
            noise=u(0, 0.06),
            formants_hz=tuple(u(250, 4500, 5)),
        )
    return _other(rng, ELECTRONIC if kind == "electronic" else (*ELECTRONIC, "organ", "flute", "brass", "bell"))


def _bass(rng: Random) -> Timbre:
    u = rng.uniform
    family = rng.choice(["plucked", "synth", "sub", "808"])
    if family == "plucked":
        comb = np.abs(np.sin(np.pi * u(0.05, 0.3) * np.arange(1, 61))) + 0.05
        return Timbre(
            dark=slope(u(1.8, 3), 60) * comb,
            bright=slope(u(0.7, 1.6), 60) * comb,
            attack_s=0.003,
            decay_s=u(0.4, 2),
            release_s=u(0.03, 0.12),
            brightness_s=u(0.04, 0.3),
            click=u(0, 0.5),
        )
    if family == "synth":
        return Timbre(
            dark=slope(u(1.5, 3), odd=u(0, 1)),
            bright=slope(u(0.8, 1.4), odd=u(0, 1)),
            attack_s=u(0.002, 0.02),
            decay_s=u(0.2, 1),
            sustain=u(0.3, 1),
            release_s=u(0.02, 0.1),
            brightness_s=u(0.03, 0.5),
            brightness=u(0, 0.6),
            voices=int(rng.choice([1, 2, 3])),
            detune_cents=u(3, 15),
        )
    return Timbre(
        dark=slope(u(3, 6), 12),
        bright=slope(u(2, 4), 12),
        attack_s=0.004,
        decay_s=u(0.5, 2.5),
        sustain=0.8 if family == "sub" else 0.0,
        release_s=u(0.05, 0.3),
        bend_semitones=u(3, 18) if family == "808" else 0.0,
        bend_s=u(0.01, 0.05),
        click=u(0, 0.3),
    )


def _other(rng: Random, families: Sequence[str]) -> Timbre:
    u = rng.uniform
    family = rng.choice(list(families))
    slow = family in {"pad"}
    if family in {"lead", "super saw", "pad"}:
        return Timbre(
            dark=slope(u(1.3, 2.5), odd=u(0, 1)),
            bright=slope(u(0.7, 1.2), odd=u(0, 1)),
            attack_s=u(0.1, 0.6) if slow else u(0.002, 0.05),
            sustain=u(0.6, 1),
            release_s=u(0.05, 0.5),
            brightness_s=u(0.1, 2),
            brightness=u(0, 1),
            voices=int(rng.choice([3, 5, 7])) if family != "lead" else int(rng.choice([1, 1, 2])),
            detune_cents=u(4, 18),
            vibrato_cents=u(0, 25),
        )
    if family == "pluck":
        return Timbre(
            dark=slope(u(2, 4), odd=u(0, 1)),
            bright=slope(u(0.6, 1.4), odd=u(0, 1)),
            attack_s=0.002,
            decay_s=u(0.08, 0.6),
            release_s=u(0.03, 0.3),
            brightness_s=u(0.03, 0.3),
            voices=int(rng.choice([1, 2, 3])),
            detune_cents=u(3, 14),
        )
    if family == "organ":
        drawbars = np.zeros(24, np.float32)
        drawbars[[0, 1, 2, 3, 5, 7, 9, 11, 15]] = rng.random(9)
        drawbars[0] += 0.5
        return Timbre(
            dark=drawbars,
            bright=drawbars,
            sustain=1.0,
            release_s=0.03,
            vibrato_cents=u(0, 14),
            vibrato_hz=u(5, 7),
            click=u(0, 0.3),
        )
    if family == "flute":
        return Timbre(
            dark=slope(u(2.2, 4), 20, odd=u(0.1, 1)),
            bright=slope(u(1.5, 2.5), 20, odd=u(0.1, 1)),
            attack_s=u(0.02, 0.12),
            sustain=u(0.7, 1),
            release_s=u(0.03, 0.15),
            brightness=u(0, 0.6),
            vibrato_cents=u(3, 25),
            noise=u(0.01, 0.15),
        )
    if family == "brass":
        return Timbre(
            dark=slope(u(1.2, 2)),
            bright=slope(u(0.5, 1)),
            attack_s=u(0.02, 0.12),
            sustain=u(0.7, 1),
            release_s=u(0.03, 0.1),
            brightness_s=u(0.1, 0.5),
            brightness=u(0.1, 0.6),
            voices=int(rng.choice([1, 1, 3])),
            detune_cents=u(3, 10),
            vibrato_cents=u(0, 15),
            bend_semitones=-u(0, 0.6),
            formants_hz=tuple(u(400, 2500, 2)),
        )
    return Timbre(
        dark=slope(u(2, 4), 12),
        bright=slope(u(1, 2), 12),
        attack_s=0.001,
        decay_s=u(0.3, 2.5),
        release_s=u(0.2, 1),
        brightness_s=u(0.1, 0.8),
        fm_ratio=u(1.2, 7.5),
        fm_index=u(1, 6),
        click=u(0, 0.2),
    )
