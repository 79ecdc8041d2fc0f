"""Chooses the best of several candidates of one target without a reference. Pure functions.

A generative model gives another answer for each seed: some miss a part, some take another source along, some invent
sound. A candidate's score is a weighted sum of terms, each from 0 to 1 and higher for a better one, over what can be
known from the mixture and the other candidates:

    explained    the share of its energy that the mixture accounts for (`unreferenced.explained_energy`): falls with
                 invented sound.
    agreement    the mean cosine between its waveform and those of the other candidates: errors of different seeds
                 differ, what is right is common.
    uncorrelated 1 minus the absolute cosine between its waveform and the mixture minus it: falls with a wrong gain.
    level        how near its level is to the median of the candidates, 1 at the same and 0 at 20 dB from it.
    inside       the share of its power that lies inside the + spans, of spans and surroundings weighed alike.

The depth of the null of the model's own residual is no term: to know it the residual has to be decoded too, which
makes four candidates 4.9 times as expensive as one, where they are 3.6 times without (`sam_family.cost`, small, 16
steps). Where more than half of the candidates are silent, silence is the answer, and has the highest score; else the
silent ones have the lowest. `benchmarks.fit_candidates` fits the weights and prints how good the choice is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from separation.metrics.reference import Samples, refuse_unlike
from separation.metrics.unreferenced import explained_energy, is_silent

Mask = npt.NDArray[np.bool_]
TERMS = ("explained", "agreement", "uncorrelated", "level", "inside")
WEIGHTS = {"explained": 4.6, "agreement": 22.8, "uncorrelated": 12.0, "level": 2.4, "inside": 5.7}
LEVEL_RANGE_DB = 20.0


def scores(
    candidates: Sequence[Samples], mixture: Samples, sample_rate: int, inside: Mask | None = None
) -> list[float]:
    """Return the score of each candidate, higher for a better one; see the head of this file.

    Args:
        candidates: of one target, each (channels, samples); at least one.
        mixture: of the same shape.
        sample_rate: Hz.
        inside: (samples,), True inside the target's + spans; None without spans, or if they are everywhere.

    Raises:
        SettingsError: the shapes differ.
    """
    silent = [is_silent(candidate) for candidate in candidates]
    if sum(silent) * 2 > len(candidates):
        return [float(is_one) for is_one in silent]
    sounding = [index for index, is_out in enumerate(silent) if not is_out]
    found = [-sum(WEIGHTS.values())] * len(candidates)
    measured = terms([candidates[index] for index in sounding], mixture, sample_rate, inside)
    for index, here in zip(sounding, measured, strict=True):
        found[index] = sum(WEIGHTS[name] * value for name, value in here.items())
    return found


def terms(
    candidates: Sequence[Samples], mixture: Samples, sample_rate: int, inside: Mask | None = None
) -> list[dict[str, float]]:
    """Return the terms of candidates none of which is silent; see `best_of`. "inside" is there if spans are."""
    for candidate in candidates:
        refuse_unlike(candidate, mixture)
    levels_db = [10 * float(np.log10(_energy(candidate))) for candidate in candidates]
    middle_db = float(np.median(levels_db))
    found = []
    for index, candidate in enumerate(candidates):
        rest = mixture - candidate
        others = [other for number, other in enumerate(candidates) if number != index]
        here = {
            "explained": explained_energy(candidate, mixture, sample_rate) or 0.0,
            "agreement": float(np.mean([_cosine(candidate, other) for other in others])) if others else 1.0,
            "uncorrelated": 1 - abs(_cosine(candidate, rest)),
            "level": max(0.0, 1 - abs(levels_db[index] - middle_db) / LEVEL_RANGE_DB),
        }
        if inside is not None and inside.any() and not inside.all():
            here["inside"] = _share_inside(candidate, inside)
        found.append(here)
    return found


def _energy(samples: Samples) -> float:
    return float(np.sum(np.square(samples, dtype=np.float64)))


def _cosine(one: Samples, other: Samples) -> float:
    length = np.sqrt(_energy(one) * _energy(other))
    return float(np.vdot(one, other)) / length if length > 0 else 0.0


def _share_inside(samples: Samples, inside: Mask) -> float:
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    within, without = float(power[inside].mean()), float(power[~inside].mean())
    return within / (within + without) if within + without > 0 else 0.0
