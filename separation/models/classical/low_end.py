"""Separates bass guitar from kick drum and toms, which share two octaves.

A note of the bass is harmonic and may last; a drum is a falling blob that comes back the same at every stroke. So the
low spectrogram is explained as harmonic atoms of fixed shape, played at any time, plus a few drum templates that are
learned from the recording and begin at onsets: non-negative matrix factor deconvolution (P. Smaragdis, ICA 2004) beside
harmonically constrained factors (E. Vincent, N. Bertin and R. Badeau, 2010), under the Kullback-Leibler divergence with
the multiplicative updates of D. Lee and H. Seung, NIPS 2001.

Letting the bass learn its harmonics as well was tried and lost 1.3 dB: its brighter atom took in the other instruments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from separation.audio.stft import Power
from separation.models.classical.masks import TINY

Vector = npt.NDArray[np.float64]

TOP_HZ = 1_000.0
# MIDI. B0 is a five-string's lowest note; quarter tones, because recordings are not all tuned to A4 = 440 Hz.
BASS_PITCHES = np.arange(23, 48, 0.5)
OTHER_PITCHES = np.arange(52, 84, 1.0)  # lower notes of other instruments are too easily a bass's second harmonic
N_HARMONICS = 16
FALLING = np.arange(N_HARMONICS)
# The levels of the harmonics of a note played brightly, darkly, and on a string whose fundamental is weak.
# Without the third, sampled bass guitars lose 1.8 dB.
BASS_PROFILES = np.stack([0.9**FALLING, 0.6**FALLING, np.r_[0.4, 1.0, 0.6, 0.4, 0.6 * 0.7 ** FALLING[4:]]])
OTHER_PROFILES = np.stack([0.7**FALLING, 0.4**FALLING])
# Where learning starts: kick, tom, snare as (pitch when struck, pitch at rest, decay in s).
DRUM_SKINS = ((140.0, 50.0, 0.22), (170.0, 110.0, 0.28), (230.0, 190.0, 0.10))
SKIN_BEND_S = 0.03
DRUM_LENGTH_S = 0.45
# A stroke makes the low end rise by a tenth of its level within a frame; a held note does not, whatever its
# harmonics do. Without this rule the templates learn held notes: they took most of a steady 60 Hz.
LEAST_RISE = 0.1
N_UPDATES = 40  # twice as many gain 0.1 dB
SETTLING_UPDATES = 6  # the templates keep their shape until it is known roughly when they sound


@dataclass(frozen=True, slots=True)
class LowEnd:
    """Magnitudes below `TOP_HZ` as explained by three kinds of sources, each (frames, low bins)."""

    drums: Power
    bass: Power
    other: Power


def explain_low_end(magnitude: Power, bin_hz: float, frame_rate: float) -> LowEnd:
    """Explain the bins below `TOP_HZ` of (frames, bins) magnitudes as drums, bass and other notes."""
    n_bins = min(magnitude.shape[1], int(TOP_HZ / bin_hz) + 1)
    observed = magnitude[:, :n_bins] + TINY
    scale = observed.mean()
    bass = harmonic_atoms(BASS_PITCHES, BASS_PROFILES, n_bins, bin_hz)
    other = harmonic_atoms(OTHER_PITCHES, OTHER_PROFILES, n_bins, bin_hz)
    n_lags = max(2, int(DRUM_LENGTH_S * frame_rate))
    skins = np.stack([skin(*shape, n_lags, n_bins, bin_hz, frame_rate) for shape in DRUM_SKINS])
    notes, drums = factorise(observed / scale, np.concatenate([bass, other]), skins)
    return LowEnd(
        drums=scale * drums,
        bass=scale * (notes[:, : len(bass)] @ bass),
        other=scale * (notes[:, len(bass) :] @ other),
    )


def factorise(observed: Power, atoms: Power, templates: Power) -> tuple[Power, Power]:
    """Find activations of fixed atoms and of learned templates whose sum explains `observed`.

    Args:
        observed: (frames, bins), mean about one.
        atoms: (notes, bins), each of sum one or silent.
        templates: (drums, lags, bins) to start from, each of sum one.

    Returns:
        Activations of the notes (frames, notes), and the magnitudes of the drums (frames, bins).
    """
    n_drums, n_lags, n_bins = templates.shape
    shapes = templates.reshape(-1, n_bins)  # (drums * lags, bins)
    notes = np.full((len(observed), len(atoms)), n_bins / len(atoms), np.float32)
    strokes = np.repeat(onsets(observed) / n_drums, n_drums, axis=1)  # where none is now, none can grow
    atom_sums = atoms.sum(axis=1) + TINY
    for update in range(N_UPDATES):
        ratio = observed / (notes @ atoms + delayed(strokes, n_lags) @ shapes + TINY)
        notes = np.maximum(notes * (ratio @ atoms.T) / atom_sums, TINY)

        ratio = observed / (notes @ atoms + delayed(strokes, n_lags) @ shapes + TINY)
        strokes = strokes * gathered(ratio @ shapes.T, n_lags)

        if update >= SETTLING_UPDATES:
            played = delayed(strokes, n_lags)
            ratio = observed / (notes @ atoms + played @ shapes + TINY)
            shapes = shapes * (played.T @ ratio) / (played.sum(axis=0)[:, None] + TINY)
            loudness = shapes.reshape(n_drums, -1).sum(axis=1)
            shapes = shapes / (np.repeat(loudness, n_lags)[:, None] + TINY)
    return notes, delayed(strokes, n_lags) @ shapes


def onsets(observed: Power) -> Power:
    """Return each frame's rise above the one before, (frames, 1); zero if it is too small for a stroke."""
    rise = np.maximum(np.diff(observed, axis=0, prepend=0), 0).sum(axis=1, keepdims=True)
    relative = rise / (observed.sum(axis=1, keepdims=True) + TINY)
    return np.asarray(rise * np.clip(relative / LEAST_RISE - 1, 0, 1), dtype=np.float32)


def delayed(strokes: Power, n_lags: int) -> Power:
    """Shift strokes (frames, drums) to (frames, drums * lags): those of 0, 1, 2 ... frames ago."""
    padded = np.pad(strokes, ((n_lags - 1, 0), (0, 0)))
    past = np.lib.stride_tricks.sliding_window_view(padded, n_lags, axis=0)[..., ::-1]  # (frames, drums, lags)
    return np.ascontiguousarray(past).reshape(len(strokes), -1)


def gathered(evidence: Power, n_lags: int) -> Power:
    """The transpose of `delayed`: (frames, drums * lags) summed back to the frame of the stroke, (frames, drums)."""
    by_lag = evidence.reshape(len(evidence), -1, n_lags)
    strokes = np.zeros(by_lag.shape[:2], np.float32)
    for lag in range(min(n_lags, len(evidence))):
        strokes[: len(strokes) - lag] += by_lag[lag:, :, lag]
    return strokes


def harmonic_atoms(pitches: Vector, profiles: Vector, n_bins: int, bin_hz: float) -> Power:
    """Spectra of single notes, shape (pitches * profiles, bins), each of sum one."""
    f0_hz = 440 * 2 ** ((pitches - 69) / 12)
    harmonics_hz = f0_hz[:, None] * np.arange(1, N_HARMONICS + 1)
    offset = np.arange(n_bins) - harmonics_hz[..., None] / bin_hz  # (pitches, harmonics, bins)
    lobes = np.exp(-0.5 * (offset / 0.85) ** 2)  # a sine seen through the window
    atoms = np.einsum("ph,qhn->qpn", profiles, lobes).reshape(-1, n_bins)
    return np.asarray(atoms / (atoms.sum(axis=1, keepdims=True) + TINY), dtype=np.float32)


def skin(
    struck_hz: float, rest_hz: float, decay_s: float, n_lags: int, n_bins: int, bin_hz: float, frame_rate: float
) -> Power:
    """A struck membrane as (lags, bins) of sum one: its pitch falls and settles while it fades."""
    t = np.arange(n_lags)[:, None] / frame_rate
    bend = np.exp(-t / SKIN_BEND_S)
    centre_hz = rest_hz + (struck_hz - rest_hz) * bend
    width_hz = 18 + 60 * bend
    blob = np.exp(-t / decay_s) * np.exp(-0.5 * ((np.arange(n_bins) * bin_hz - centre_hz) / width_hz) ** 2)
    blob[:2] += 0.05  # the click of the stick
    return np.asarray(blob / blob.sum(), dtype=np.float32)
