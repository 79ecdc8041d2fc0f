"""Kits of single strokes: recorded ones, a drum machine's, modelled skins and metal, and mixtures of them all.

There are few recorded kits that training may use, so hardly any song should hear one as it is: drums are taken from
several kits, retuned, damped, equalised and balanced anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy import signal

from assets.builtin.training.composing import Random
from assets.builtin.training.fluid import Samples
from separation.models.builtin import SAMPLE_RATE

Kit = Mapping[str, Sequence[Samples]]
Floats = npt.NDArray[np.floating[Any]]
# Modes of an ideal membrane over its lowest (Fletcher and Rossing, "The Physics of Musical Instruments", 1998).
MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.600, 3.652, 4.060, 4.154])
# A file or instrument whose name holds one of these words is that stroke; the first that fits wins.
STROKES = (
    ("kick", "kick bass_drum bassdrum bd_ bass_hard bass_soft djembe1 dununba1"),
    ("rim", "stick rim clave block elec_wood"),
    ("clap", "clap snap hand"),
    ("snare", "snare sn_ sd_ sn slap"),
    ("open hat", "open ohh cymbal_open elec_cymbal"),
    ("hat", "closed pedal hat hh tick chh"),
    ("tom", "tom tone djembe kenkeni sangban dununba bass"),
    ("crash", "crash splash cymbal_hard"),
    ("ride", "ride cymbal cup rd_ bl_"),
    ("percussion", "cowbell cb conga bongo tambour shaker fxshake maraca triangle tabla bell perc"),
)
LONGEST_S = 2.5
AUDIO = {".wav", ".flac", ".aiff", ".aif", ".ogg", ".mp3"}
# Loops and noises of Sonic Pi are no single strokes.
NO_STROKES = ("loop_", "ambi_", "vinyl", "bass_", "misc", "mehackit", "perc_door", "drum_roll")


def stroke_named(name: str) -> str | None:
    """The drum a file's or instrument's name means."""
    lower = name.lower().replace(" ", "_").replace("-", "_")
    return next((drum for drum, words in STROKES if any(word in lower for word in words.split())), None)


def load_kit(folder: Path) -> Kit:
    """The single strokes in a folder, by drum; files whose names say nothing are left out."""
    kit: dict[str, list[Samples]] = {}
    for name, path in _named_files(folder):
        drum = stroke_named(name)
        if drum and path.suffix.lower() in AUDIO and path.exists():
            kit.setdefault(drum, []).append(read_mono(path, LONGEST_S))
    return kit


def _named_files(folder: Path) -> list[tuple[str, Path]]:
    """Each sample with what it is called: in Hydrogen's list of instruments, or by its file's name."""
    listing = folder / "drumkit.xml"
    if not listing.exists():
        return [(path.stem, path) for path in sorted(folder.iterdir()) if not path.name.startswith(NO_STROKES)]
    text = re.sub(r"xmlns(:\w+)?=\"[^\"]+\"", "", listing.read_text("utf-8", "replace"))
    found = []
    for instrument in re.findall(r"<instrument>.*?</instrument>", text, re.DOTALL):
        name = re.search(r"<name>(.*?)</name>", instrument)
        files = re.findall(r"<filename>(.*?)</filename>", instrument)
        found += [(name[1] if name else file, folder / file) for file in files[-3:]]  # the loudest layers
    return found


def read_mono(path: Path, longest_s: float) -> Samples:
    """The mean of a file's channels at our rate, peak 1, at most `longest_s` seconds."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = audio[: int(longest_s * rate)].mean(axis=1)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.asarray(mono / (np.abs(mono).max() + 1e-6), dtype=np.float32)


def retuned(sound: Samples, ratio: float) -> Samples:
    """The sound played faster by a ratio."""
    n = int(len(sound) / ratio)
    return np.asarray(np.interp(np.arange(n) * ratio, np.arange(len(sound)), sound), np.float32)


def synthetic_kit(rng: Random) -> Kit:
    """A drum machine with its own sound: swept sines, filtered noise, metallic squares."""

    def time(seconds: float) -> Samples:
        return (np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE).astype(np.float32)

    def swept(t: Samples, end_hz: float, sweep_hz: float, fall_s: float) -> Samples:
        phase = 2 * np.pi * np.cumsum(end_hz + sweep_hz * np.exp(-t / fall_s)) / SAMPLE_RATE
        return np.asarray(np.sin(phase), np.float32)

    t = time(1.2)
    kick = swept(t, rng.uniform(36, 70), rng.uniform(60, 420), rng.uniform(0.008, 0.06)) * np.exp(
        -t / rng.uniform(0.07, 0.45)
    )
    kick = np.tanh(rng.uniform(1, 4) * (kick + rng.uniform(0, 0.5) * _noise(rng, t, 1500, 8000) * np.exp(-t / 0.003)))
    t = time(0.6)
    body = swept(t, rng.uniform(150, 260), 60, 0.02) * np.exp(-t / rng.uniform(0.03, 0.13))
    wires = _noise(rng, t, rng.uniform(500, 2500), rng.uniform(7000, 18_000)) * np.exp(-t / rng.uniform(0.05, 0.28))
    squares = sum(np.sign(np.sin(2 * np.pi * hz * t)) for hz in rng.uniform(2500, 9000, 6))
    metal = _noise(rng, t, 5000, 19_000) + rng.uniform(0, 0.4) * signal.sosfilt(
        signal.butter(4, rng.uniform(5000, 9000), "highpass", fs=SAMPLE_RATE, output="sos"), squares
    )
    clap_envelope = np.exp(-t / 0.1) * 0.4
    for delay_s in (0, 0.011, 0.022):
        clap_envelope[int(delay_s * SAMPLE_RATE) :][:350] += 1
    long = time(2.2)
    two_tone = np.sign(np.sin(2 * np.pi * 560 * t)) + np.sign(np.sin(2 * np.pi * 845 * t))
    shake = _noise(rng, t, 4000, 12_000) * np.exp(-(((t - 0.03) / 0.02) ** 2))
    kit = {
        "kick": [kick],
        "snare": [rng.uniform(0.3, 1) * body + 0.5 * wires],
        "hat": [metal * np.exp(-t / rng.uniform(0.015, 0.05))],
        "open hat": [metal * np.exp(-t / rng.uniform(0.12, 0.3))],
        "clap": [_noise(rng, t, rng.uniform(700, 1100), rng.uniform(1500, 4500)) * clap_envelope],
        "rim": [_noise(rng, t, 1500, 4000) * np.exp(-t / 0.01)],
        "tom": [swept(t, hz, hz, 0.03) * np.exp(-t / rng.uniform(0.1, 0.25)) for hz in (75, 110, 160)],
        "crash": [_noise(rng, long, rng.uniform(2000, 5000), 19_000) * np.exp(-long / rng.uniform(0.4, 0.9))],
        "ride": [_noise(rng, long, 5500, 19_000) * np.exp(-long / 0.35)],
        "percussion": [two_tone * np.exp(-t / 0.08), shake],
    }
    return {drum: [_to_peak(sound) for sound in sounds] for drum, sounds in kit.items()}


def modelled_kit(rng: Random) -> Kit:
    """A kit like a drummer's: skins with a membrane's modes, snares of noise, cymbals of many modes."""
    u = rng.uniform
    lowest_hz, metal = u(65, 125), cymbal(rng, u(0.15, 0.5), u(250, 900))
    t = np.arange(len(metal)) / SAMPLE_RATE
    kit = {
        "kick": [
            _sum(membrane(rng, u(42, 95), u(0.07, 0.4), u(0, 1.2), u(1.5, 3.5)), u(0.05, 0.6) * _stick(rng, 6000))
        ],
        "snare": [
            _sum(u(0.3, 1) * membrane(rng, u(140, 270), u(0.03, 0.16), u(0, 0.3), u(0.5, 2)), u(0.3, 1) * _snares(rng))
        ],
        "tom": [
            _sum(membrane(rng, hz, u(0.12, 0.5), u(0, 0.4), u(1, 2.5)), u(0, 0.3) * _stick(rng, 4000))
            for hz in (lowest_hz, 1.35 * lowest_hz, 1.8 * lowest_hz)
        ],
        "rim": [_sum(membrane(rng, u(350, 900), u(0.01, 0.04), 0, u(0, 1)), u(0, 0.5) * _stick(rng, 9000))],
        "clap": [_snares(rng)],
        "percussion": [membrane(rng, u(180, 700), u(0.03, 0.2), u(0, 0.2), u(0.5, 2)) for _ in range(2)],
        "crash": [cymbal(rng, u(0.5, 1.2), u(250, 600))],
        "ride": [_sum(cymbal(rng, u(0.5, 1.2), u(300, 900)), u(0, 0.6) * cymbal(rng, u(0.03, 0.2), u(2000, 4000)))],
        "open hat": [metal],
        "hat": [np.asarray(metal * np.exp(-t / u(0.012, 0.06)), np.float32)],
    }
    return {drum: [_to_peak(sound) for sound in sounds] for drum, sounds in kit.items()}


def membrane(rng: Random, hz: float, decay_s: float, bend: float, darkness: float) -> Samples:
    """A struck skin: its modes fade the sooner the higher they are, and its pitch falls by the share `bend`."""
    t = np.arange(int(min(LONGEST_S, 8 * decay_s) * SAMPLE_RATE)) / SAMPLE_RATE
    ratios = MEMBRANE * np.append(1.0, rng.uniform(0.94, 1.06, len(MEMBRANE) - 1))
    sizes = ratios**-darkness * rng.uniform(0.2, 1, len(ratios))
    cycles = hz * np.cumsum(1 + bend * np.exp(-t / rng.uniform(0.01, 0.05))) / SAMPLE_RATE
    sooner = rng.uniform(0.3, 1.2)
    audio = np.zeros(len(t))
    for ratio, size in zip(ratios, sizes, strict=True):
        audio += size * np.exp(-t * ratio**sooner / decay_s) * np.sin(2 * np.pi * ratio * cycles)
    return _to_peak(audio)


def cymbal(rng: Random, decay_s: float, lowest_hz: float) -> Samples:
    """Struck metal: seventy modes up to 17 kHz, the high ones fading sooner, and hiss."""
    t = np.arange(int(LONGEST_S * SAMPLE_RATE)) / SAMPLE_RATE
    modes_hz = np.exp(rng.uniform(np.log(lowest_hz), np.log(17_000), 70))
    centre_hz, octaves, sooner = rng.uniform(2500, 9000), rng.uniform(0.7, 2), rng.uniform(0.1, 0.7)
    audio = np.zeros(len(t))
    for hz in modes_hz:
        size = rng.uniform(0.1, 1) * np.exp(-0.5 * (np.log2(hz / centre_hz) / octaves) ** 2)
        fall_s = decay_s * (hz / 4000) ** -sooner
        audible = t[: int(8 * fall_s * SAMPLE_RATE)]
        audio[: len(audible)] += size * np.exp(-audible / fall_s) * np.sin(2 * np.pi * hz * audible + hz)
    hiss = _noise(rng, t, rng.uniform(3000, 7000), 19_000) * np.exp(-t / decay_s)
    return _to_peak(_to_peak(audio) + rng.uniform(0.1, 1.0) * _to_peak(hiss))


def _snares(rng: Random) -> Samples:
    t = np.arange(int(0.8 * SAMPLE_RATE)) / SAMPLE_RATE
    low_hz, high_hz = rng.uniform(400, 3000), rng.uniform(6000, 19_000)
    return _to_peak(_noise(rng, t, low_hz, high_hz) * np.exp(-t / rng.uniform(0.04, 0.25)))


def _stick(rng: Random, high_hz: float) -> Samples:
    """The click of what strikes."""
    t = np.arange(int(0.08 * SAMPLE_RATE)) / SAMPLE_RATE
    return _to_peak(_noise(rng, t, high_hz / 6, high_hz) * np.exp(-t / rng.uniform(0.002, 0.01)))


def mixed_kit(rng: Random, kits: Sequence[Kit]) -> Kit:
    """A kit with most drums of one and the others of any, each drum changed; sometimes two sound as one."""
    base = kits[int(rng.integers(len(kits)))]
    mixed: dict[str, list[Samples]] = {}
    for drum, _ in STROKES:
        having = [kit for kit in ([base] if rng.random() < 0.6 else kits) if drum in kit]
        if not having:
            continue
        sounds = having[int(rng.integers(len(having)))][drum]
        if rng.random() < 0.15:
            other = having[int(rng.integers(len(having)))][drum]
            sounds = [_sum(sound, rng.uniform(0.2, 1) * other[int(rng.integers(len(other)))]) for sound in sounds]
        mixed[drum] = changed(rng, sounds)
    return mixed


def changed(rng: Random, sounds: Sequence[Samples]) -> list[Samples]:
    """The sounds of one drum retuned, damped, equalised and at another level, all in the same way."""
    ratio = 2 ** rng.uniform(-0.4, 0.4)
    fall_s = rng.uniform(0.04, 0.6) if rng.random() < 0.35 else None
    level = 10 ** (rng.uniform(-9, 3) / 20)
    peaks = [(rng.uniform(60, 12_000), rng.uniform(0.3, 1.5), rng.uniform(-10, 10)) for _ in range(rng.integers(4))]
    tilt_db = rng.uniform(-2.5, 2.5)
    return [_equalised(_damped(retuned(sound, ratio), fall_s), peaks, tilt_db) * np.float32(level) for sound in sounds]


def _damped(sound: Samples, fall_s: float | None) -> Samples:
    if fall_s is None:
        return sound
    return np.asarray(sound * np.exp(-np.arange(len(sound)) / (fall_s * SAMPLE_RATE)), np.float32)


def _equalised(sound: Samples, peaks: Sequence[tuple[float, float, float]], tilt_db: float) -> Samples:
    """Bells of (Hz, octaves, dB), and a tilt in dB an octave; the peak is 1 after."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE), 20) / 1000)
    gain_db = tilt_db * octaves
    for hz, width, db in peaks:
        gain_db += db * np.exp(-0.5 * ((octaves - np.log2(hz / 1000)) / width) ** 2)
    return _to_peak(np.fft.irfft(np.fft.rfft(sound) * 10 ** (gain_db / 20), len(sound)))


def _sum(*sounds: Samples) -> Samples:
    total = np.zeros(max(map(len, sounds)), np.float32)
    for sound in sounds:
        total[: len(sound)] += sound
    return total


def _noise(rng: Random, t: Floats, low_hz: float, high_hz: float) -> Samples:
    sections = signal.butter(2, [low_hz, min(high_hz, 20_000)], "bandpass", fs=SAMPLE_RATE, output="sos")
    return np.asarray(signal.sosfilt(sections, rng.normal(0, 1, len(t))), np.float32)


def _to_peak(sound: Floats) -> Samples:
    return np.asarray(sound / (np.abs(sound).max() + 1e-6), np.float32)
