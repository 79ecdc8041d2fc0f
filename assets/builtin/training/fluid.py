"""FluidSynth through its C library: notes in, a mono stem out."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from separation.errors import BackendUnavailable
from separation.models.builtin import SAMPLE_RATE

Samples = npt.NDArray[np.float32]
DRUM_BANK = 128
DRUM_CHANNEL = 9
BLOCK = 64  # FluidSynth's own: it hears of notes at block boundaries
VOLUME, REVERB_SEND, CHORUS_SEND = 7, 91, 93


@dataclass(frozen=True, slots=True)
class Note:
    """`pitch` as a MIDI number, `velocity` 1 to 127."""

    start_s: float
    duration_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Preset:
    """One instrument of a soundfont."""

    font: int
    bank: int
    program: int
    name: str


class Synth:
    """One FluidSynth instance with its soundfonts; not for several threads."""

    def __init__(self) -> None:
        self._c = _library()
        settings = self._c.new_fluid_settings()
        self._c.fluid_settings_setnum(settings, b"synth.sample-rate", float(SAMPLE_RATE))
        self._c.fluid_settings_setnum(settings, b"synth.gain", 0.4)
        self._synth = self._c.new_fluid_synth(settings)

    def load(self, font: Path) -> tuple[Preset, ...]:
        """The presets of a soundfont."""
        number = self._c.fluid_synth_sfload(self._synth, str(font).encode(), 1)
        if number < 0:
            raise BackendUnavailable(
                f"The soundfont {font} cannot be read.", "FluidSynth refused it.", "Delete it and fetch it again."
            )
        handle = self._c.fluid_synth_get_sfont_by_id(self._synth, number)
        self._c.fluid_sfont_iteration_start(handle)
        presets = []
        while preset := self._c.fluid_sfont_iteration_next(handle):
            bank, program = self._c.fluid_preset_get_banknum(preset), self._c.fluid_preset_get_num(preset)
            name = self._c.fluid_preset_get_name(preset) or b""
            presets.append(Preset(number, bank, program, name.decode("latin-1")))
        return tuple(presets)

    def render(
        self, notes: Iterable[Note], preset: Preset, n_samples: int, *, reverb: int = 0, chorus: int = 0
    ) -> Samples:
        """The notes played by a preset: (n_samples,) float32, the mean of both channels.

        Args:
            notes: in any order; what lies beyond the end is cut off.
            preset: the instrument.
            n_samples: length of the result.
            reverb: how much goes to FluidSynth's reverb, 0 to 127.
            chorus: the same for its chorus.
        """
        channel = DRUM_CHANNEL if preset.bank == DRUM_BANK else 0
        self._c.fluid_synth_system_reset(self._synth)
        self._c.fluid_synth_program_select(self._synth, channel, preset.font, preset.bank, preset.program)
        for control, value in ((VOLUME, 110), (REVERB_SEND, reverb), (CHORUS_SEND, chorus)):
            self._c.fluid_synth_cc(self._synth, channel, control, value)
        # Whole blocks: what is left of one would move the next rendering's notes by so many samples.
        n_whole = -(-n_samples // BLOCK) * BLOCK
        left, right = np.zeros(n_whole, np.float32), np.zeros(n_whole, np.float32)
        done = 0
        for when, velocity, pitch in _changes(notes):
            at = min(int(when * SAMPLE_RATE) // BLOCK * BLOCK, n_whole)
            if at > done:
                self._write(left, right, done, at)
                done = at
            if at == n_whole:
                break
            if velocity:
                self._c.fluid_synth_noteon(self._synth, channel, pitch, velocity)
            else:
                self._c.fluid_synth_noteoff(self._synth, channel, pitch)
        self._write(left, right, done, n_whole)
        return np.asarray((left + right)[:n_samples] / 2, np.float32)

    def _write(self, left: Samples, right: Samples, start: int, stop: int) -> None:
        if stop > start:
            outputs = (left[start:].ctypes.data, right[start:].ctypes.data)
            self._c.fluid_synth_write_float(self._synth, stop - start, outputs[0], 0, 1, outputs[1], 0, 1)


def _changes(notes: Iterable[Note]) -> list[tuple[float, int, int]]:
    """(time, velocity, pitch) in order of time, ends (velocity 0) before starts."""
    changes = []
    for note in notes:
        if 0 <= note.pitch <= 127:
            changes.append((max(0.0, note.start_s), min(127, max(1, note.velocity)), note.pitch))
            changes.append((max(0.0, note.start_s) + max(0.02, note.duration_s), 0, note.pitch))
    return sorted(changes)


@cache
def _library() -> ctypes.CDLL:
    path = ctypes.util.find_library("fluidsynth")
    if path is None:
        raise BackendUnavailable(
            "FluidSynth is not on this computer.",
            "The stems of the training set are rendered by its library.",
            "Install it (apt-get install fluidsynth).",
        )
    c = ctypes.CDLL(path)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, returns, takes in (
        ("new_fluid_settings", pointer, []),
        ("fluid_settings_setnum", number, [pointer, text, ctypes.c_double]),
        ("new_fluid_synth", pointer, [pointer]),
        ("fluid_synth_sfload", number, [pointer, text, number]),
        ("fluid_synth_get_sfont_by_id", pointer, [pointer, number]),
        ("fluid_sfont_iteration_start", None, [pointer]),
        ("fluid_sfont_iteration_next", pointer, [pointer]),
        ("fluid_preset_get_banknum", number, [pointer]),
        ("fluid_preset_get_num", number, [pointer]),
        ("fluid_preset_get_name", text, [pointer]),
        ("fluid_synth_system_reset", number, [pointer]),
        ("fluid_synth_program_select", number, [pointer, *[number] * 4]),
        ("fluid_synth_cc", number, [pointer, *[number] * 3]),
        ("fluid_synth_noteon", number, [pointer, *[number] * 3]),
        ("fluid_synth_noteoff", number, [pointer, *[number] * 2]),
        ("fluid_synth_write_float", number, [pointer, number, pointer, number, number, pointer, number, number]),
    ):
        function = getattr(c, name)
        function.restype, function.argtypes = returns, takes
    return c
