"""Finds where tracks sound and where what was asked for seems to be absent, from their spectra beside the mixture's.

A separator gives something back whether or not the recording has what was asked for. What it gives where it is absent
is a little of everything else. In blocks of a second, with T and M magnitudes of the spectra of a track and of the
mixture, sums over the bins of a block,

    level        L = sum T^2 / mean over all blocks of sum M^2
    dominance    D = sum T^2 / sum T M        the mean of the mask T / M where the track is loud; near 1 for a sound
                                              that has its bins for itself, small for crumbs of others
    contained    X = sum min(T, 2 M)^2 / sum T^2    small where a model invented it; up to 6 dB too loud is no matter

a track sounds in a block if all three are large enough. Of what a model leaves over (everything else, no vocals) only
the level is asked.

On 20 generated songs with and without drums, bass and voice (`benchmarks.bench_absent`; the thresholds are from other
songs) the built-in separator's absent drums and basses are named in all cases and no present ones, where the other
instruments stay above C3; where they go down to E2, basses in 95 %, since a guitar's low strings are given to the bass.
Vocals: absent ones in 95 to 100 %, and 1 to 13 % of present ones, which the separator has not found. Of 96 noises and
pieces of music without a voice 95 are named for the speech separator, and none of 96 with one at 0 to 10 dB; the limit
was chosen on three of eight clips of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from separation.audio.stft import hann_spectra
from separation.metrics.presence_value import Presence
from separation.model import Samples
from separation.prompts.targets import Target

FRAME_S = 4096 / 44_100
BLOCK_S = 1.0
ROOM = 4096  # blocks at first; twice as many whenever they do not suffice
FLOOR = 1e-3  # of the mixture's mean energy: 30 dB below it
DOMINANT = 0.35
# Of speech. Music without a voice leaves in the speech separator's estimate a dominance of up to 0.63; a voice as loud
# as the noise beside it has 0.72 and more, one 5 dB below it 0.69 and more. One 10 dB below it has 0.37 to 0.63, and is
# taken for absent.
SPEECH, DOMINANT_SPEECH = frozenset({"speech"}), 0.65
SILENT = 1e-8  # of the mixture's energy: rounding leaves as much
CONTAINED = 0.7
MOST_TOO_LOUD = 2.0  # 6 dB


class PresenceMeter:
    """Collects the energies of tracks block by block; a recording of two hours takes about 2 MB.

    Args:
        tracks: the target of each track.
        frame_s: seconds of a frame.
    """

    def __init__(self, tracks: Sequence[Target], frame_s: float) -> None:
        self._tracks, self._frame_s = tracks, frame_s
        self._n_frames = max(1, round(BLOCK_S / frame_s))  # of a block
        self._waiting: list[NDArray[np.float64]] = []  # each (sums, tracks, frames) of no whole block
        # One array with room, (sums, tracks, blocks). Kept one by one, thousands of small arrays lie strewn over the
        # memory that the large ones of the next chunks need in one piece, and a process grew for hours.
        self._sums = np.empty((4, len(tracks), ROOM))
        self._lengths = np.empty(ROOM, np.int64)  # frames of each
        self._n_blocks = 0

    def take(self, powers: NDArray[np.floating]) -> None:
        """Add the power spectra of the next frames, (mixture and tracks, channels, frames, bins)."""
        joined = powers.sum(axis=1, dtype=np.float64)  # (mixture and tracks, frames, bins)
        mixture, tracks = joined[:1], joined[1:]
        common = (
            tracks.sum(-1),
            np.sqrt(tracks * mixture).sum(-1),
            np.minimum(tracks, MOST_TOO_LOUD**2 * mixture).sum(-1),
            np.broadcast_to(mixture.sum(-1), tracks.shape[:-1]),
        )
        self._waiting.append(np.stack(common))
        while sum(piece.shape[-1] for piece in self._waiting) >= self._n_frames:
            self._close_block(self._n_frames)

    def result(self) -> dict[str, Presence]:
        """Return where each track sounds, by its name; empty if nothing was taken."""
        if left := sum(piece.shape[-1] for piece in self._waiting):
            self._close_block(left)
        if not self._n_blocks:
            return {}
        own, crossed, contained, mixture = self._sums[..., : self._n_blocks]  # each (tracks, blocks)
        lengths = self._lengths[: self._n_blocks]
        floor = FLOOR * mixture.sum(-1, keepdims=True) / lengths.sum() * lengths
        loud = own > np.maximum(floor, np.finfo(np.float64).tiny)
        least = np.array([[DOMINANT_SPEECH if track.stems == SPEECH else DOMINANT] for track in self._tracks])
        clear = own > least * crossed
        real = contained > CONTAINED * own
        ends_s = np.cumsum(lengths) * self._frame_s
        found = {}
        for index, track in enumerate(self._tracks):
            heard = loud[index] if track.complement else loud[index] & clear[index]
            total, beside = float(own[index].sum()), float(mixture[index].sum())
            found[track.name] = Presence(
                level_db=10 * float(np.log10(total / beside)) if total > SILENT * beside else None,
                spans_s=_spans(heard & real[index], lengths * self._frame_s, ends_s),
                duration_s=float(ends_s[-1]),
                left_over=track.complement,
                invented=bool((heard & ~real[index]).any()),
            )
        return found

    def _close_block(self, n_frames: int) -> None:
        waiting = np.concatenate(self._waiting, axis=-1)
        if self._n_blocks == len(self._lengths):
            self._sums = np.concatenate([self._sums, np.empty_like(self._sums)], axis=-1)
            self._lengths = np.concatenate([self._lengths, np.empty_like(self._lengths)])
        self._sums[..., self._n_blocks] = waiting[..., :n_frames].sum(-1)
        self._lengths[self._n_blocks] = n_frames
        self._n_blocks += 1
        self._waiting = [waiting[..., n_frames:]]


def seems_absent(estimate: Samples, mixture: Samples, sample_rate: int, stem: str = "") -> bool:
    """Whether a target seems to sound nowhere in a passage; not for one of less than a frame.

    Args:
        estimate: (channels, samples).
        mixture: same shape.
        sample_rate: Hz.
        stem: which one it is.
    """
    n_fft = frame_length(sample_rate)
    n_frames = estimate.shape[-1] // n_fft
    pair = np.stack([mixture, estimate])[..., : n_frames * n_fft]
    spectra = hann_spectra(pair.reshape(*pair.shape[:-1], n_frames, n_fft))
    meter = PresenceMeter([Target(name="", stems=frozenset({stem}))], n_fft / sample_rate)
    meter.take(spectra.real**2 + spectra.imag**2)
    return any(presence.empty for presence in meter.result().values())


def frame_length(sample_rate: int) -> int:
    """Return the samples of a frame: about those of 4096 at 44.1 kHz, a number whose FFT is fast."""
    return int(fft.next_fast_len(max(16, round(FRAME_S * sample_rate)), real=True))


def _spans(
    sounds: NDArray[np.bool_], lengths_s: NDArray[np.floating], ends_s: NDArray[np.floating]
) -> tuple[tuple[float, float], ...]:
    """Return (start, stop) in seconds of each run of blocks that sound."""
    runs = groupby(range(len(sounds)), key=lambda at: bool(sounds[at]))
    blocks = [list(run) for is_sounding, run in runs if is_sounding]
    return tuple((float(ends_s[run[0]] - lengths_s[run[0]]), float(ends_s[run[-1]])) for run in blocks)
