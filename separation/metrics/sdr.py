"""Signal-to-distortion ratios as tables quote them: by frames (museval), and of the whole file (MVSEP and others).

Neither forgives a wrong level, delay or colour: the distortion is all by which an estimate differs from its reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from separation.errors import SettingsError
from separation.metrics.reference import Samples, flat_pair, refuse_unlike

FRAME_S = 1.0
EPSILON = 1e-8  # is added to both energies, so that silence has a number


@dataclass(frozen=True, kw_only=True, slots=True)
class FramesSdr:
    """The ratios of one track in frames.

    Attributes:
        median_db: by stem, of its frames; None if every frame is dropped.
        frames_db: by stem, of each frame that counts.
        n_dropped: frames in which some reference or estimate is silent; no stem counts there.
    """

    median_db: Mapping[str, float | None]
    frames_db: Mapping[str, tuple[float, ...]]
    n_dropped: int


def whole_sdr(estimate: Samples, reference: Samples) -> float:
    """Return the ratio of a whole file in dB: 10 log10((|s|² + ε) / (|s - ŝ|² + ε)), with ε = 1e-8.

    This is what MVSEP's tables and ZFTurbo's Music-Source-Separation-Training report; a set's figure is the mean of
    its tracks. All channels count together.

    Args:
        estimate: (channels, samples).
        reference: same shape.

    Raises:
        SettingsError: the shapes differ.
    """
    s_hat, s = flat_pair(estimate, reference)
    return 10 * float(np.log10((np.dot(s, s) + EPSILON) / (np.dot(s - s_hat, s - s_hat) + EPSILON)))


def frames_sdr(estimates: Mapping[str, Samples], references: Mapping[str, Samples], sample_rate: int) -> FramesSdr:
    """Return the ratios in frames of 1 s, as museval 0.4 has them (BSS Eval v4; Stöter, Liutkus & Ito, LVA/ICA 2018).

    Of its four figures only this one is computed: in version 4 the true source is not filtered to fit the estimate, so
    that the sum of its three errors is the plain difference. What is left over at the end, less than a frame, does not
    count. A frame in which the channels of some reference or estimate add up to nothing is dropped for all stems.

    Args:
        estimates: (channels, samples) by stem.
        references: same stems and shapes.
        sample_rate: Hz.

    Raises:
        SettingsError: the stems or shapes differ, or there is no stem.
    """
    if not references or estimates.keys() != references.keys():
        raise SettingsError(
            f"The stems {', '.join(estimates) or 'none'} cannot be compared with {', '.join(references) or 'none'}.",
            "Each needs its reference, since a frame counts for all of them or for none.",
            "Compare stems of the same names.",
        )
    for name, reference in references.items():
        refuse_unlike(estimates[name], reference)
    length = round(FRAME_S * sample_rate)
    n_frames = min(reference.shape[1] for reference in references.values()) // length
    frames: dict[str, list[float]] = {name: [] for name in references}
    for index in range(n_frames):
        cut = slice(index * length, (index + 1) * length)
        pairs = {name: (estimates[name][:, cut], references[name][:, cut]) for name in references}
        if any(_adds_up_to_nothing(samples) for pair in pairs.values() for samples in pair):
            continue
        for name, (estimate, reference) in pairs.items():
            s_hat, s = flat_pair(estimate, reference)
            frames[name].append(_ratio_db(np.dot(s, s), np.dot(s - s_hat, s - s_hat)))
    n_counted = len(next(iter(frames.values())))
    return FramesSdr(
        median_db={name: median(found) if found else None for name, found in frames.items()},
        frames_db={name: tuple(found) for name, found in frames.items()},
        n_dropped=n_frames - n_counted,
    )


def median_over_tracks(medians_db: Sequence[float | None]) -> float | None:
    """Return a set's figure for a stem: the median of its tracks' medians; tracks without one do not count."""
    known = [one for one in medians_db if one is not None]
    return median(known) if known else None


def _adds_up_to_nothing(samples: Samples) -> bool:
    return not np.any(np.sum(samples, axis=0, dtype=np.float64))


def _ratio_db(signal: np.floating[npt.NBitBase], distortion: np.floating[npt.NBitBase]) -> float:
    return float("inf") if distortion == 0 else 10 * float(np.log10(signal / distortion))
