"""Instruments recorded note by note: the nearest recording, played faster or slower."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from assets.builtin.training.fluid import Note, Samples
from assets.builtin.training.kits import AUDIO, read_mono, retuned
from separation.models.builtin import SAMPLE_RATE

LONGEST_S = 6.0
RELEASE_S = 0.06


class SampledInstrument:
    """A folder of files named after their pitch, such as “D#4v10”, “As1” or “A0”."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def recorded(self) -> dict[int, Path]:
        """The file of each pitch there is, as MIDI numbers."""
        pitches = {path: midi(path.stem) for path in sorted(self.folder.rglob("*")) if path.suffix.lower() in AUDIO}
        return {pitch: path for path, pitch in pitches.items() if pitch is not None}

    def play(self, notes: Sequence[Note], n_samples: int) -> Samples:
        """The notes, (n_samples,), of any level."""
        audio = np.zeros(n_samples, np.float32)
        sounds: dict[int, Samples] = {}
        for note in notes:
            start = int(max(0.0, note.start_s) * SAMPLE_RATE)
            if note.pitch not in sounds:
                nearest = min(self.recorded, key=lambda pitch: abs(pitch - note.pitch))
                sound = read_mono(self.recorded[nearest], LONGEST_S)
                sounds[note.pitch] = retuned(sound, 2 ** ((note.pitch - nearest) / 12))
            held = int(note.duration_s * SAMPLE_RATE)
            piece = sounds[note.pitch][: max(0, min(held + SAMPLE_RATE // 4, n_samples - start))].copy()
            if len(piece) > held:
                piece[held:] *= np.exp(-np.arange(len(piece) - held) / (RELEASE_S * SAMPLE_RATE))
            audio[start : start + len(piece)] += piece * np.float32((note.velocity / 127) ** 1.5)
        return audio


def midi(name: str) -> int | None:
    """The pitch a name means; None for noises of the pedal."""
    letter, rest = name[:1], name[1:]
    if not letter or letter not in "CDEFGAB" or not rest:
        return None
    sharp = rest[0] in "#s"
    octave = rest[1 if sharp else 0 :][:1]
    return 12 * (int(octave) + 1) + "C D EF G A B".index(letter) + sharp if octave.isdigit() else None
