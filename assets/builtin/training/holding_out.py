"""The test set: mixtures of soundfonts, kits and voices that training never heard, clean and degraded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

from assets.builtin.training.mixing import LEVEL_DB, REFERENCE_RMS, SILENT_RMS, Random, StemStore
from separation.models.builtin import CLASSES, SAMPLE_RATE

Samples = npt.NDArray[np.float32]
MIXTURE_S = 8.0
N_SAMPLES = int(MIXTURE_S * SAMPLE_RATE)
PRESENCE = {"drums": 0.65, "bass": 0.6, "vocals": 0.55, "piano": 0.42, "guitar": 0.5, "strings": 0.38, "other": 0.5}
GAIN_DB = (-5.0, 4.0)
SEED = 5
MP3_KBPS = 128


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One mixture of the test set: what is heard, (channels, samples), and the stems in it by class."""

    mixture: Samples = field(repr=False)
    stems: dict[str, Samples] = field(repr=False)


def held_out(folder: Path, count: int, *, degraded: bool = False) -> Iterator[HeldOut]:
    """`count` mixtures of three to five classes; each class is asked for in every seventh.

    Degraded, the same stems stand in rooms and at places between two loudspeakers, and what is heard went through MP3
    at 128 kb/s. The references are the stems in their rooms.
    """
    store = StemStore(folder)
    for number in range(count):
        rng = np.random.default_rng((SEED, number))
        stems = _stems(rng, store, CLASSES[number % len(CLASSES)])
        if degraded:
            rooms = np.random.default_rng((SEED, number, 1))
            stems = {name: _in_a_room(rooms, name, stem) for name, stem in stems.items()}
        mixture = np.asarray(sum(stems.values()), np.float32)
        yield HeldOut(through_mp3(mixture) if degraded else mixture, stems)


def _stems(rng: Random, store: StemStore, needed: str) -> dict[str, Samples]:
    while True:
        names = [name for name in CLASSES if rng.random() < PRESENCE[name]]
        if not (3 <= len(names) <= 5 and needed in names):
            continue
        song, start = int(rng.choice(store.numbers["drums"])), int(rng.integers(4 * SAMPLE_RATE - 2))
        stems = {}
        for name in names:
            number = int(rng.choice(store.numbers["vocals"])) if name == "vocals" else song
            audio = store.read(name, number, start, N_SAMPLES).numpy()
            level = float(np.sqrt((audio**2).mean()))
            gain_db = LEVEL_DB[name] + rng.uniform(*GAIN_DB)
            if level > SILENT_RMS:
                stems[name] = np.asarray(audio[None] * (REFERENCE_RMS * 10 ** (gain_db / 20) / level), np.float32)
        if len(stems) >= 3:
            return stems


def _in_a_room(rng: Random, name: str, stem: Samples) -> Samples:
    """A mono stem (1, samples) panned, with the early and late sound of a room on both sides, (2, samples)."""
    pan = rng.uniform(-0.1, 0.1) if name in {"drums", "bass", "vocals"} else rng.uniform(-0.8, 0.8)
    angle = np.pi / 4 * (1 + pan)
    n = int(0.8 * SAMPLE_RATE)
    decay = np.exp(-np.arange(n) / SAMPLE_RATE / rng.uniform(0.08, 0.25))
    tails = rng.normal(0, 1, (2, n)) * decay
    tails *= rng.uniform(0.15, 0.4) / np.sqrt((tails**2).sum(axis=1, keepdims=True))
    wet = signal.fftconvolve(np.repeat(stem, 2, axis=0), tails, axes=1)[:, : stem.shape[1]]
    dry = np.array([[np.cos(angle)], [np.sin(angle)]]) * np.sqrt(2) * stem
    return np.asarray(dry + wet, np.float32)


def through_mp3(audio: Samples) -> Samples:
    """The audio (channels, samples) after MP3 at `MP3_KBPS`, in place: the codec's delay is taken off."""
    peak = float(np.abs(audio).max()) + 1e-9
    file = io.BytesIO()
    level = (320 - MP3_KBPS) / (320 - 32)  # libsndfile's scale from 320 to 32 kb/s
    soundfile.write(
        file, (audio / peak * 0.9).T, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT", compression_level=level,
    )  # fmt: skip
    file.seek(0)
    decoded = soundfile.read(file, dtype="float32", always_2d=True)[0].T * (peak / 0.9)
    delay = _delay(decoded[0], audio[0])
    placed = np.zeros_like(audio)
    piece = decoded[:, delay : delay + audio.shape[1]]
    placed[:, : piece.shape[1]] = piece
    return placed


def _delay(later: Samples, earlier: Samples) -> int:
    """Samples by which `later` lags, 0 to 4000."""
    longest = 4000
    n = min(len(later), len(earlier))
    size = 2 ** int(np.ceil(np.log2(2 * n)))
    correlation = np.fft.irfft(np.fft.rfft(later[:n], size) * np.conj(np.fft.rfft(earlier[:n], size)))
    return int(np.argmax(correlation[:longest]))
