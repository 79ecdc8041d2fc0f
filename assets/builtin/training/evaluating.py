"""Figures for the model card: SI-SDR improvement and leaks on the test set, beside the best classical method."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy import signal

from assets.builtin.training.cache import cache_folder, replacing
from assets.builtin.training.holding_out import HeldOut, Samples, held_out
from assets.builtin.training.learning import Learner
from separation.audio.stft import HOPS_PER_FRAME, frame_length, istft, stft
from separation.metrics.reference import si_sdr
from separation.models.builtin import CLASSES, SAMPLE_RATE
from separation.models.builtin.network import SeparatorNetwork
from separation.models.builtin.separator import separate
from separation.models.classical.classical import separate_classical
from separation.models.classical.hpss import percussive_mask
from separation.models.classical.repet import foreground_mask

Separate = Callable[[Samples], Mapping[str, Samples]]


@dataclass(slots=True)
class Figures:
    """What was measured for one class, in dB, one number for each mixture."""

    mixture: list[float] = field(default_factory=list)  # SI-SDR of the mixture itself
    improvement: list[float] = field(default_factory=list)
    leak: list[float] = field(default_factory=list)  # energy of the estimate over the mixture's, the class being absent

    def summary(self) -> dict[str, float | int]:
        """Mean, tenth percentile, median leak, and counts."""
        found: dict[str, float | int] = {"n": len(self.improvement), "n_absent": len(self.leak)}
        if self.improvement:
            found["mixture_db"] = round(float(np.mean(self.mixture)), 2)
            found["mean_db"] = round(float(np.mean(self.improvement)), 2)
            found["p10_db"] = round(float(np.percentile(self.improvement, 10)), 2)
        if self.leak:
            found["leak_median_db"] = round(float(np.median(self.leak)), 1)
            found["leak_p90_db"] = round(float(np.percentile(self.leak, 90)), 1)
        return found


def measure(separator: Separate, mixtures: Iterable[HeldOut]) -> dict[str, Figures]:
    """The figures of every class the separator has an estimate for."""
    figures: dict[str, Figures] = {}
    for held in mixtures:
        loudness = float((held.mixture**2).sum())
        for name, estimate in separator(held.mixture).items():
            of_class = figures.setdefault(name, Figures())
            kind = name.split(":")[0]
            if kind in held.stems:
                before = si_sdr(held.mixture, held.stems[kind])
                of_class.mixture.append(before)
                of_class.improvement.append(si_sdr(estimate, held.stems[kind]) - before)
            else:
                of_class.leak.append(10 * float(np.log10(float((estimate**2).sum()) / loudness + 1e-9)))
    return figures


def by_network(network: SeparatorNetwork) -> Separate:
    """The network as a separator of arrays, with “no vocals” as an eighth estimate."""
    network.eval()

    def run(mixture: Samples) -> Mapping[str, Samples]:
        stems = separate(network, torch.from_numpy(mixture)).numpy()
        return dict(zip(CLASSES, stems, strict=True))

    return run


def by_classical_methods(mixture: Samples) -> Mapping[str, Samples]:
    """What needs no learning, as “class:method”; the other classes get what is left by the product's recipe."""
    ours = separate_classical(mixture, SAMPLE_RATE)
    n_fft = frame_length(SAMPLE_RATE)
    spectrum = stft(mixture, n_fft)
    magnitude = np.abs(spectrum).mean(axis=0)
    frame_rate = SAMPLE_RATE * HOPS_PER_FRAME / n_fft
    percussive = percussive_mask(magnitude, SAMPLE_RATE / n_fft, frame_rate)
    foreground = foreground_mask(magnitude, frame_rate)
    foreground[:, : int(100 * n_fft / SAMPLE_RATE)] = 0
    low = signal.butter(4, 300, "lowpass", fs=SAMPLE_RATE, output="sos")
    return {
        **{f"{name}:recipe": stem for name, stem in ours.items()},
        **{f"{name}:recipe's other": ours["other"] for name in ("piano", "guitar", "strings")},
        "drums:HPSS": istft(spectrum * percussive, mixture.shape[1]),
        "bass:low-pass 300 Hz": np.asarray(signal.sosfiltfilt(low, mixture), np.float32),
        "vocals:REPET-SIM": istft(spectrum * foreground, mixture.shape[1]),
    }


def best_of_each(figures: Mapping[str, Figures]) -> dict[str, tuple[str, Figures]]:
    """The best method for each class by its mean improvement."""
    best: dict[str, tuple[str, Figures]] = {}
    for name, found in figures.items():
        if not found.improvement:
            continue
        kind, method = name.split(":")
        if kind not in best or np.mean(found.improvement) > np.mean(best[kind][1].improvement):
            best[kind] = method, found
    return best


def main() -> None:
    """Measure a checkpoint's mean weights; write `evaluation.json` beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=cache_folder() / "checkpoints" / "latest.pt")
    parser.add_argument("--stems", type=Path, default=cache_folder() / "stems" / "test")
    parser.add_argument("--mixtures", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="the network on clean mixtures, nothing else")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    learner = Learner.resume(asked.checkpoint, torch.device("cpu"))
    network = by_network(learner.mean)
    report: dict[str, object] = {
        "when": time.strftime("%Y-%m-%d %H:%M"), "steps": learner.steps, "mixtures": asked.mixtures,
        "examples": learner.steps * learner.training.batch, "minutes": round(learner.seconds / 60, 1),
        "clean": _summaries(measure(network, held_out(asked.stems, asked.mixtures))),
    }  # fmt: skip
    if not asked.quick:
        report["degraded"] = _summaries(measure(network, held_out(asked.stems, asked.mixtures, degraded=True)))
        classical = best_of_each(measure(by_classical_methods, held_out(asked.stems, asked.mixtures)))
        report["classical"] = {
            name: {"method": method, **found.summary()} for name, (method, found) in classical.items()
        }
    target = asked.checkpoint.with_name(f"evaluation-{learner.steps}{'-quick' if asked.quick else ''}.json")
    with replacing(target) as partial:
        partial.write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


def _summaries(figures: Mapping[str, Figures]) -> dict[str, dict[str, float | int]]:
    return {name: found.summary() for name, found in figures.items()}


if __name__ == "__main__":
    main()
