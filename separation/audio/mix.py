"""Mixes several tracks into one source, each with a gain and a pan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from separation.audio.waveform import AudioSource


class Mix:
    """An `AudioSource` that sums tracks of one sample rate, each with a gain and a pan, when it is read.

    Panning is that of Web Audio's `StereoPannerNode` for stereo input: towards one side, the other channel is moved
    over to it. A mono track counts as stereo with equal channels, so that a centred pan changes nothing.

    Args:
        tracks: at least one.
        gains: linear, one for each.
        pans: -1 (left) to 1 (right), one for each.
    """

    def __init__(self, tracks: Sequence[AudioSource], gains: Sequence[float], pans: Sequence[float] = ()) -> None:
        assert tracks
        self._tracks, self._gains = list(tracks), list(gains)
        self._pans = list(pans) or [0.0] * len(self._tracks)
        self.sample_rate = tracks[0].sample_rate
        self.n_samples = max(track.n_samples for track in tracks)
        stereo = any(track.n_channels == 2 for track in tracks) or any(self._pans)
        self.n_channels = 2 if stereo else 1

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, shape (channels, stop - start)."""
        total = np.zeros((self.n_channels, stop - start), np.float32)
        for track, gain, pan in zip(self._tracks, self._gains, self._pans, strict=True):
            if gain:
                total += np.float32(gain) * _placed(track.read(start, stop), pan)
        return total


def _placed(samples: NDArray[np.float32], pan: float) -> NDArray[np.float32]:
    """Pan (channels, samples) with equal power, as Web Audio API 1.1 specifies for stereo input of its panner."""
    if not pan:
        return samples
    left, right = samples[0], samples[-1]
    angle = (pan + 1 if pan <= 0 else pan) * np.pi / 2
    if pan <= 0:
        return np.stack([left + right * np.cos(angle), right * np.sin(angle)]).astype(np.float32)
    return np.stack([left * np.cos(angle), right + left * np.sin(angle)]).astype(np.float32)
