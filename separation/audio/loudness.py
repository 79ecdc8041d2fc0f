"""Loudness by ITU-R BS.1770-5, in LUFS, the measure by which what is compared is made equally loud."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from separation.audio.waveform import AudioSource

BLOCK_S = 0.4
HOP_S = 0.1  # blocks overlap by three quarters
SILENCE_LUFS = -70.0  # the absolute gate
RELATIVE_GATE_LU = -10.0
READ_S = 10.0

# The two filters of the K weighting as analogue prototypes, which give the standard's coefficients at 48 kHz and the
# same curve at any other rate (Brecht De Man, “Evaluation of implementations of the EBU R128 loudness measurement”,
# AES 145, 2018).
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
SHELF_BEND = 0.4996667741545416
PASS_HZ, PASS_Q = 38.13547087602444, 0.5003270373238773


def integrated_lufs(source: AudioSource, start: int = 0, stop: int | None = None) -> float:
    """Measure the loudness of a passage as it is played, reading it block by block.

    A single channel is played by both speakers, so that it counts twice. A passage shorter than one block of 0.4 s has
    no gated loudness; it is the K-weighted mean square of the whole of it.

    Args:
        source: one or two channels.
        start: the first sample.
        stop: the one after the last; None for the end.

    Returns:
        LUFS; -inf where no block of 0.4 s is louder than -70 LUFS, and for silence and no samples at all.
    """
    from scipy import signal  # half a second to import

    rate = source.sample_rate
    stop = source.n_samples if stop is None else min(stop, source.n_samples)
    sections = k_weighting(rate)
    state = np.zeros((len(sections), source.n_channels, 2))
    hop = round(HOP_S * rate)
    hops: list[npt.NDArray[np.float64]] = []  # energy of each tenth of a second
    rest = np.zeros((source.n_channels, 0))
    step = round(READ_S * rate)
    for first in range(start, stop, step):
        block = source.read(first, min(first + step, stop)).astype(np.float64)
        weighted, state = signal.sosfilt(sections, block, axis=-1, zi=state)
        rest = np.concatenate([rest, weighted], axis=1)
        n_whole = rest.shape[1] // hop
        whole, rest = rest[:, : n_whole * hop], rest[:, n_whole * hop :]
        hops.append((whole.reshape(source.n_channels, n_whole, hop) ** 2).sum(axis=(0, 2)))
    speakers = 2 if source.n_channels == 1 else 1
    if stop - start >= round(BLOCK_S * rate):
        return _gated(speakers * np.concatenate(hops), hop)
    energy = float((rest**2).sum()) + sum(float(one.sum()) for one in hops)
    return _lufs(speakers * energy / (stop - start)) if energy > 0 else -math.inf


def k_weighting(sample_rate: int) -> npt.NDArray[np.float64]:
    """The K weighting as two second-order sections, shape (2, 6), for `scipy.signal.sosfilt`."""
    k = math.tan(math.pi * SHELF_HZ / sample_rate)
    high = 10 ** (SHELF_DB / 20)
    bend = high**SHELF_BEND
    a0 = 1 + k / SHELF_Q + k * k
    shelf = [
        (high + bend * k / SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - bend * k / SHELF_Q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / SHELF_Q + k * k) / a0,
    ]
    k = math.tan(math.pi * PASS_HZ / sample_rate)
    a0 = 1 + k / PASS_Q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / PASS_Q + k * k) / a0]
    return np.array([shelf, high_pass])


def _gated(hops: npt.NDArray[np.float64], hop: int) -> float:
    """Return the mean energy of the blocks that pass both gates of BS.1770."""
    n_hops = round(BLOCK_S / HOP_S)
    blocks = np.convolve(hops, np.ones(n_hops), "valid") / (n_hops * hop)  # mean square, summed over channels
    blocks = blocks[blocks > _power(SILENCE_LUFS)]
    if not len(blocks):
        return -math.inf
    blocks = blocks[blocks > _power(_lufs(blocks.mean()) + RELATIVE_GATE_LU)]
    return _lufs(blocks.mean())


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))
