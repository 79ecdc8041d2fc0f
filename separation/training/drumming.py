"""Drum parts: patterns of sixteen steps, and kits of single strokes to play them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy import signal

from separation.models.builtin import SAMPLE_RATE
from separation.training.composing import BEATS, Random, Song
from separation.training.fluid import Note, Samples

STEPS = 16
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
LONGEST_S = 2.5
AUDIO = {".wav", ".flac", ".aiff", ".aif", ".ogg"}
# Loops and noises of Sonic Pi are no single strokes.
NO_STROKES = ("loop_", "ambi_", "vinyl", "bass_", "misc", "mehackit", "perc_door", "drum_roll")
Kit = Mapping[str, Sequence[Samples]]


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
    chosen = {drum: _retuned(sounds[int(rng.integers(len(sounds)))], tuning) for drum, sounds in kit.items()}
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


def _retuned(sound: Samples, ratio: float) -> Samples:
    n = int(len(sound) / ratio)
    return np.asarray(np.interp(np.arange(n) * ratio, np.arange(len(sound)), sound), np.float32)


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


def synthetic_kit(rng: Random) -> Kit:
    """A drum machine with its own sound: swept sines, filtered noise, metallic squares."""

    def time(seconds: float) -> Samples:
        return (np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE).astype(np.float32)

    def noise(t: Samples, low: float, high: float) -> Samples:
        sections = signal.butter(2, [low, min(high, 20_000)], "bandpass", fs=SAMPLE_RATE, output="sos")
        return np.asarray(signal.sosfilt(sections, rng.normal(0, 1, len(t))), np.float32)

    def swept(t: Samples, end_hz: float, sweep_hz: float, fall_s: float) -> Samples:
        phase = 2 * np.pi * np.cumsum(end_hz + sweep_hz * np.exp(-t / fall_s)) / SAMPLE_RATE
        return np.asarray(np.sin(phase), np.float32)

    t = time(1.2)
    kick = swept(t, rng.uniform(36, 70), rng.uniform(60, 420), rng.uniform(0.008, 0.06)) * np.exp(
        -t / rng.uniform(0.07, 0.45)
    )
    kick = np.tanh(rng.uniform(1, 4) * (kick + rng.uniform(0, 0.5) * noise(t, 1500, 8000) * np.exp(-t / 0.003)))
    t = time(0.6)
    body = swept(t, rng.uniform(150, 260), 60, 0.02) * np.exp(-t / rng.uniform(0.03, 0.13))
    wires = noise(t, rng.uniform(500, 2500), rng.uniform(7000, 18_000)) * np.exp(-t / rng.uniform(0.05, 0.28))
    squares = sum(np.sign(np.sin(2 * np.pi * hz * t)) for hz in rng.uniform(2500, 9000, 6))
    metal = noise(t, 5000, 19_000) + rng.uniform(0, 0.4) * signal.sosfilt(
        signal.butter(4, rng.uniform(5000, 9000), "highpass", fs=SAMPLE_RATE, output="sos"), squares
    )
    clap_envelope = np.exp(-t / 0.1) * 0.4
    for delay_s in (0, 0.011, 0.022):
        clap_envelope[int(delay_s * SAMPLE_RATE) :][:350] += 1
    long = time(2.2)
    two_tone = np.sign(np.sin(2 * np.pi * 560 * t)) + np.sign(np.sin(2 * np.pi * 845 * t))
    shake = noise(t, 4000, 12_000) * np.exp(-(((t - 0.03) / 0.02) ** 2))
    kit = {
        "kick": [kick],
        "snare": [rng.uniform(0.3, 1) * body + 0.5 * wires],
        "hat": [metal * np.exp(-t / rng.uniform(0.015, 0.05))],
        "open hat": [metal * np.exp(-t / rng.uniform(0.12, 0.3))],
        "clap": [noise(t, rng.uniform(700, 1100), rng.uniform(1500, 4500)) * clap_envelope],
        "rim": [noise(t, 1500, 4000) * np.exp(-t / 0.01)],
        "tom": [swept(t, hz, hz, 0.03) * np.exp(-t / rng.uniform(0.1, 0.25)) for hz in (75, 110, 160)],
        "crash": [noise(long, rng.uniform(2000, 5000), 19_000) * np.exp(-long / rng.uniform(0.4, 0.9))],
        "ride": [noise(long, 5500, 19_000) * np.exp(-long / 0.35)],
        "percussion": [two_tone * np.exp(-t / 0.08), shake],
    }
    return {
        drum: [np.asarray(x / (np.abs(x).max() + 1e-6), np.float32) for x in sounds] for drum, sounds in kit.items()
    }
