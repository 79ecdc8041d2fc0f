"""Fits the weights with which the best of several candidates is chosen, and prints how good the choice is.

`python -m benchmarks.fit_candidates` makes excerpts of generated songs with known stems, and candidates for each stem:
the true stem with errors of six kinds, which differ from candidate to candidate as those of a generative model do.
They are simulated; no model runs. Weights are fitted on half of the songs with three kinds of errors, and the figures
are those of the other songs with the other three kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import signal

from assets.demo_synth.song import DEMO, SAMPLE_RATE
from assets.make_demo import render
from separation.audio.stft import istft, stft
from separation.metrics.candidates import TERMS, WEIGHTS, Mask, terms

Samples = npt.NDArray[np.float32]
N_SONGS, N_EXCERPTS, LENGTH_S, K = 16, 4, 3.0, 4  # 64 mixtures, each with four targets
FITTED, REPORTED = ("wrong_source", "musical_noise", "gain_drift"), ("leakage", "band_loss", "invented")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A target in a mixture, what else sounds there, and a sound that does not."""

    target: Samples
    others: tuple[Samples, ...]
    foreign: Samples
    inside: Mask | None

    @property
    def mixture(self) -> Samples:
        """The sum of all that sounds."""
        return np.asarray(self.target + sum(self.others), np.float32)


Degradation = Callable[[Samples, Case, float, np.random.Generator], Samples]


def cases() -> Iterator[tuple[int, Case]]:
    """Yield the number of a song and a target in an excerpt of it."""
    n = round(LENGTH_S * SAMPLE_RATE)
    songs = [_song(number) for number in range(N_SONGS)]
    for number, stems in enumerate(songs):
        foreign = songs[(number + 1) % N_SONGS]
        for excerpt in range(N_EXCERPTS):
            here = slice(excerpt * n, (1 + excerpt) * n)
            for name in stems:
                target = stems[name][:, here]
                others = tuple(stem[:, here] for other, stem in stems.items() if other != name)
                yield number, Case(target=target, others=others, foreign=foreign[name][:, here], inside=_loud(target))


@cache
def _song(number: int) -> Mapping[str, Samples]:
    song = replace(DEMO, seed=number, transpose=number % 7 - 3, tempo_bpm=DEMO.tempo_bpm - 12 + 2 * number)
    return {name: stem.mean(axis=0, keepdims=True).astype(np.float32) for name, stem in render(song).items()}


def _loud(target: Samples) -> Mask | None:
    """Return where a person would say that the target sounds; None if everywhere."""
    block = SAMPLE_RATE // 4
    power = np.square(target[0]).reshape(-1, block).mean(axis=1)
    mask = np.repeat(power > power.max() / 30, block)
    return None if mask.all() else mask


def leakage(samples: Samples, case: Case, severity: float, rng: np.random.Generator) -> Samples:
    """Add another source, 30 to 0 dB below its own level."""
    return samples + case.others[rng.integers(len(case.others))] * np.float32(10 ** (-1.5 * (1 - severity)))


def wrong_source(samples: Samples, case: Case, severity: float, rng: np.random.Generator) -> Samples:
    """Replace a part of the time by another source."""
    n = samples.shape[1]
    length = round(severity * n)
    start = rng.integers(n - length + 1)
    made = samples.copy()
    made[:, start : start + length] = case.others[rng.integers(len(case.others))][:, start : start + length]
    return made


def band_loss(samples: Samples, case: Case, severity: float, rng: np.random.Generator) -> Samples:
    """Lose what lies above an edge, or below one."""
    edge_hz = 8000 * (100 / 8000) ** severity
    kind = "lowpass"
    if rng.random() < 0.5:
        edge_hz, kind = 60 * (2000 / 60) ** severity, "highpass"
    sos = signal.butter(4, edge_hz, kind, fs=SAMPLE_RATE, output="sos")
    return np.asarray(signal.sosfiltfilt(sos, samples), np.float32)


def musical_noise(samples: Samples, case: Case, severity: float, rng: np.random.Generator) -> Samples:
    """Lose single cells of the spectrogram, as a mask that flickers does."""
    spectrum = stft(samples, 2048)
    kept = rng.random(spectrum.shape) > 0.8 * severity
    return istft(spectrum * kept, samples.shape[1])


def gain_drift(samples: Samples, case: Case, severity: float, rng: np.random.Generator) -> Samples:
    """Change the level by up to 12 dB, up or down."""
    return samples * np.float32(10 ** (rng.choice([-1, 1]) * 12 * severity / 20))


def invented(samples: Samples, case: Case, severity: float, rng: np.random.Generator) -> Samples:
    """Add the same instrument of another song, 30 to 0 dB below its own level."""
    return samples + case.foreign * np.float32(10 ** (-1.5 * (1 - severity)))


DEGRADATIONS: Mapping[str, Degradation] = {
    "leakage": leakage,
    "wrong_source": wrong_source,
    "band_loss": band_loss,
    "musical_noise": musical_noise,
    "gain_drift": gain_drift,
    "invented": invented,
}


def candidates(case: Case, kinds: Sequence[str], rng: np.random.Generator) -> list[Samples]:
    """Return candidates of a case: each has one or two errors of these kinds, of random severity."""
    made = []
    for _ in range(K):
        samples = case.target
        for kind in rng.choice(kinds, size=rng.integers(1, 3), replace=False):
            samples = DEGRADATIONS[kind](samples, case, rng.random(), rng)
        made.append(np.asarray(samples, np.float32))
    return made


def sdr(estimate: Samples, reference: Samples) -> float:
    """Return the signal-to-distortion ratio of a candidate in dB, at most 40."""
    error = float(np.sum(np.square(estimate - reference, dtype=np.float64)))
    return min(40.0, 10 * np.log10(float(np.sum(np.square(reference, dtype=np.float64))) / max(error, 1e-12)))


def measured(which: Sequence[int], kinds: Sequence[str]) -> list[tuple[list[dict[str, float]], list[float]]]:
    """Return terms and true SDRs of the candidates of each case."""
    rng = np.random.default_rng([len(kinds), *kinds[0].encode()])
    found = []
    for number, case in cases():
        if number in which:
            made = candidates(case, kinds, rng)
            found.append((terms(made, case.mixture, SAMPLE_RATE, case.inside), [sdr(one, case.target) for one in made]))
    return found


def fitted(groups: Sequence[tuple[list[dict[str, float]], list[float]]]) -> dict[str, float]:
    """Return weights, none below 0, whose sum explains best by how much a candidate is better than the others."""
    from scipy.optimize import nnls

    rows, values = [], []
    for found, sdrs in groups:
        table = np.array([[one.get(name, np.nan) for name in TERMS] for one in found])
        table = np.where(np.isnan(table), 0, table - table.mean(axis=0))
        rows.extend(table)
        values.extend(np.array(sdrs) - np.mean(sdrs))
    weights, _ = nnls(np.array(rows), np.array(values))
    return {name: round(float(weight), 2) for name, weight in zip(TERMS, weights, strict=True)}


def report(groups: Sequence[tuple[list[dict[str, float]], list[float]]], weights: Mapping[str, float]) -> str:
    """Return a line: mean SDR of the first candidate, of the chosen and of the best, and the share of the gain."""
    mean, chosen, best = [], [], []
    for found, sdrs in groups:
        scores = [sum(weights[name] * value for name, value in one.items()) for one in found]
        mean.append(np.mean(sdrs))
        chosen.append(sdrs[int(np.argmax(scores))])
        best.append(max(sdrs))
    gain, possible = np.mean(chosen) - np.mean(mean), np.mean(best) - np.mean(mean)
    return (
        f"{len(groups)} targets, {K} candidates: one by chance {np.mean(mean):.1f} dB, "
        f"chosen {np.mean(chosen):.1f} dB, best {np.mean(best):.1f} dB: {gain / possible:.0%} of the possible gain"
    )


def main() -> None:
    """Fit and print."""
    first, second = range(0, N_SONGS, 2), range(1, N_SONGS, 2)
    fit, held_out = measured(first, FITTED), measured(second, REPORTED)
    weights = fitted(fit)
    print(f"weights fitted on half of the songs, with {', '.join(FITTED)}: {weights}")
    print(f"  there:    {report(fit, weights)}")
    print(f"  held out, other songs with {', '.join(REPORTED)}: {report(held_out, weights)}")
    print(f"  as shipped, held out: {report(held_out, WEIGHTS)}")
    swapped = fitted(measured(second, REPORTED))
    print(f"the halves swapped, weights {swapped}")
    print(f"  held out: {report(fit, swapped)}")


if __name__ == "__main__":
    main()
