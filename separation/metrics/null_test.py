"""The null test: how closely the tracks of a result add up to the recording, as one level in dB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from separation.audio.waveform import AudioSource
from separation.prompts.targets import residual_stem

MOST_BLOCKS = 300  # of a second each; longer recordings are looked at in places spread evenly


def null_level_db(mixture: AudioSource, tracks: Mapping[str, AudioSource]) -> float | None:
    """Return the level of mixture minus the sum of the tracks, relative to the mixture, in dB; low is good.

    Where a model made a residual of its own for each target, every such pair is a sum by itself, and the worst counts.
    A sound that two tracks hold is counted twice, as a listener hears it.

    Args:
        mixture: the recording.
        tracks: by their names, each with the rate, channels and length of the mixture.

    Returns:
        Not below `metrics.unreferenced.NULL_FLOOR_DB`; None where the mixture is silent or there are no tracks.

    Raises:
        AudioError: a file is gone.
    """
    from separation.metrics.unreferenced import NULL_FLOOR_DB, is_silent  # SciPy takes 0.3 s to import

    sums = _sums(list(tracks))
    block = mixture.sample_rate
    n_blocks = -(-mixture.n_samples // block)
    whole, left = 0.0, np.zeros(len(sums))
    sounds = False
    for index in np.unique(np.linspace(0, n_blocks - 1, min(n_blocks, MOST_BLOCKS)).round().astype(int)):
        start, stop = index * block, min((index + 1) * block, mixture.n_samples)
        samples = mixture.read(start, stop)
        sounds = sounds or not is_silent(samples)
        whole += _energy(samples)
        for k, names in enumerate(sums):
            left[k] += _energy(samples - sum(tracks[name].read(start, stop) for name in names))
    if not sounds or not sums:
        return None
    return max(10 * float(np.log10(max(left.max(), 1e-300) / whole)), NULL_FLOOR_DB)


def _sums(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the groups of tracks that should each add up to the mixture."""
    pairs = [(name, residual_stem(name)) for name in names if residual_stem(name) in names]
    return list(pairs) or ([tuple(names)] if names else [])


def _energy(samples: np.typing.NDArray[np.float32]) -> float:
    return float(np.sum(samples.astype(np.float64) ** 2))
