"""What a mixing desk does: filters, panning, reverb, chorus, saturation. Arrays in, arrays out."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import signal

from assets.demo_synth.song import SAMPLE_RATE, Audio


def band(x: Audio, low_hz: float | None, high_hz: float | None, order: int = 2) -> Audio:
    """Butterworth high-pass, low-pass or band-pass along the last axis; None leaves that side open."""
    if low_hz is not None:
        x = np.asarray(signal.sosfilt(section(low_hz, "highpass", order), x, axis=-1))
    if high_hz is not None:
        x = np.asarray(signal.sosfilt(section(high_hz, "lowpass", order), x, axis=-1))
    return x


def section(edge_hz: float, kind: Literal["lowpass", "highpass"], order: int) -> Audio:
    """A Butterworth filter as second-order sections."""
    return np.asarray(signal.butter(order, edge_hz, kind, fs=SAMPLE_RATE, output="sos"))


def pan(x: Audio, position: float) -> Audio:
    """Equal-power pan of (samples,) to (2, samples); -1 is left, 0 the centre, +1 right."""
    angle = (position + 1) * np.pi / 4
    return np.stack([np.cos(angle) * x, np.sin(angle) * x])


def add_at(track: Audio, sound: Audio, start: int) -> None:
    """Mix `sound` into `track` (same leading shape) at a sample; what sticks out at either end is cut."""
    first = max(0, start)
    last = min(track.shape[-1], start + sound.shape[-1])
    if last > first:
        track[..., first:last] += sound[..., first - start : last - start]


def reverb(x: Audio, rng: np.random.Generator, decay_s: float, wet: float, pre_delay_s: float = 0.012) -> Audio:
    """Add a decorrelated stereo room to (2, samples): noise decaying by 60 dB in `decay_s`, darker as it fades."""
    n = round(decay_s * 1.2 * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    bright = band(rng.standard_normal((2, n)), 250, 9_000) * np.exp(-6.9 * t / (0.6 * decay_s))
    dark = band(rng.standard_normal((2, n)), 200, 3_000) * np.exp(-6.9 * t / decay_s)
    room = bright + 1.5 * dark
    room /= np.sqrt(np.sum(room**2, axis=-1, keepdims=True))
    send = np.pad(x.mean(axis=0), (round(pre_delay_s * SAMPLE_RATE), 0))[: x.shape[-1]]
    tail = signal.fftconvolve(np.stack([send, send]), room, axes=-1)[:, : x.shape[-1]]
    return np.asarray(x + wet * tail)


def chorus(x: Audio, depth_s: float, rate_hz: float) -> Audio:
    """Widen (2, samples): each side gets a copy through its own slowly moving delay."""
    n = np.arange(x.shape[-1], dtype=np.float64)
    sides = []
    for side, phase in zip(x, (0.0, np.pi / 2), strict=True):
        delay = SAMPLE_RATE * depth_s * (1.5 + np.sin(2 * np.pi * rate_hz * n / SAMPLE_RATE + phase))
        sides.append(side + 0.7 * np.interp(n - delay, n, side))
    return np.stack(sides) / 1.2


def saturate(x: Audio, drive: float) -> Audio:
    """Soft clipping that keeps small signals as they are."""
    return np.tanh(drive * x) / drive


def smooth(x: Audio, sigma_s: float, rate_hz: float = SAMPLE_RATE) -> Audio:
    """Gaussian smoothing of a control track (samples,) at `rate_hz`; its ends are held."""
    sigma = sigma_s * rate_hz
    reach = int(4 * sigma) + 1
    kernel = signal.windows.gaussian(2 * reach + 1, sigma)
    held = np.pad(x, reach, mode="edge")
    return np.asarray(signal.fftconvolve(held, kernel / kernel.sum(), mode="valid"))


def wander(rng: np.random.Generator, n: int, sigma_s: float, rate_hz: float) -> Audio:
    """A slow random track of unit variance: how far a player drifts."""
    track = smooth(rng.standard_normal(n), sigma_s, rate_hz)
    return np.asarray(track / max(1e-9, float(track.std())))
