"""Voices: recorded and synthetic speech, the same speech made to sing, and singers made of formants."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from scipy import signal

from assets.builtin.training.composing import MAJOR, MINOR, Random
from assets.builtin.training.fluid import Samples
from assets.builtin.training.sources import Source
from assets.builtin.training.synthesis import TABLE, resonances
from separation.models.builtin import SAMPLE_RATE

PHRASE_S = 5.0
SINGING_RATE = 24_000
WORLD_FRAME_S = 0.005
TEXT = """
    the morning light comes over the river and nobody knows where we are going tonight hold me close before the
    summer ends every window shines like silver water under the bridge we keep on running through empty streets
    remember the words your mother told you fire in my heart and thunder on the hill slowly the train leaves the
    station with children waving yesterday was easier than tomorrow will be sing along if you know this song stars
    fall down one by one give me a reason to believe again shadow of a doubt walking home alone whisper something
    beautiful and strange zebra jungle fox quick voices share a joke usual measure vision thought breath path judge
    church"""
# First three resonances of vowels for a man's vocal tract; a child's is a quarter shorter.
VOWELS_HZ = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (440, 1020, 2240),
)
ESPEAK_ACCENTS = ("en-us", "en-gb", "de", "fr", "es", "pt", "sv", "pl", "it", "ro", "cs", "hi", "tr", "fi")
ESPEAK_VOICES = ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5", "+klatt2", "+klatt4")


def voice_stem(rng: Random, sources: Sequence[Source], n_samples: int) -> Samples:
    """Somebody speaks, sings or both for (n_samples,), with pauses."""
    audio = np.zeros(n_samples, np.float32)
    in_training = all(source.split == "train" for source in sources)  # the test set has no singers of our making
    manner = rng.choice(["speech", "sung speech", "formants"], p=[0.4, 0.35, 0.25] if in_training else [0.5, 0.5, 0])
    key, scale = int(rng.integers(12)), (MAJOR, MINOR)[rng.integers(2)]
    at = int(rng.uniform(0, 1.0) * SAMPLE_RATE)
    pause_s = float(rng.choice([0.05, 0.2, 0.5, 1.2]))
    while at < n_samples - SAMPLE_RATE // 2:
        source = sources[int(rng.integers(len(sources)))]
        if manner == "formants":
            phrase = formant_phrase(rng, key, scale)
        else:
            phrase = spoken_phrase(rng, source)
            if manner == "sung speech":
                phrase = sung(rng, phrase, key, scale)
        phrase = phrase[: n_samples - at] * np.float32(0.1 / (np.sqrt((phrase**2).mean()) + 1e-6))
        audio[at : at + len(phrase)] += phrase
        at += len(phrase) + int(pause_s * rng.uniform(0.5, 1.5) * SAMPLE_RATE)
    if manner != "speech" and rng.random() < 0.3:
        audio = doubled(rng, audio)
    return audio


def doubled(rng: Random, audio: Samples) -> Samples:
    """With a second voice: the same line a little later, out of tune, or a fifth or octave away."""
    ratio = float(rng.choice([0.996, 1.004, 1.2599, 1.4983, 2.0], p=[0.35, 0.35, 0.1, 0.1, 0.1]))
    wobble = np.cumsum(1 + 0.002 * np.sin(np.arange(len(audio)) * 2 * np.pi * 0.3 / SAMPLE_RATE))
    if abs(ratio - 1) < 0.01:
        at = wobble * ratio - rng.uniform(0.01, 0.035) * SAMPLE_RATE
        second = np.asarray(np.interp(at, np.arange(len(audio)), audio), np.float32)
    else:  # same time, other pitch: overlapping grains
        second = _shifted(audio, ratio)
    return np.asarray(audio + rng.uniform(0.3, 0.8) * second, np.float32)


def _shifted(audio: Samples, ratio: float, grain: int = 2048) -> Samples:
    out, window = np.zeros(len(audio) + 4 * grain), np.hanning(grain)
    padded = np.pad(audio, (grain, 4 * grain))
    for start in range(0, len(audio), grain // 4):
        piece = np.interp(np.arange(grain) * ratio, np.arange(3 * grain), padded[start : start + 3 * grain])
        out[start : start + grain] += piece * window / 2
    return np.asarray(out[: len(audio)], np.float32)


def spoken_phrase(rng: Random, source: Source) -> Samples:
    """A phrase of up to five seconds from a source of speech, peak 1, without silence at its ends."""
    audio, rate = READERS.get(source.name.split("-")[0], _recorded)(rng, source)
    trimmed = _trimmed(audio[: int(PHRASE_S * rate)])
    if rate != SAMPLE_RATE:
        trimmed = np.asarray(soxr.resample(trimmed, rate, SAMPLE_RATE), np.float32)
    if rate < 32_000:
        trimmed = with_sibilants(rng, trimmed, rate / 2)
    return np.asarray(trimmed / (np.abs(trimmed).max() + 1e-6), np.float32)


def _recorded(rng: Random, source: Source) -> tuple[Samples, int]:
    """Recordings of one speaker, several in a row."""
    pieces: list[Samples] = []
    paths = _audio_files(source.audio)
    while sum(map(len, pieces)) < 2 * 16_000:
        with av.open(str(paths[rng.integers(len(paths))]), format="g722") as container:
            frames = [np.asarray(frame.to_ndarray(), np.float32).ravel() for frame in container.decode(audio=0)]
        speech = np.concatenate(frames) / np.float32(32768)
        pieces += [speech, _silence(rng.uniform(0, 0.25), 16_000)]
    return np.concatenate(pieces), 16_000


def _syllables(rng: Random, source: Source) -> tuple[Samples, int]:
    """KLettres: letters and syllables of many speakers, of one language at a time."""
    languages = [path for path in sorted(source.audio.iterdir()) if (path / "syllab").is_dir()]
    paths = sorted(languages[rng.integers(len(languages))].rglob("*.ogg"))
    pieces: list[Samples] = []
    for path in rng.permutation(np.array(paths, dtype=object))[:6]:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)
        pieces += [_trimmed(mono), _silence(rng.uniform(0.02, 0.2), SAMPLE_RATE)]
    return np.concatenate(pieces), SAMPLE_RATE


def _silence(seconds: float, rate: int) -> Samples:
    return np.zeros(int(seconds * rate), np.float32)


def _espeak(rng: Random, source: Source) -> tuple[Samples, int]:
    voice = str(rng.choice(ESPEAK_ACCENTS)) + str(rng.choice(ESPEAK_VOICES))
    return _speak(
        rng, ["espeak-ng", "-v", voice, "-s", str(rng.integers(105, 190)), "-p", str(rng.integers(15, 85)), "-w"]
    )


def _flite(rng: Random, source: Source) -> tuple[Samples, int]:
    voice = str(rng.choice(["kal16"] if source.split == "test" else ["slt", "rms", "awb"]))
    return _speak(rng, ["flite", "-voice", voice, "-t", "TEXT", "-o"])


READERS: dict[str, Callable[[Random, Source], tuple[Samples, int]]] = {
    "espeak": _espeak,
    "flite": _flite,
    "klettres": _syllables,
}


def _speak(rng: Random, command: list[str]) -> tuple[Samples, int]:
    text = " ".join(str(word) for word in rng.choice(TEXT.split(), 11))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "speech.wav")
        told = [text if word == "TEXT" else word for word in command] + [path]
        subprocess.run(told if text in told else [*told, text], check=True, capture_output=True)  # noqa: S603  # fixed programs
        audio, rate = soundfile.read(path, dtype="float32")
    return np.asarray(audio, np.float32), int(rate)


def _audio_files(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.rglob("*.g722")) if "silence" not in path.parts and "silence" not in path.name
    ]


def _trimmed(audio: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(audio) > 0.03 * (np.abs(audio).max() + 1e-9))
    return audio[loud[0] : loud[-1] + 1] if len(loud) else audio


def with_sibilants(rng: Random, speech: Samples, top_hz: float) -> Samples:
    """Noise above `top_hz`, as loud as the octave below it: telephone speech has no air."""
    if rng.random() < 0.15:
        return speech
    below = signal.sosfilt(
        signal.butter(4, [top_hz / 2, top_hz * 0.9], "bandpass", fs=SAMPLE_RATE, output="sos"), speech
    )
    smooth = signal.butter(1, 60, fs=SAMPLE_RATE, output="sos")
    envelope = signal.sosfiltfilt(smooth, np.abs(below)).clip(0) if len(speech) > 100 else np.abs(below)
    band = signal.butter(
        4, [top_hz * 0.85, min(20_000, rng.uniform(1.3, 2.2) * top_hz)], "bandpass", fs=SAMPLE_RATE, output="sos"
    )
    noise = signal.sosfilt(band, rng.normal(0, 1, len(speech)))
    return np.asarray(speech + noise * envelope * rng.uniform(0.5, 2), np.float32)


def sung(rng: Random, speech: Samples, key: int, scale: tuple[int, ...]) -> Samples:
    """Speech stretched and put on notes of a scale, by the WORLD vocoder (Morise, 2016)."""
    import pyworld  # type: ignore[import-not-found]

    voice = soxr.resample(speech, SAMPLE_RATE, SINGING_RATE).astype(np.float64)
    f0_hz, times = pyworld.dio(voice, SINGING_RATE, f0_floor=70, f0_ceil=500)
    spectrum = pyworld.cheaptrick(voice, f0_hz, times, SINGING_RATE)
    aperiodicity = pyworld.d4c(voice, f0_hz, times, SINGING_RATE)
    n_frames = int(len(f0_hz) * rng.uniform(1.0, 2.6))
    at = np.linspace(0, len(f0_hz) - 1, n_frames).astype(int)
    spectrum, aperiodicity = spectrum[at], aperiodicity[at]
    longer = rng.uniform(0.8, 1.25)  # another singer: shorter or longer vocal tract
    bins = np.clip(np.arange(spectrum.shape[1]) / longer, 0, spectrum.shape[1] - 1).astype(int)
    midi = melody(rng, key, scale, n_frames, WORLD_FRAME_S)
    sung_hz = np.where(f0_hz[at] > 0, 440 * 2 ** ((midi - 69) / 12), 0.0)
    audio = pyworld.synthesize(
        sung_hz, np.ascontiguousarray(spectrum[:, bins]), np.ascontiguousarray(aperiodicity), SINGING_RATE
    )
    return with_sibilants(
        rng, np.asarray(soxr.resample(audio, SINGING_RATE, SAMPLE_RATE), np.float32), SINGING_RATE / 2
    )


def melody(rng: Random, key: int, scale: tuple[int, ...], n_frames: int, frame_s: float) -> Samples:
    """A singer's pitch as MIDI numbers for each frame, with glides, vibrato and drift."""
    base = int(rng.choice([43, 48, 55, 60])) + key % 7
    degree = int(rng.integers(7))
    midi = np.zeros(n_frames)
    frame = 0
    while frame < n_frames:
        length = max(1, int(rng.choice([0.15, 0.25, 0.4, 0.6, 1.0]) / frame_s))
        midi[frame : frame + length] = base + scale[degree % 7] + 12 * (degree // 7)
        degree = int(np.clip(degree + rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]), 0, 11))
        frame += length
    glide = max(1, int(rng.choice([0.02, 0.06, 0.12]) / frame_s))
    midi = np.convolve(np.pad(midi, glide, mode="edge"), np.ones(glide) / glide, "same")[glide:-glide]
    t = np.arange(n_frames) * frame_s
    drift = np.convolve(rng.normal(0, 0.5, n_frames), np.ones(20) / 20, "same")
    return np.asarray(midi + rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t) + 0.3 * drift)


def formant_phrase(rng: Random, key: int, scale: tuple[int, ...]) -> Samples:
    """A sung phrase without words: a harmonic source, vowels that glide into each other, hisses between."""
    seconds = rng.uniform(1.5, PHRASE_S)
    n_samples, n_frames = int(seconds * SAMPLE_RATE), int(seconds * 200)
    midi = melody(rng, key, scale, n_frames, 0.005)
    hz = 440 * 2 ** ((np.interp(np.arange(n_samples) / SAMPLE_RATE * 200, np.arange(n_frames), midi) - 69) / 12)
    cycles = np.cumsum(hz) / SAMPLE_RATE
    at = (cycles * TABLE).astype(np.int64) % TABLE
    tract, tilt, width = rng.uniform(0.95, 1.35), rng.uniform(0.9, 1.8), rng.uniform(0.06, 0.14)
    orders = np.arange(1, 120)
    typical_hz = float(np.median(hz))
    audio = np.zeros(n_samples)
    edges = np.cumsum(np.r_[0, rng.uniform(0.15, 0.6, int(seconds / 0.15) + 2)])
    edges = edges[: np.searchsorted(edges, seconds) + 1]
    t = np.arange(n_samples) / SAMPLE_RATE
    for start, stop in pairwise(edges.tolist()):
        formants = np.array([*VOWELS_HZ[rng.integers(len(VOWELS_HZ))], 3300, 4200, 6500]) * tract
        gains = (
            (orders * typical_hz < 15_000)
            * orders**-tilt
            * (0.03 + resonances(orders * typical_hz, formants.tolist(), width))
        )
        coefficients = np.zeros(TABLE // 2 + 1, complex)
        coefficients[1:120] = gains * np.exp(1j * orders**1.5)
        table = np.fft.irfft(coefficients)
        fade_s = rng.uniform(0.02, 0.08)
        # Each syllable only where it sounds.
        first, last = max(0, int((start - 0.1) * SAMPLE_RATE)), min(n_samples, int((stop + 0.1) * SAMPLE_RATE))
        here = t[first:last]
        loud = np.clip((here - start) / fade_s + 0.5, 0, 1) * np.clip((stop - here) / fade_s + 0.5, 0, 1)
        audio[first:last] += table[at[first:last]] / (table.std() + 1e-9) * loud * rng.uniform(0.6, 1)
        if rng.random() < 0.4:
            audio[first:last] += _consonant(rng, here - start)
    breath = np.diff(rng.normal(0, 1, n_samples + 1)) * rng.uniform(0, 0.04)
    return np.asarray((audio + breath * np.abs(audio).mean()) * np.minimum(1, (seconds - t) / 0.1), np.float32)


def _consonant(rng: Random, since: Samples) -> Samples:
    """An s, f or t around time zero."""
    low_hz = rng.uniform(1500, 6000)
    band = signal.butter(
        2, [low_hz, min(18_000, low_hz * rng.uniform(1.5, 4))], "bandpass", fs=SAMPLE_RATE, output="sos"
    )
    hiss = signal.sosfilt(band, rng.normal(0, 1, len(since)))
    return np.asarray(hiss * np.exp(-((since / rng.uniform(0.01, 0.06)) ** 2)) * rng.uniform(0.3, 2.5), np.float32)
