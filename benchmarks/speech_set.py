"""Held-out noisy speech, made of recordings in Debian's packages and of noise made here.

Neither the voices nor the noises are those on which the speech separator's rule was fitted (Italian by Carlo Flora,
Czech, syllables; music of Neverball), nor did the built-in network learn from them. The recordings are measured with,
and not passed on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal

from assets.builtin.training.sources import Source, fetch_all

Samples = NDArray[np.float32]  # (samples,) at `RATE`
Random = np.random.Generator

RATE = 48_000
LEVEL = 0.1  # RMS of speech
_DOC = "usr/share/doc/*/copyright*"
_DUTCH = "usr/share/games/fillets-ng/sound"


def _voice(name: str, package: str, path: str, licence: str, said: str, who: str) -> Source:
    return Source(
        name=name, package=package, licence=licence, attribution=who, split="test", path=path, evidence=(_DOC, said)
    )


# Acted speech in two voices, with some room of its own, at 44.1 kHz; three women of telephone exchanges, at 8 kHz.
VOICES: dict[str, tuple[Source, str]] = {
    "Dutch, small": (
        _voice("fillets-nl", "fillets-ng-data-nl", _DUTCH, "GPL-2.0", "GPL-2", "Fish Fillets - Next Generation"),
        "*/nl/*-m-*.ogg",
    ),
    "Dutch, big": (
        _voice("fillets-nl", "fillets-ng-data-nl", _DUTCH, "GPL-2.0", "GPL-2", "Fish Fillets - Next Generation"),
        "*/nl/*-v-*.ogg",
    ),
    "Italian": (
        _voice("menardi", "asterisk-prompt-it-menardi-wav", "", "CC-BY-SA-3.0", "CC-SA-BY-3.0", "Paola Dal Zot"),
        "**/*.wav",
    ),
    "French": (
        _voice("armelle", "asterisk-prompt-fr-armelle", "", "GPL-2.0", "version 2", "Armelle Desjardins"),
        "**/*.gsm",
    ),
    "Spanish": (
        _voice("es-co", "asterisk-prompt-es-co", "", "GPL-2.0", "General Public License", "Avatar Ltda."),
        "**/*.gsm",
    ),
}
MUSIC = _voice("frozen-bubble", "frozen-bubble-data", "", "GPL-2.0", "GPL-2", "Frozen Bubble")
CELLS = tuple(
    (noise, snr_db) for noise in ("white", "pink", "brown", "cafe", "talkers", "music") for snr_db in (0, 5, 10)
)
UNREPAIRED = (("room", 10), ("clean", None))


@dataclass(frozen=True)
class Clip:
    """A mixture, and the speech in it."""

    mixture: Samples
    speech: Samples


def fetch() -> None:
    """Fetch the packages that are not here yet, and look their licences up in them."""
    fetch_all({source.package: source for source, _ in VOICES.values()}.values())
    fetch_all([MUSIC])


def clip(noise: str, snr_db: float | None, number: int, seconds: float) -> Clip:
    """Return clip `number` of a cell: the same whenever it is made."""
    rng = np.random.default_rng([zlib.crc32(noise.encode()), 100 if snr_db is None else int(snr_db), number])
    names = list(VOICES)
    name = names[number % len(names)]
    speech = _speech(rng, name, seconds)
    if snr_db is None:
        return Clip(speech, speech)
    others = [other for other in names if other != name]
    dry = speech
    if noise == "room":
        dry, noise = np.asarray(signal.fftconvolve(speech, _room(rng))[: len(speech)], np.float32), "pink"
    made = NOISES[noise](rng, others, len(speech))
    gain = np.sqrt(np.mean(dry**2) / np.mean(made**2)) * 10 ** (-snr_db / 20)
    return Clip(np.asarray(dry + gain * made, np.float32), speech)


def _speech(rng: Random, name: str, seconds: float) -> Samples:
    source, pattern = VOICES[name]
    paths = sorted(source.audio.glob(pattern))
    said: list[Samples] = []
    while sum(map(len, said)) < seconds * RATE:
        path = paths[int(rng.integers(len(paths)))]
        samples, rate = _gsm(str(path)) if path.suffix == ".gsm" else _read(str(path))
        if len(samples) < 0.7 * rate or np.abs(samples).max() < 0.02:
            continue
        piece = np.asarray(soxr.resample(samples, rate, RATE), np.float32)
        said += [piece * np.float32(LEVEL / np.sqrt(np.mean(piece**2))), _nothing(rng.uniform(0.05, 0.4))]
    speech = np.concatenate(said)[: round(seconds * RATE)]
    return np.asarray(speech * (LEVEL / np.sqrt(np.mean(speech**2))), np.float32)


def _read(path: str) -> tuple[Samples, int]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(axis=1), rate


def _gsm(path: str) -> tuple[Samples, int]:
    with av.open(path, format="gsm") as container:
        frames = [np.asarray(frame.to_ndarray(), np.float32).ravel() for frame in container.decode(audio=0)]
    return np.concatenate(frames) / np.float32(32768), 8_000


def _nothing(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def _coloured(slope: float) -> Callable[[Random, list[str], int], Samples]:
    """Noise whose power falls with the frequency to the power of `slope`, from 20 Hz on."""

    def made(rng: Random, others: list[str], n_samples: int) -> Samples:
        hz = np.maximum(np.fft.rfftfreq(n_samples, 1 / RATE), 20)
        noise = np.fft.irfft(np.fft.rfft(rng.normal(size=n_samples)) * hz ** (-slope / 2), n_samples)
        return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float32)

    return made


def _talkers(rng: Random, others: list[str], n_samples: int) -> Samples:
    """Six others who talk at once."""
    talk = np.zeros(n_samples, np.float32)
    for _ in range(6):
        speech = _speech(rng, others[int(rng.integers(len(others)))], n_samples / RATE)
        talk[: len(speech)] += speech * np.float32(10 ** (rng.uniform(-6, 0) / 20))
    return talk / np.sqrt(np.mean(talk**2))


def _cafe(rng: Random, others: list[str], n_samples: int) -> Samples:
    """Talkers, the hum of the room, and cups."""
    cups = np.zeros(n_samples)
    ring = np.arange(round(0.15 * RATE)) / RATE
    for at in rng.integers(0, max(1, n_samples - len(ring)), round(3 * n_samples / RATE)):
        cup = np.sin(2 * np.pi * rng.uniform(1500, 6000) * ring) * np.exp(-ring / rng.uniform(0.01, 0.05))
        cups[at : at + len(ring)] += rng.uniform(0.2, 1) * cup[: n_samples - at]
    cups /= np.sqrt(np.mean(cups**2))
    hum = _coloured(1)(rng, others, n_samples)
    return np.asarray(_talkers(rng, others, n_samples) + 0.7 * hum + 0.4 * cups, np.float32)


def _music(rng: Random, others: list[str], n_samples: int) -> Samples:
    paths = [path for path in sorted(MUSIC.audio.glob("**/*.ogg")) if path.stat().st_size > 300_000]
    path = paths[int(rng.integers(len(paths)))]
    about = soundfile.info(str(path))
    length = round(n_samples * about.samplerate / RATE) + 1
    start = int(rng.integers(about.frames - length))
    samples, rate = soundfile.read(str(path), length, start, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, RATE)[:n_samples], np.float32)


def _room(rng: Random) -> Samples:
    """The response of a room of 0.3 to 0.7 s, its reverberation as loud as what comes directly."""
    seconds = np.arange(round(0.6 * RATE)) / RATE
    tail = rng.normal(size=len(seconds)) * np.exp(-6.9 * seconds / rng.uniform(0.3, 0.7)) * (seconds > 0.002)
    response = tail / np.sqrt(np.sum(tail**2))
    response[0] = 1
    return np.asarray(response, np.float32)


NOISES: dict[str, Callable[[Random, list[str], int], Samples]] = {
    "white": _coloured(0),
    "pink": _coloured(1),
    "brown": _coloured(2),
    "cafe": _cafe,
    "talkers": _talkers,
    "music": _music,
}
