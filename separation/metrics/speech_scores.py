"""Scores of speech, by packages that are optional: STOI of how much is understood, PESQ of how good it sounds.

Both hear one channel, here the mean of all, at a rate of their own, to which soxr brings it. Singing is not what they
were made for. `pystoi` comes with the extra `speech-scores`. `pesq` is not installed by this program: it has to be
compiled, and the licence of its code, ITU-T's, allows hardly any use without an agreement with its owners; whoever has
one and installs it gets the score.
"""

from __future__ import annotations

import math
import warnings
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from separation.audio.waveform import Waveform, resample, to_channels
from separation.metrics.reference import Samples, refuse_unlike
from separation.metrics.unreferenced import is_silent

Floats = npt.NDArray[np.float64]

STOI_RATE = 10_000  # Hz, of its definition
STOI_SHORTEST = 256 + 30 * 128  # samples at that rate: the 30 frames that are correlated with each other
STOI_TOO_QUIET = 1e-5  # pystoi's answer when too few frames sound
PESQ_RATE = 16_000  # Hz, of wideband PESQ
PESQ_SHORTEST_S = 0.25
# ITU-T P.862.3 advises 8 to 12 s. The reference code has room for 50 utterances, each with its silence at least 0.4 s,
# and writes beyond it: of bursts of 0.25 s every 0.5 s, 30 s end the process.
PESQ_PIECE_S = 10.0


def has_stoi() -> bool:
    """Whether `pystoi` is installed."""
    return find_spec("pystoi") is not None


def has_pesq() -> bool:
    """Whether `pesq` is installed."""
    return find_spec("pesq") is not None


def stoi(estimate: Samples, reference: Samples, sample_rate: int) -> float | None:
    """Return the short-time objective intelligibility, 0 to 1, higher is better; below 0 if envelopes are opposed.

    Taal, Hendriks, Heusdens & Jensen, IEEE TASLP 19(7), 2011: how the envelopes of 15 third-octave bands, up to
    4.3 kHz, correlate in stretches of 0.4 s; frames 40 dB below the reference's loudest do not count.

    Args:
        estimate: (channels, samples).
        reference: same shape.
        sample_rate: Hz.

    Returns:
        None for a silent reference, and where less than 0.4 s of it sounds.

    Raises:
        SettingsError: the shapes differ.
        ImportError: `pystoi` is not installed.
    """
    from pystoi import stoi as measured

    refuse_unlike(estimate, reference)
    s_hat, s = (_heard(one, sample_rate, STOI_RATE) for one in (estimate, reference))
    if is_silent(s) or s.size <= STOI_SHORTEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = float(measured(s, s_hat, STOI_RATE))
    return None if found == STOI_TOO_QUIET else found


def pesq(estimate: Samples, reference: Samples, sample_rate: int) -> float | None:
    """Return wideband PESQ as a mean opinion score, 1.0 to 4.6, higher is better (ITU-T P.862.2, 2007).

    What is longer than 10 s is cut into equal pieces of at most that; their mean counts, without those that hold no
    speech.

    Args:
        estimate: (channels, samples).
        reference: same shape.
        sample_rate: Hz.

    Returns:
        None for silence, where no speech is found, and for less than 0.25 s.

    Raises:
        SettingsError: the shapes differ.
        ImportError: `pesq` is not installed.
    """
    refuse_unlike(estimate, reference)
    s_hat, s = (_heard(one, sample_rate, PESQ_RATE) for one in (estimate, reference))
    n_pieces = max(1, math.ceil(s.size / PESQ_RATE / PESQ_PIECE_S))
    pieces = zip(np.array_split(s_hat, n_pieces), np.array_split(s, n_pieces), strict=True)
    found = [score for piece in pieces if (score := _pesq_of_piece(*piece)) is not None]
    return sum(found) / len(found) if found else None


def _pesq_of_piece(estimate: Floats, reference: Floats) -> float | None:
    from pesq import PesqError
    from pesq import pesq as measured

    if is_silent(reference) or is_silent(estimate) or reference.size < PESQ_SHORTEST_S * PESQ_RATE:
        return None
    try:
        return float(measured(PESQ_RATE, reference, estimate, "wb"))
    except PesqError:
        return None


def _heard(samples: Samples, sample_rate: int, to_rate: int) -> Floats:
    """Return the mean of the channels, resampled, as a vector."""
    mono = to_channels(np.ascontiguousarray(samples, np.float32), 1)
    found: Floats = resample(Waveform(mono, sample_rate), to_rate).samples[0].astype(np.float64)
    return found
