"""The electric piano: two-operator FM, played as comping chords with fills, wide in the stereo image."""

from __future__ import annotations

import numpy as np

from assets.demo_synth.effects import add_at, band, chorus, pan, reverb
from assets.demo_synth.song import BEATS_PER_BAR, SAMPLE_RATE, Audio, Note, Song, hertz

# (beat, length, velocity) of the chords in even and odd bars.
COMPING = (
    ((0.0, 1.4, 0.8), (1.5, 0.9, 0.6), (2.75, 1.2, 0.7)),
    ((0.0, 0.7, 0.75), (0.75, 1.7, 0.65), (2.5, 0.4, 0.6), (3.0, 1.0, 0.7)),
)


def play_keys(song: Song) -> Audio:
    """The keys stem, shape (2, samples)."""
    rng = song.rng("keys")
    track = np.zeros((2, song.n_samples))
    for note in comping(song, rng):
        length_s = song.seconds(note.beat + note.length) - song.seconds(note.beat)
        sound = tine(hertz(note.pitch + song.transpose), length_s, note.velocity)
        place = np.clip((note.pitch - 60) / 9, -0.75, 0.75)  # as the player hears it: low on the left
        add_at(track, pan(sound, float(place)), song.sample(note.beat) + round(rng.normal(0.004, 0.003) * SAMPLE_RATE))
    t = np.arange(song.n_samples) / SAMPLE_RATE
    tremolo = 0.22 * np.sin(2 * np.pi * 4.6 * t)
    track *= np.stack([1 + tremolo, 1 - tremolo])
    return reverb(band(chorus(track, 0.006, 0.63), 90, None), rng, decay_s=1.3, wet=0.3)


def comping(song: Song, rng: np.random.Generator) -> list[Note]:
    """Chords by the bar, slightly strummed, and a run of chord tones an octave up at the end of every second bar."""
    notes: list[Note] = []
    for bar, chord in enumerate(song.chords[:-1]):
        beat = bar * BEATS_PER_BAR
        for at, length, velocity in COMPING[bar % 2]:
            notes += [
                Note(beat + at + 0.012 * i, length, pitch, velocity * rng.uniform(0.75, 1.0))
                for i, pitch in enumerate(chord)
            ]
        if bar % 2 == 1:
            run = sorted(rng.choice(chord[1:], size=4, replace=False) + 12)
            notes += [Note(beat + 2 + 0.5 * i, 0.6, int(pitch), 0.62) for i, pitch in enumerate(run)]
    end = song.n_bars * BEATS_PER_BAR
    notes += [Note(end + 0.03 * i, 2.2, pitch, 0.75) for i, pitch in enumerate(song.chords[-1])]
    return notes


def tine(f0_hz: float, length_s: float, velocity: float) -> Audio:
    """One note, shape (samples,): a 1:1 FM pair for the body, a 1:14 pair for the bell of the strike.

    J. Chowning, "The synthesis of complex audio spectra by means of frequency modulation", JAES 1973.
    """
    release_s = 0.12
    t = np.arange(round((length_s + 3 * release_s) * SAMPLE_RATE)) / SAMPLE_RATE
    ring_s = 1.8 * (220 / f0_hz) ** 0.4
    held = np.minimum(1, t / 0.002) * np.exp(-t / ring_s) * np.exp(-np.maximum(0, t - length_s) / (release_s / 3))
    w = 2 * np.pi * f0_hz * t
    body = np.sin(w + 1.9 * velocity**1.5 * np.exp(-t / 0.45) * np.sin(w))
    second = 0.3 * np.sin(2.003 * w + 0.8 * velocity * np.exp(-t / 0.3) * np.sin(w))
    bell = 0.12 * velocity * np.exp(-t / 0.07) * np.sin(w + 0.6 * np.sin(min(14, 9_000 / f0_hz) * w))
    return np.asarray(velocity * held * (body + second + bell))
