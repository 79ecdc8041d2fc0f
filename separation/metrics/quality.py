"""Quality estimate without reference stems: one number from 0 to 1 for a result, measured while it is made.

Two quantities can be measured without a reference.

*Bleed*: where a track holds some of another's sound, the two are coherent: in the same bin of the spectrum their
phases go together from frame to frame. Different sources do not do that, even where they play the same notes at the
same moments. In blocks of 5 s, with A and B short-time spectra of two tracks, P their power spectra and sums over the
frames of a block,

    coherence    C = |sum A conj(B)|^2 / (sum |A|^2 sum |B|^2)           (Welch 1967; 1 / frames is expected of chance
                                                                         and taken off)
    bleed        = sum over bins of C min(P_A / sum P_A, P_B / sum P_B)

is the share of the two that is one and the same sound, whatever their levels; blocks count by the geometric mean of the
tracks' energies. 0.005 between the true stems of the demo song, 0.5 where a track holds another one as loud as itself,
1 where both are the same.

*Explained energy*: the share of a track that the mixture can account for, sum of min(|A|, |M|)^2 over sum of |A|^2, as
in `separation.metrics.unreferenced`; low where sound was invented.

    quality of a track = explained energy * (1 - sqrt(its largest bleed)), of a result: that of its worst track.

There is no score without signal: none for a silent or faint track, nor for one that seems to be absent
(`separation.metrics.presence`), and none for one beside which all that should be
apart from it is silent or faint, as nothing could have leaked. A mask explains whatever it lets through, so without a
comparison each would get 1: the residual, too, where the recording has nothing of what was asked for.

The root makes it go with amplitude, as hearing does. The true stems of the demo song get 0.83, since a mixture is
quieter than its parts where they cancel; the built-in separator's get 0.6 to 0.7. What it cannot see: tracks that are
cleanly apart but swapped, and sound that is damaged rather than shared. Prompts that mean the same sound look like
bleed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from separation.audio.stft import hann_spectra
from separation.metrics.presence import PresenceMeter, frame_length
from separation.metrics.presence_value import Presence
from separation.metrics.quality_value import Bleed, Quality
from separation.metrics.unreferenced import is_silent
from separation.model import Samples
from separation.prompts.targets import Target, residual_stem

FRAMES_PER_BLOCK = 53  # 5 s: long enough that chance coherence is small, short enough for what comes and goes
FEWEST_FRAMES = 8  # of a last block, unless it is the only one
FAINT = 1e-3  # of the mixture's energy, -30 dB: what is below it, such as a sum's rounding, is not judged


class QualityMeter:
    """Measures a result while its tracks arrive, in pieces of any length, in the memory of one block.

    Args:
        tracks: the target of each track.
        sample_rate: Hz.

    Attributes:
        n_held: samples that wait until their block is full.
    """

    def __init__(self, tracks: Sequence[Target], sample_rate: int) -> None:
        self._names = [track.name for track in tracks]
        self._pairs = [(i, j) for i, j in combinations(range(len(tracks)), 2) if apart(tracks[i], tracks[j])]
        self._n_fft = frame_length(sample_rate)
        self._held: list[Samples] = []  # each (mixture and tracks, channels, samples)
        self.n_held = 0
        self._loud = np.zeros(len(tracks), np.bool_)
        self._n_blocks = 0
        self._bleed = np.zeros(len(self._pairs))  # sums over blocks, and of their weights
        self._weights = np.zeros(len(self._pairs))
        self._explained = np.zeros(len(tracks))
        self._energies = np.zeros(len(tracks))
        self._mixture_energy = 0.0
        self._presence = PresenceMeter(tracks, self._n_fft / sample_rate)

    def add(self, mixture: Samples, audio: Mapping[str, Samples]) -> None:
        """Add the next piece of the mixture and of every track, each (channels, samples)."""
        piece = np.stack([mixture, *(audio[name] for name in self._names)])
        self._loud |= [not is_silent(track) for track in piece[1:]]
        self._held.append(piece)
        self.n_held += piece.shape[-1]
        length = FRAMES_PER_BLOCK * self._n_fft
        if self.n_held < length:
            return
        held = np.concatenate(self._held, axis=-1)
        whole = held.shape[-1] // length * length
        for start in range(0, whole, length):
            self._measure(held[..., start : start + length])
        # A view would hold all of it, and most of the next chunk's memory is used while this waits.
        self._held, self.n_held = [held[..., whole:].copy()], held.shape[-1] - whole

    def result(self) -> Quality | None:
        """Return the quality of all that was added.

        None where no two tracks that should be apart sound, and for less than a fifth of a second.
        """
        n_frames = self.n_held // self._n_fft
        if n_frames >= (FEWEST_FRAMES if self._n_blocks else 2):
            self._measure(np.concatenate(self._held, axis=-1)[..., : n_frames * self._n_fft])
            self._held, self.n_held = [], 0
        absent = {name for name, one in self.presence.items() if one.empty and not one.invented}
        there = np.array([name not in absent for name in self._names])
        sounds = self._loud & (self._energies > FAINT * self._mixture_energy) & there
        if not self._n_blocks or not sounds.any():
            return None
        explained = {
            name: min(1.0, float(self._explained[index] / self._energies[index]))
            for index, name in enumerate(self._names)
            if sounds[index]
        }
        bleed = tuple(
            Bleed(tracks=(self._names[i], self._names[j]), share=float(self._bleed[pair] / self._weights[pair]))
            for pair, (i, j) in enumerate(self._pairs)
            if sounds[i] and sounds[j] and self._weights[pair] > 0
        )
        compared = {name for one in bleed for name in one.tracks}
        never = set(self._names) - {self._names[index] for pair in self._pairs for index in pair}
        explained = {name: own for name, own in explained.items() if name in compared | never}
        if not explained:
            return None
        tracks = {
            name: own * (1 - float(np.sqrt(max((one.share for one in bleed if name in one.tracks), default=0.0))))
            for name, own in explained.items()
        }
        return Quality(value=min(tracks.values()), tracks=tracks, bleed=bleed, explained_energy=explained)

    @cached_property
    def presence(self) -> Mapping[str, Presence]:
        """Where each track sounds, once all was added; empty if that was less than a fifth of a second."""
        return self._presence.result()

    def _measure(self, block: Samples) -> None:
        """Add the sums of a block (mixture and tracks, channels, frames * n_fft), whose frames do not overlap."""
        n_frames = block.shape[-1] // self._n_fft
        frames = block.reshape(*block.shape[:-1], n_frames, self._n_fft)
        spectra = hann_spectra(frames)  # (mixture and tracks, channels, frames, bins)
        powers = spectra.real**2 + spectra.imag**2
        self._presence.take(powers)
        self._n_blocks += 1
        self._explained += np.minimum(powers[1:], powers[0]).sum(axis=(1, 2, 3), dtype=np.float64)
        self._mixture_energy += float(powers[0].sum(dtype=np.float64))
        by_bin = powers[1:].sum(axis=(1, 2), dtype=np.float64)  # (tracks, bins)
        energies = by_bin.sum(axis=-1)
        self._energies += energies
        for pair, (i, j) in enumerate(self._pairs):
            if (weight := float(np.sqrt(energies[i] * energies[j]))) > 0:
                cross = np.einsum("cfk,cfk->k", spectra[i + 1], spectra[j + 1].conj())
                common = _coherence(cross, by_bin[i] * by_bin[j], n_frames)
                shares = np.minimum(by_bin[i] / energies[i], by_bin[j] / energies[j])
                self._bleed[pair] += weight * float(np.sum(common * shares))
                self._weights[pair] += weight


def apart(one: Target, other: Target) -> bool:
    """Whether two tracks should share no sound, judged by the stems they are made of."""
    if one.complement and other.complement:
        return False
    if one.complement or other.complement:
        whole, part = (one, other) if one.complement else (other, one)
        return part.stems <= whole.stems
    if not one.stems.isdisjoint(other.stems):
        return False
    names = {one.name, other.name}
    # A model's own residual of one prompt holds the targets of all others.
    own = any(residual_stem(name) in names for name in names)
    return own or not any(name.startswith(residual_stem("")) for name in names)


def _coherence(cross: NDArray[np.complexfloating], powers: NDArray[np.float64], n_frames: int) -> NDArray[np.float64]:
    """Return the squared coherence of each bin, minus that expected by chance; 0 in silence."""
    found = np.abs(cross).astype(np.float64) ** 2 / np.maximum(powers, np.finfo(np.float64).tiny)
    coherence: NDArray[np.float64] = np.clip((n_frames * found - 1) / (n_frames - 1), 0, 1)
    return coherence
