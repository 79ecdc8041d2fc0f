"""The electric bass: plucked harmonics up to 2 kHz, with slides, in the centre."""

from __future__ import annotations

import numpy as np

from assets.demo_synth.effects import add_at, band, pan, saturate, smooth, wander
from assets.demo_synth.song import BEATS_PER_BAR, SAMPLE_RATE, Audio, Note, Song

TOP_HZ = 2_000.0


def play_bass(song: Song) -> Audio:
    """The bass stem, shape (2, samples)."""
    rng = song.rng("bass")
    n = song.n_samples
    line = bass_line(song)
    pitch = np.full(n, float(line[0].pitch))
    glide_s = np.full(n, 0.004)
    level, brightness, fingers = np.zeros(n), np.zeros(n), np.zeros(n)
    for note in line:
        start, stop = song.sample(note.beat), min(n, song.sample(note.beat + note.length))
        t = np.arange(stop - start) / SAMPLE_RATE
        pitch[start:] = note.pitch + song.transpose
        glide_s[start:stop] = 0.045 if note.slide else 0.004
        held = np.minimum(1, t / 0.004) * np.exp(-t / 0.9) * np.minimum(1, t[::-1] / 0.02)
        level[start:stop] = note.velocity * held
        brightness[start:stop] = 350 + 1_500 * note.velocity * np.exp(-t / 0.12)
        if not note.slide:
            pluck = band(rng.standard_normal(1_200), 700, 3_000) * np.exp(-np.arange(1_200) / 180)
            add_at(fingers, 0.12 * note.velocity * pluck, start)
    slow, fast = smooth(pitch, 0.045), smooth(pitch, 0.004)
    bend = np.where(glide_s > 0.01, slow, fast) + 0.03 * wander(rng, n, 0.2, SAMPLE_RATE)
    f0_hz = 440.0 * 2 ** ((smooth(bend, 0.003) - 69) / 12)
    tone = harmonics(f0_hz, smooth(brightness, 0.002)) * smooth(level, 0.0015)
    return pan(saturate(1.4 * tone + fingers, 1.2), 0.0)


def bass_line(song: Song) -> list[Note]:
    """Roots with octaves and fifths; every bar ends on a note that slides or walks to the next root."""
    line: list[Note] = []
    for bar in range(song.n_bars):
        beat, root, following = bar * BEATS_PER_BAR, song.roots[bar], song.roots[bar + 1]
        fifth = root + 7
        if bar % 2 == 0:
            figure = [
                (0.0, 0.7, root, 0.95),
                (0.75, 0.7, root, 0.7),
                (1.5, 0.4, root + 12, 0.65),
                (2.0, 0.45, root, 0.6),
            ]
            figure += [(2.5, 0.65, root, 0.9), (3.25, 0.25, fifth, 0.6)]
        else:
            figure = [
                (0.0, 1.4, root, 0.95),
                (1.75, 0.25, root, 0.6),
                (2.0, 0.45, fifth, 0.7),
                (2.5, 0.45, root + 12, 0.85),
            ]
            figure += [(3.0, 0.45, fifth, 0.7)]
        line += [Note(beat + at, length, pitch, velocity) for at, length, pitch, velocity in figure]
        approach = following + (2 if following < root else -1)
        line.append(Note(beat + 3.5, 0.5, approach, 0.75, slide=bar % 3 == 1))
    line.append(Note(song.n_bars * BEATS_PER_BAR, 3.0, song.roots[-1], 0.95, slide=True))
    return line


def harmonics(f0_hz: Audio, brightness_hz: Audio) -> Audio:
    """A plucked string of (samples,) pitch and brightness: partials fall with frequency, never above `TOP_HZ`."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE
    tone = np.zeros_like(f0_hz)
    for k in range(1, int(TOP_HZ / f0_hz.min()) + 1):
        pluck_position = abs(np.sin(np.pi * k * 0.23)) + 0.15
        rolloff = np.exp(-k * f0_hz / brightness_hz.clip(100)) * (k * f0_hz < TOP_HZ)
        tone += pluck_position / k**0.6 * rolloff * np.sin(k * phase + 0.7 * k * k)
    return tone
