"""Mixtures made while training: a plan of numbers drawn from a seed, and the tensors it leads to.

Sixty in a hundred mixtures keep to one song, the others throw stems of different songs together. Level, speed,
equalisation, reverb, saturation, panning and the record's own compression vary, so that no two examples are alike.
Everything after the plan is done in PyTorch, on whatever device the stems are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from assets.builtin.training.mastering import mastered
from separation.errors import PlaygroundError
from separation.models.builtin import CLASSES, SAMPLE_RATE
from separation.models.builtin.network import TINY, features
from separation.models.builtin.spectra import HOP, N_BINS, grouped, stft

Random = np.random.Generator
SEGMENT = 93 * HOP  # 96 frames, 2.2 s
STEM_SAMPLES = 12 * SAMPLE_RATE
PRESENCE = {"drums": 0.7, "bass": 0.7, "vocals": 0.55, "piano": 0.42, "guitar": 0.5, "strings": 0.38, "other": 0.5}
LEVEL_DB = {"drums": 1.0, "bass": 0.0, "vocals": 2.0, "piano": 0.0, "guitar": 0.0, "strings": -1.0, "other": -1.0}
GAIN_DB = (-10.0, 5.0)
VARISPEED = (0.82, 1.22)
FASTEST = 2.0
CENTRED = {"drums", "bass", "vocals"}
DRIVEN = {"drums": 0.2, "bass": 0.25}
FULL_SCALE = 32_000
FFT_STEP = 8192  # any multiple makes a fast transform
REFERENCE_RMS = 0.05
SILENT_RMS = 3e-3
WEIGHT_EXPONENT = 1.2


class StemReader(Protocol):
    """Where stems come from."""

    @property
    def numbers(self) -> Mapping[str, Sequence[int]]:
        """The stems there are of each class."""
        ...

    @property
    def device(self) -> torch.device:
        """Where `read` puts its samples."""
        ...

    def read(self, name: str, number: int, start: int, length: int) -> Tensor:
        """Samples [start, start + length) of a stem, float32."""
        ...


class StemStore:
    """The rendered stems in a folder, or in a GPU's memory."""

    def __init__(self, folder: Path, device: torch.device | str = "cpu") -> None:
        self.folder = folder
        self.device = torch.device(device)
        self.numbers = {name: sorted(int(path.stem) for path in (folder / name).glob("[0-9]*.npy")) for name in CLASSES}
        missing = [name for name, numbers in self.numbers.items() if not numbers]
        if missing:
            raise PlaygroundError(
                f"There are no stems of {', '.join(missing)} in {folder}.",
                "Training needs all seven classes.",
                "Render them first (make train-builtin does).",
            )
        self._resident: dict[tuple[str, int], Tensor] = {}
        if self.device.type != "cpu":
            for name, numbers in self.numbers.items():
                for number in numbers:
                    self._resident[name, number] = torch.from_numpy(np.load(self._path(name, number))).to(self.device)

    def read(self, name: str, number: int, start: int, length: int) -> Tensor:
        """Samples [start, start + length) of a stem, float32, peak about 1."""
        if self._resident:
            piece = self._resident[name, number][start : start + length]
        else:
            piece = torch.from_numpy(np.load(self._path(name, number), mmap_mode="r")[start : start + length].copy())
        return piece.float() / FULL_SCALE

    def _path(self, name: str, number: int) -> Path:
        return self.folder / name / f"{number:05d}.npy"


@dataclass(frozen=True, kw_only=True, slots=True)
class StemPlan:
    """What is done to one stem of a mixture."""

    name: str
    number: int
    start: int
    speed: float
    gain_db: float
    sign: int
    pan: float  # -1 left to 1 right
    spread: float  # radians between the channels, varying with frequency
    eq_db: tuple[tuple[float, float, float], ...] = ()  # (octaves from 1 kHz, width in octaves, dB); width 0: a tilt
    low_cut_hz: float | None = None  # 12 dB an octave
    high_cut_hz: float | None = None
    drive: float = 0.0
    reverb: tuple[float, float, int] | None = None  # decay in seconds, level, seed


@dataclass(frozen=True, kw_only=True, slots=True)
class MixPlan:
    """One training example as numbers."""

    stems: tuple[StemPlan, ...] = field(default_factory=tuple)
    stereo: bool = False
    low_pass_hz: float | None = None
    compression: float = 0.0
    pumping: float = 0.0  # how far the drums push the rest down, 0 to 1
    drive: float = 0.0  # of the whole record into a soft clipper, 0: none


class Example(NamedTuple):
    """What the network sees and should answer; without or with a batch in front."""

    power: Tensor  # (frames, groups)
    off_centre: Tensor  # (frames, groups)
    masks: Tensor  # (classes, frames, groups): ideal, 0 to 1
    weight: Tensor  # (frames, groups), mean 1
    present: Tensor  # (classes,) 1 where the class sounds


def draw_plan(rng: Random, numbers: Mapping[str, Sequence[int]], n_samples: int = SEGMENT) -> MixPlan:
    """A mixture of one to six classes."""
    present: list[str] = []
    while not 1 <= len(present) <= 6:
        present = [name for name in CLASSES if rng.random() < PRESENCE[name]]
    same_song, stereo = rng.random() < 0.6, bool(rng.random() < 0.55)
    latest = STEM_SAMPLES - int(n_samples * FASTEST) - 2
    together = int(rng.choice(numbers["drums"])), int(rng.integers(latest)), _speed(rng)
    stems = []
    for name in present:
        for copy in range(2 if rng.random() < 0.12 else 1):
            if same_song and copy == 0 and name != "vocals" and together[0] in numbers[name]:
                number, start, speed = together
            else:
                number, start, speed = int(rng.choice(numbers[name])), int(rng.integers(latest)), _speed(rng)
            if name == "bass" and rng.random() < 0.15:  # basses of small loudspeakers, an octave up
                speed = float(rng.uniform(VARISPEED[1], FASTEST))
            stems.append(_stem_plan(rng, name, number, start, speed))
    return MixPlan(
        stems=tuple(stems),
        stereo=stereo,
        low_pass_hz=float(rng.uniform(8_000, 17_000)) if rng.random() < 0.15 else None,
        compression=float(rng.uniform(0.1, 0.6)) if rng.random() < 0.3 else 0.0,
        pumping=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.2 else 0.0,
        drive=float(rng.uniform(0.5, 3.0)) if rng.random() < 0.35 else 0.0,
    )


def _speed(rng: Random) -> float:
    return float(rng.uniform(*VARISPEED)) if rng.random() < 0.6 else 1.0


def _stem_plan(rng: Random, name: str, number: int, start: int, speed: float) -> StemPlan:
    eq: list[tuple[float, float, float]] = []
    if rng.random() < 0.75:
        eq.append((0.0, 0.0, float(rng.uniform(-2, 2))))
        for _ in range(int(rng.integers(3))):
            eq.append((float(rng.uniform(-3.5, 3.5)), float(rng.uniform(0.3, 1.2)), float(rng.uniform(-8, 8))))
    if name in CENTRED and rng.random() < 0.75:  # a record may spread its bass, too
        pan = float(rng.uniform(-0.15, 0.15)) if rng.random() < 0.3 else 0.0
        spread = float(rng.uniform(0, 0.5)) if rng.random() < 0.4 else 0.0
    else:
        pan = float(rng.uniform(-1, 1)) if rng.random() < 0.7 else 0.0
        spread = float(rng.uniform(0, 1.4)) if rng.random() < 0.5 else 0.0
    wet = rng.random() < 0.25
    return StemPlan(
        name=name,
        number=number,
        start=start,
        speed=speed,
        gain_db=LEVEL_DB[name] + float(rng.uniform(*GAIN_DB)),
        sign=1 if rng.random() < 0.5 else -1,
        pan=pan,
        spread=spread,
        eq_db=tuple(eq),
        # Who mixes a record keeps the lowest octaves free for drums and bass.
        low_cut_hz=float(2 ** rng.uniform(6, 8.5)) if name not in {"drums", "bass"} and rng.random() < 0.5 else None,
        high_cut_hz=float(2 ** rng.uniform(7.5, 11.5))
        if rng.random() < {"bass": 0.25, "drums": 0.0}.get(name, 0.04)
        else None,
        drive=float(rng.uniform(1, 5)) if name != "strings" and rng.random() < DRIVEN.get(name, 0.12) else 0.0,
        reverb=(float(rng.uniform(0.05, 0.45)), float(rng.uniform(0.1, 0.7)), int(rng.integers(2**31)))
        if wet
        else None,
    )


def realise(plan: MixPlan, store: StemReader, n_samples: int = SEGMENT) -> Example:
    """The example a plan describes; the same plan and stems give the same numbers."""
    audio, plans = [], []
    for stem in plan.stems:
        samples = _played(stem, store, n_samples)
        level = samples.square().mean().sqrt()
        if level > SILENT_RMS:  # a pause of this stem: it is absent
            audio.append(samples * (stem.sign * REFERENCE_RMS * 10 ** (stem.gain_db / 20) / level))
            plans.append(stem)
    present = torch.zeros(len(CLASSES), device=store.device)
    if not audio:
        nothing = torch.zeros(1, 1, n_samples, device=store.device)
        power, off_centre = (x[0] for x in features(stft(nothing)))
        masks = torch.full((len(CLASSES), *power.shape), 1 / len(CLASSES), device=store.device)
        return Example(power, off_centre, masks, torch.zeros_like(power), present + 1)
    spectra = stft(mastered(torch.stack(audio), [stem.name == "drums" for stem in plans], plan.pumping, plan.drive))
    curves = torch.stack([_curve(stem, plan.low_pass_hz, store.device) for stem in plans])
    gains = torch.stack([_panned(stem, store.device) if plan.stereo else _mono(store.device) for stem in plans])
    gains = gains * curves[:, None]  # (stems, channels, bins)
    mixture = torch.zeros(gains.shape[1], *spectra.shape[1:], dtype=spectra.dtype, device=store.device)
    for spectrum, gain in zip(spectra, gains, strict=True):  # twice as fast as einsum
        mixture.addcmul_(spectrum[None], gain[:, None])
    by_class = [CLASSES.index(stem.name) for stem in plans]
    present[by_class] = 1
    return _targets(mixture, spectra, gains, by_class, present, plan.compression)


def _targets(
    mixture: Tensor, spectra: Tensor, gains: Tensor, by_class: Sequence[int], present: Tensor, compression: float
) -> Example:
    """Features of a mixture (channels, frames, bins), and the best real masks for its stems.

    One mask m for all channels is best, for stem s of mixture x, at m = Re(sum x* s) / sum |x|^2 in every bin
    (the phase-sensitive mask of Erdogan et al., 2015). Bins of a group share a mask: the weighted mean of theirs.
    """
    energy = (mixture.real.square() + mixture.imag.square()).sum(dim=0) + TINY
    weight = energy.pow(WEIGHT_EXPONENT / 2)
    weight_sum = grouped(weight) + TINY
    ideal = torch.zeros(len(CLASSES), *energy.shape, device=energy.device)
    conjugate = mixture.conj().resolve_conj()
    for index, stem, gain in zip(by_class, spectra, gains, strict=True):
        ideal[index] += (stem * (conjugate * gain[:, None]).sum(dim=0)).real / energy
    masks = grouped(ideal.clamp_(0, 1) * weight) / weight_sum
    power, off_centre = (x[0] for x in features(mixture[None]))
    if compression:
        level = power.sum(dim=-1, keepdim=True)
        power = power * ((level + TINY) / (level.mean() + TINY)).pow(-compression)
    return Example(power, off_centre, masks, weight_sum / weight_sum.mean(), present)


def _played(stem: StemPlan, store: StemReader, n_samples: int) -> Tensor:
    """A stem at its speed, with its saturation and reverb, (n_samples,)."""
    n_read = int(n_samples * stem.speed) + 2
    samples = store.read(stem.name, stem.number, stem.start, n_read)
    if stem.speed != 1.0:
        at = torch.arange(n_samples, device=store.device, dtype=torch.float64) * stem.speed
        left = at.long()
        share = (at - left).float()
        samples = samples[left] * (1 - share) + samples[left + 1] * share
    samples = samples[:n_samples]
    if stem.drive:
        samples = torch.tanh(samples / (samples.abs().max() + 1e-6) * stem.drive)
    return _reverberant(samples, stem.reverb) if stem.reverb else samples


def _reverberant(samples: Tensor, reverb: tuple[float, float, int]) -> Tensor:
    decay_s, wet, seed = reverb
    n = int(min(1.0, 5 * decay_s) * SAMPLE_RATE)
    noise = torch.from_numpy(np.random.default_rng(seed).normal(0, 1, n).astype(np.float32)).to(samples.device)
    tail = noise * torch.exp(-torch.arange(n, device=samples.device) / (decay_s * SAMPLE_RATE))
    tail = tail * (wet / tail.square().sum().sqrt())
    tail[0] = 1.0
    size = -(-(len(samples) + n) // FFT_STEP) * FFT_STEP
    wetted: Tensor = torch.fft.irfft(torch.fft.rfft(samples, size) * torch.fft.rfft(tail, size), size)
    return wetted[: len(samples)]


def _curve(stem: StemPlan, low_pass_hz: float | None, device: torch.device) -> Tensor:
    """Gain in every bin, (N_BINS,)."""
    hz = torch.arange(N_BINS, device=device) * (SAMPLE_RATE / 2 / (N_BINS - 1))
    octaves = torch.log2(hz.clamp_min(20) / 1000)
    gain_db = torch.zeros(N_BINS, device=device)
    for centre, width, db in stem.eq_db:
        gain_db += db * (octaves if width == 0 else torch.exp(-0.5 * ((octaves - centre) / width) ** 2))
    gain_db = gain_db.clamp(-15, 12)
    if stem.low_cut_hz is not None:
        gain_db -= 12 * torch.log2(stem.low_cut_hz / hz.clamp_min(20)).clamp_min(0)
    if stem.high_cut_hz is not None:
        gain_db -= 12 * torch.log2(hz.clamp_min(20) / stem.high_cut_hz).clamp_min(0)
    curve = 10 ** (gain_db / 20)
    return curve if low_pass_hz is None else curve * (hz < low_pass_hz)


def _mono(device: torch.device) -> Tensor:
    return torch.ones(1, N_BINS, dtype=torch.complex64, device=device)


def _panned(stem: StemPlan, device: torch.device) -> Tensor:
    """Gains of the left and right channel in every bin, complex (2, N_BINS); their mean power is 1."""
    angle = math.pi / 4 * (1 + stem.pan)
    sizes = torch.tensor([math.cos(angle), math.sin(angle)], device=device) * math.sqrt(2)
    sway = stem.spread * torch.sin(torch.arange(N_BINS, device=device) * (0.05 + 0.3 * abs(stem.pan)) + stem.number)
    apart = torch.stack([sway, -sway]) / 2
    return torch.polar(sizes[:, None].expand(2, N_BINS).contiguous(), apart)
