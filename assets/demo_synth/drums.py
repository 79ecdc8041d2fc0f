"""The drum kit: kick, snare with ghost notes, hats, toms and a crash, in a small room."""

from __future__ import annotations

import numpy as np

from assets.demo_synth.effects import add_at, band, pan, reverb, saturate
from assets.demo_synth.song import BEATS_PER_BAR, SAMPLE_RATE, Audio, Song


def play_drums(song: Song) -> Audio:
    """The drum stem, shape (2, samples)."""
    rng = song.rng("drums")
    track = np.zeros((2, song.n_samples))
    for bar in range(song.n_bars):
        for beat, piece, velocity in bar_pattern(bar, song.n_bars, rng):
            late = rng.normal(0, 0.003)  # nobody plays on the grid
            start = song.sample(bar * BEATS_PER_BAR + beat) + round(late * SAMPLE_RATE)
            add_at(track, strike(piece, velocity * rng.uniform(0.9, 1.1), rng), start)
    for piece in ("kick", "crash"):
        add_at(track, strike(piece, 0.9, rng), song.sample(song.n_bars * BEATS_PER_BAR))
    return saturate(reverb(track, rng, decay_s=0.55, wet=0.16), 0.8)


def bar_pattern(bar: int, n_bars: int, rng: np.random.Generator) -> list[tuple[float, str, float]]:
    """One bar as (beat, piece, velocity): a groove, ghost notes by chance, a fill every fourth bar and at the end."""
    hits: list[tuple[float, str, float]] = [(0.0, "kick", 1.0), (2.5, "kick", 0.85)]
    hits += [(1.75, "kick", 0.6)] if bar % 2 else [(0.75, "kick", 0.55), (3.25, "kick", 0.5)]
    hits += [(1.0, "snare", 0.95), (3.0, "snare", 1.0)]
    hits += [(beat, "snare", rng.uniform(0.1, 0.22)) for beat in (1.75, 2.25, 3.75) if rng.random() < 0.6]
    hits += [(beat / 2, "hat", 0.75 if beat % 2 == 0 else 0.5) for beat in range(8) if beat != 7]
    hits += [(beat + 0.25, "hat", rng.uniform(0.2, 0.35)) for beat in range(4) if rng.random() < 0.5]
    hits.append((3.5, "open hat", 0.6))
    if bar == 0:
        hits.append((0.0, "crash", 0.8))
    fill: list[tuple[float, str, float]] = []
    if bar == n_bars - 1:
        fill = [(2.0, "snare", 0.7), (2.25, "high tom", 0.7), (2.5, "high tom", 0.85), (2.75, "mid tom", 0.75)]
        fill += [(3.0, "mid tom", 0.9), (3.25, "snare", 0.6), (3.5, "low tom", 0.95), (3.75, "low tom", 0.8)]
    elif bar % 4 == 3:
        fill = [(3.0, "snare", 0.9), (3.25, "high tom", 0.7), (3.5, "mid tom", 0.8), (3.75, "low tom", 0.85)]
    if fill:
        hits = [hit for hit in hits if hit[0] < fill[0][0]] + fill
    return hits


def strike(piece: str, velocity: float, rng: np.random.Generator) -> Audio:
    """One hit of one piece, shape (2, samples). Harder hits are brighter as well as louder."""
    if piece == "kick":
        body = drum_skin(150, 49, 0.032, 0.26, 0.5)
        click = band(rng.standard_normal(body.size), 1_500, 6_000) * decay(body.size, 0.006)
        return pan(velocity * (1.25 * body + 0.25 * velocity * click), 0.0)
    if piece == "snare":
        n = round(0.34 * SAMPLE_RATE)
        skin = 0.7 * drum_skin(230, 187, 0.02, 0.11, 0.34) + 0.35 * drum_skin(370, 331, 0.02, 0.07, 0.34)
        wires = band(rng.standard_normal((2, n)), 900, 4_000 + 6_000 * velocity) * decay(n, 0.13)
        return np.asarray(velocity * (pan(skin, -0.12) + 0.5 * (0.75 * wires.mean(axis=0) + 0.35 * wires)))
    if piece in ("hat", "open hat"):
        ring_s = 0.36 if piece == "open hat" else rng.uniform(0.035, 0.06)
        return velocity * pan(0.42 * metal(ring_s, 6_500, 340, rng), 0.38)
    if piece == "crash":
        left, right = metal(1.1, 3_200, 257, rng), metal(1.1, 3_200, 269, rng)
        return 0.38 * velocity * (pan(left, -0.6) + pan(right, 0.25))
    tom_hz, place = {"high tom": (165, 0.35), "mid tom": (124, -0.1), "low tom": (88, -0.5)}[piece]
    skin = drum_skin(1.5 * tom_hz, tom_hz, 0.05, 0.28, 0.8) + 0.3 * drum_skin(
        2.4 * tom_hz, 1.6 * tom_hz, 0.05, 0.12, 0.8
    )
    stick = band(rng.standard_normal(skin.size), 800, 5_000) * decay(skin.size, 0.012)
    return pan(velocity * (0.8 * skin + 0.2 * stick), place)


def drum_skin(start_hz: float, end_hz: float, bend_s: float, decay_s: float, length_s: float) -> Audio:
    """A struck membrane: a sine whose pitch falls as the skin relaxes, shape (samples,)."""
    n = round(length_s * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    phase = end_hz * t + (start_hz - end_hz) * bend_s * (1 - np.exp(-t / bend_s))
    return np.asarray(np.sin(2 * np.pi * phase) * decay(n, decay_s))


def metal(decay_s: float, low_hz: float, base_hz: float, rng: np.random.Generator) -> Audio:
    """A cymbal: six inharmonic square waves and noise above `low_hz`, shape (samples,)."""
    n = round(min(3.0, 5 * decay_s + 0.05) * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    ratios = np.array([1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523])
    squares = sum(np.sign(np.sin(2 * np.pi * base_hz * 2 * r * t + rng.uniform(0, 6.28))) for r in ratios)
    raw = 0.35 * np.asarray(squares) + 1.2 * rng.standard_normal(n)
    return band(raw, low_hz, 15_500) * decay(n, decay_s)


def decay(n: int, decay_s: float) -> Audio:
    """An exponential fall with a 1 ms attack and a fade at the end, shape (n,)."""
    t = np.arange(n) / SAMPLE_RATE
    ends = np.minimum(1, t / 0.001) * np.minimum(1, np.arange(n)[::-1] / (0.1 * n + 1))
    return np.asarray(np.exp(-t / decay_s) * ends)
