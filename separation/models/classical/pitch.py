"""The leading pitch of a recording, and the comb of its harmonics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from separation.audio.stft import Power
from separation.models.classical.masks import TINY

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class PitchRange:
    """The range of pitches to search; the defaults span the singing voice, from a low bass to a high soprano."""

    lowest_hz: float = 90.0
    highest_hz: float = 900.0
    step_cents: float = 20.0
    n_harmonics: int = 16
    harmonic_decay: float = 0.7  # what each harmonic counts, relative to the one below
    top_hz: float = 5_000.0  # higher harmonics are too close to each other to tell pitches apart
    # What a change of pitch by one step costs, in standard deviations of the salience. 0.3 to 0.6 score alike.
    step_cost: float = 0.4
    max_steps: int = 12  # a frame; farther is a new note and costs one step more than that

    def candidates_hz(self) -> Vector:
        """The pitches that are compared, equally far apart in cents."""
        octaves = np.log2(self.highest_hz / self.lowest_hz)
        steps = np.arange(0, 1_200 * octaves, self.step_cents)
        return (self.lowest_hz * 2 ** (steps / 1_200)).astype(np.float32)


def track_pitch(magnitude: Power, bin_hz: float, pitches: PitchRange) -> Vector:
    """The path of the strongest melody in Hz, one value a frame; it never stops, so silence has a pitch as well."""
    path = smoothest_path(salience(magnitude, bin_hz, pitches), pitches.step_cost, pitches.max_steps)
    return pitches.candidates_hz()[path]


def salience(magnitude: Power, bin_hz: float, pitches: PitchRange) -> Power:
    """Return the salience of each candidate pitch in each frame, (frames, candidates), with standard deviation one.

    A weighted sum over harmonics as in A. Klapuri, "Multiple fundamental frequency estimation by summing harmonic
    amplitudes", ISMIR 2006. Weights that fall keep the octave below from winning; counting the places between
    harmonics against a candidate as well was tried and lost 0.3 dB of voice.
    """
    f0_hz = pitches.candidates_hz()
    n_bins = min(magnitude.shape[1], int(pitches.top_hz / bin_hz) + 2)
    kernel = np.zeros((n_bins, f0_hz.size), np.float32)
    for harmonic in range(1, pitches.n_harmonics + 1):
        bins, candidates = harmonic * f0_hz / bin_hz, np.arange(f0_hz.size)
        below = bins.astype(np.intp)
        seen = below + 1 < n_bins
        below, part, candidates = below[seen], (bins - below)[seen], candidates[seen]
        weight = pitches.harmonic_decay ** (harmonic - 1)
        kernel[below, candidates] += weight * (1 - part)
        kernel[below + 1, candidates] += weight * part
    scores = np.sqrt(magnitude[:, :n_bins]) @ kernel
    return np.asarray(scores / (scores.std() + TINY), dtype=np.float32)


def smoothest_path(scores: Power, step_cost: float, max_steps: int) -> npt.NDArray[np.intp]:
    """The path (frames,) of the highest score less its moves: A. Viterbi's algorithm with a leap as the last resort."""
    n_frames, n_states = scores.shape
    offsets = np.arange(-max_steps, max_steps + 1)
    cost = step_cost * np.abs(offsets).astype(np.float32)
    origin = np.zeros((n_frames, n_states), np.intp)
    here = np.arange(n_states)
    total = scores[0].astype(np.float64)
    for frame in range(1, n_frames):
        walled = np.pad(total, max_steps, constant_values=-np.inf)
        reachable = np.lib.stride_tricks.sliding_window_view(walled, offsets.size) - cost
        choice = reachable.argmax(axis=1)
        best, came_from = reachable[here, choice], here + offsets[choice]
        anywhere = total.argmax()
        leap = total[anywhere] - step_cost * (max_steps + 1)
        origin[frame] = np.where(leap > best, anywhere, came_from)
        total = np.maximum(best, leap) + scores[frame]
    path = np.empty(n_frames, np.intp)
    path[-1] = total.argmax()
    for frame in range(n_frames - 1, 0, -1):
        path[frame - 1] = origin[frame, path[frame]]
    return path


def comb_mask(f0_hz: Vector, frequency_hz: Vector, bin_hz: float) -> Power:
    """Ones along the harmonics of a pitch path, shape (frames, bins).

    A tooth is a window's main lobe wide, plus 1.2 % of its frequency: vibrato moves high harmonics within a frame.
    """
    f0 = f0_hz[:, None]
    nearest_hz = np.maximum(1, np.round(frequency_hz / f0)) * f0
    width_hz = np.float32(0.9 * bin_hz) + np.float32(0.012) * nearest_hz
    return np.exp(np.float32(-0.5) * ((frequency_hz - nearest_hz) / width_hz) ** 2)
