"""Stems rendered to files: `stems/{split}/{class}/{number}.npy`, mono 16-bit, twelve seconds each.

Every file depends on its number and split alone (but for where FluidSynth's chorus and reverb stand, which it does not
reset), so rendering may stop and go on anywhere, in any number of processes.
Stems of one number belong to one song; voices sing along with any.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import cached_property
from multiprocessing import Process
from pathlib import Path

import numpy as np

from assets.builtin.training.cache import cache_folder, replacing
from assets.builtin.training.composing import Random, bass_part, compose, part
from assets.builtin.training.drumming import GENERAL_MIDI, Stroke, as_notes, drum_part, play
from assets.builtin.training.effects import in_a_room, noise_effect, with_effects
from assets.builtin.training.electronic import KINDS, electronic_drums, electronic_stem, is_electronic
from assets.builtin.training.fluid import DRUM_BANK, Note, Preset, Samples, Synth
from assets.builtin.training.kits import LONGEST_S, Kit, load_kit, mixed_kit, modelled_kit, synthetic_kit
from assets.builtin.training.sampled import SampledInstrument
from assets.builtin.training.sources import fetch_all, of_split
from assets.builtin.training.synthesis import draw_timbre, play_timbre
from assets.builtin.training.voices import voice_stem
from separation.models.builtin import SAMPLE_RATE

STEM_S = 12.0
N_SAMPLES = int(STEM_S * SAMPLE_RATE)
INSTRUMENTS = ("drums", "bass", "piano", "guitar", "strings", "other")
# Programs of General MIDI. Voices, choirs, timpani and instruments between two classes are in none.
PROGRAMS: dict[str, tuple[int, ...]] = {
    "piano": tuple(range(8)),
    "guitar": tuple(range(24, 32)),
    "bass": tuple(range(32, 40)),
    "strings": (40, 41, 42, 43, 44, 45, 48, 48, 48, 49, 49, 50, 51),
    "other": (*range(8, 24), 46, *range(56, 85), 86, 87, 88, 89, 90, 92, 93, 94, 95, 108, 109, 114),
}
STYLES = {
    "piano": ("block arpeggio melody stabs ballad ballad", 40, 84),
    "guitar": ("strum strum arpeggio power melody stabs", 40, 76),
    "strings": ("pad pad melody melody arpeggio stabs", 43, 88),
    "other": ("melody melody pad stabs arpeggio block", 43, 90),
}
# How often an instrument is one of ours rather than a soundfont's.
SYNTHETIC = {"bass": 0.35, "piano": 0.12, "guitar": 0.3, "strings": 0.2, "other": 0.4}
# The FM chip of 1990 has basses and leads, and nothing like a guitar.
NOT_ON_CHIP = {"piano", "guitar", "strings", "drums"}
SEED = {"train": 1, "test": 2}


class Orchestra:
    """The instruments of one split, loaded once in each process."""

    def __init__(self, split: str) -> None:
        self.split = split
        self.sources = of_split(split)
        self.synth = Synth()
        self.presets: dict[str, list[Preset]] = {name: [] for name in INSTRUMENTS}
        self.real_kits: list[Preset] = []
        for source in self.sources.values():
            if source.audio.suffix in {".sf2", ".sf3"}:
                self._sort(self.synth.load(source.audio), source.name)
        kits = [
            load_kit(source.audio) for name, source in self.sources.items() if name.startswith(("kit-", "sonic-pi"))
        ]
        self.kits: list[Kit] = [kit for kit in kits if kit]
        self.voices = [
            source
            for source in self.sources.values()
            if source.name.startswith(("voice-", "espeak", "flite", "klettres"))
        ]
        self.sampled = {
            kind: [SampledInstrument(source.audio) for source in self.sources.values() if source.instrument == kind]
            for kind in INSTRUMENTS
        }

    def _sort(self, presets: tuple[Preset, ...], font: str) -> None:
        for preset in presets:
            if font in {"black-pearl", "red-zeppelin"}:  # nothing but a drum kit in bank 0
                self.real_kits.append(preset)
            elif "expr" in preset.name.lower():  # silent until a breath controller speaks
                continue
            elif preset.bank == DRUM_BANK:
                if font != "opl3" and preset.program not in (48, 56):  # orchestral percussion, sound effects
                    self.presets["drums"].append(preset)
            else:
                for name, programs in PROGRAMS.items():
                    if preset.program in programs and not (font == "opl3" and name in NOT_ON_CHIP):
                        self.presets[name].append(preset)

    def draw(self, rng: Random, name: str) -> Preset:
        """A preset of a class: first the program, so that rare ones are heard as often as those with many variants."""
        programs = sorted({preset.program for preset in self.presets[name]})
        weights = np.array([PROGRAMS[name].count(program) if name in PROGRAMS else 1 for program in programs], float)
        if name == "piano":
            weights[np.array(programs) < 3] *= 3  # pianos before harpsichords
        program = rng.choice(programs, p=weights / weights.sum())
        fitting = [preset for preset in self.presets[name] if preset.program == program]
        fonts = sorted({preset.font for preset in fitting})
        font = fonts[rng.integers(len(fonts))]
        variants = [preset for preset in fitting if preset.font == font]
        return variants[int(rng.integers(len(variants)))]

    def stem(self, name: str, number: int) -> Samples:
        """The stem of a class in song `number`, (N_SAMPLES,), peak 1."""
        song = compose(np.random.default_rng((SEED[self.split], number)), STEM_S)
        rng = np.random.default_rng((SEED[self.split], number, ("vocals", *INSTRUMENTS).index(name)))
        electronic = self.split == "train" and name in KINDS and is_electronic(SEED[self.split], number)
        if electronic and name == "drums":
            kit = synthetic_kit(rng) if rng.random() < 0.5 else self._mixed_kit(rng)
            audio = electronic_drums(rng, drum_part(rng, song), kit, N_SAMPLES)
        elif electronic:
            audio = electronic_stem(rng, name, song, N_SAMPLES)
        elif name == "vocals":
            audio = voice_stem(rng, self.voices, N_SAMPLES)
        elif name == "drums":
            audio = self._drums(rng, drum_part(rng, song))
        elif name == "other" and self.split == "train" and rng.random() < 0.07:
            audio = noise_effect(rng, N_SAMPLES)
        else:
            styles = STYLES.get(name)
            notes = part(rng, song, *styles) if styles else bass_part(rng, song)
            audio = with_effects(rng, self._pitched(rng, name, notes), name, song)
        return np.asarray(audio / (np.abs(audio).max() + 1e-9), np.float32)

    def _drums(self, rng: Random, strokes: list[Stroke]) -> Samples:
        u = rng.random()
        if self.split == "train" and u < 0.75:
            if u < 0.2:
                kit = synthetic_kit(rng)
            elif u < 0.4:
                kit = modelled_kit(rng)
            else:
                kit = self._mixed_kit(rng)
            audio = play(rng, strokes, kit, N_SAMPLES)
            return in_a_room(rng, audio) if rng.random() < 0.4 else audio
        if u < 0.6:
            return play(rng, strokes, self.kits[rng.integers(len(self.kits))], N_SAMPLES)
        notes = as_notes(rng, strokes)
        if self.real_kits and rng.random() < 0.5:
            preset = self.real_kits[rng.integers(len(self.real_kits))]
        else:
            preset = self.draw(rng, "drums")
        audio = self.synth.render(notes, preset, N_SAMPLES, reverb=int(rng.choice([0, 0, 30, 80])))
        return audio if np.abs(audio).max() > 1e-3 else play(rng, strokes, synthetic_kit(rng), N_SAMPLES)

    def _mixed_kit(self, rng: Random) -> Kit:
        return mixed_kit(rng, [*self.kits, *self.struck, modelled_kit(rng)])

    @cached_property
    def struck(self) -> list[Kit]:
        """The soundfonts' drum kits, stroke by stroke."""
        kits = [self._struck(preset) for preset in self.presets["drums"]]
        return [kit for kit in kits if kit]

    def _struck(self, preset: Preset) -> Kit:
        length = int(LONGEST_S * SAMPLE_RATE)
        kit: dict[str, list[Samples]] = {}
        for drum, keys in GENERAL_MIDI.items():
            for key in keys:
                sound = self.synth.render([Note(0.0, 0.15, key, 110)], preset, length)
                if (peak := np.abs(sound).max()) > 1e-3:
                    kit.setdefault(drum, []).append(np.asarray(sound / peak, np.float32))
        return kit

    def _pitched(self, rng: Random, name: str, notes: list[Note]) -> Samples:
        u = rng.random()
        if self.split == "train" and u < SYNTHETIC[name]:
            return play_timbre(rng, notes, draw_timbre(rng, name), N_SAMPLES)
        if self.sampled[name] and u > 0.7:
            return self.sampled[name][rng.integers(len(self.sampled[name]))].play(notes, N_SAMPLES)
        preset = self.draw(rng, name)
        reverb, chorus = int(rng.choice([0, 0, 30, 60, 100])), int(rng.choice([0, 0, 0, 40]))
        audio = self.synth.render(notes, preset, N_SAMPLES, reverb=reverb, chorus=chorus)
        if self.split == "train" and rng.random() < 0.12:  # two instruments in unison
            second = self.synth.render(notes, self.draw(rng, name), N_SAMPLES)
            audio = audio + second * np.float32(rng.uniform(0.3, 1) * (audio.std() + 1e-6) / (second.std() + 1e-6))
        return audio


def stem_path(split: str, name: str, number: int) -> Path:
    """Where a stem's file is."""
    return cache_folder() / "stems" / split / name / f"{number:05d}.npy"


def render_range(split: str, names: tuple[str, ...], numbers: range) -> None:
    """Render what is not there yet, song by song."""
    orchestra = Orchestra(split)
    started, done = time.monotonic(), 0
    for number in numbers:
        for name in names:
            path = stem_path(split, name, number)
            if path.exists():
                continue
            audio = orchestra.stem(name, number)
            with replacing(path) as partial, partial.open("wb") as file:
                np.save(file, np.asarray(audio * 32000, np.int16))
            done += 1
        if done and number % 25 == 0:
            print(f"{split} {number}: {done * STEM_S / (time.monotonic() - started):.0f}x real time", flush=True)


def render(split: str, n_songs: int, n_voices: int, processes: int = 2) -> None:
    """All stems up to the given numbers, instruments and voices, in several processes."""
    fetch_all(of_split(split).values())
    work: list[tuple[Callable[..., None], tuple[object, ...]]] = []
    for worker in range(processes):
        work.append((render_range, (split, INSTRUMENTS, range(worker, n_songs, processes))))
        work.append((render_range, (split, ("vocals",), range(worker, n_voices, processes))))
    running: list[Process] = []
    for target, arguments in work:
        while len([process for process in running if process.is_alive()]) >= processes:
            time.sleep(0.5)
        running.append(Process(target=target, args=arguments))
        running[-1].start()
    for process in running:
        process.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", choices=["train", "test"])
    parser.add_argument("--songs", type=int, default=400)
    parser.add_argument("--voices", type=int, default=300)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    render(asked.split, asked.songs, asked.voices, asked.processes)
