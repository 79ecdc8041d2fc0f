"""Quality and speed of the built-in separators on the demo: `python -m benchmarks.bench_builtin`.

SI-SDR is in dB over both channels; "gain" is the improvement over taking the mixture itself for the stem. Below them
stand three textbook methods, each for the stem it is meant for.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from scipy import signal

from assets.demo_recording import Samples, load_demo
from separation.audio.stft import HOPS_PER_FRAME, Power, frame_length, istft, stft
from separation.backends.builtin import WEIGHTS
from separation.metrics.reference import rtf, si_sdr
from separation.models.builtin import CLASSES
from separation.models.builtin.network import SeparatorNetwork
from separation.models.builtin.separator import separate as separate_by_network
from separation.models.builtin.weights import read_network
from separation.models.classical.classical import separate_classical
from separation.models.classical.hpss import percussive_mask
from separation.models.classical.repet import foreground_mask
from separation.models.classical.stereo_masks import squared

# The demo calls its stems by what plays, the separator by what it looks for.
REFERENCE_OF = {"drums": "drums", "bass": "bass", "vocals": "voice", "other": "keys"}
HEADLINE = ("drums", "bass", "vocals")  # "other" is what is left, not what was looked for
N_RUNS = 5


def main() -> None:
    """Print the table."""
    demo = load_demo()
    duration_s = demo.mixture.shape[1] / demo.sample_rate
    print(f"{demo.title!r}, {duration_s:.1f} s, stereo at {demo.sample_rate} Hz\n")
    network = read_network(WEIGHTS)
    separators = {
        "builtin": lambda: by_network(network, demo.mixture),
        "builtin-dsp": lambda: separate_classical(demo.mixture, demo.sample_rate),
    }
    for separator, separate in separators.items():
        estimates, seconds = fastest(separate)
        print(f"{'stem':10}{'mixture':>9}{separator:>13}{'gain':>7}   SI-SDR in dB")
        gains = {}
        for stem, reference in REFERENCE_OF.items():
            before = si_sdr(demo.mixture, demo.stems[reference])
            after = si_sdr(estimates[stem], demo.stems[reference])
            gains[stem] = after - before
            print(f"{stem:10}{before:9.2f}{after:13.2f}{gains[stem]:7.2f}")
        print(f"mean gain of {', '.join(HEADLINE)}: {np.mean([gains[stem] for stem in HEADLINE]):.2f} dB")
        speed = rtf(seconds, duration_s)
        print(f"RTF {speed:.3f}, {1 / speed:.1f} times real time (best of {N_RUNS})\n")

    for name, (stem, method) in BASELINES.items():
        reference_samples = demo.stems[REFERENCE_OF[stem]]
        estimate = method(demo.mixture, demo.sample_rate)
        gain = si_sdr(estimate, reference_samples) - si_sdr(demo.mixture, reference_samples)
        print(f"{name:18}{stem:8}{gain:7.2f} dB")


def by_network(network: SeparatorNetwork, mixture: Samples) -> dict[str, Samples]:
    """The network's stems; what is not drums, bass or voice counts as "other", as for the classical methods."""
    stems = dict(zip(CLASSES, separate_by_network(network, torch.from_numpy(mixture)).numpy(), strict=True))
    return {**{name: stems[name] for name in HEADLINE}, "other": sum(stems[name] for name in CLASSES[3:])}


def fastest(separate: Callable[[], dict[str, Samples]]) -> tuple[dict[str, Samples], float]:
    """The result and the least time of `N_RUNS` runs: whatever else the computer does only ever adds."""
    times = []
    for _ in range(N_RUNS):
        start = time.perf_counter()
        stems = separate()
        times.append(time.perf_counter() - start)
    return stems, min(times)


def only_hpss(mixture: Samples, sample_rate: int) -> Samples:
    """Drums as everything percussive."""
    return masked(mixture, sample_rate, percussive_mask)


def only_low_pass(mixture: Samples, sample_rate: int) -> Samples:
    """Bass as everything below 300 Hz, with no delay."""
    sos = signal.butter(4, 300, fs=sample_rate, output="sos")
    return np.asarray(signal.sosfiltfilt(sos, mixture, axis=-1), dtype=np.float32)


def only_repet(mixture: Samples, sample_rate: int) -> Samples:
    """Voice as everything that does not repeat, above 100 Hz as in the paper."""

    def mask(magnitude: Power, bin_hz: float, frame_rate: float) -> Power:
        return foreground_mask(magnitude, frame_rate) * (np.arange(magnitude.shape[1]) * bin_hz > 100)

    return masked(mixture, sample_rate, mask)


def masked(mixture: Samples, sample_rate: int, mask: Callable[[Power, float, float], Power]) -> Samples:
    """Apply one mask to the spectrogram of all channels."""
    n_fft = frame_length(sample_rate)
    spectrum = stft(mixture, n_fft)
    magnitude = np.sqrt(squared(spectrum).mean(axis=0))
    kept = mask(magnitude, sample_rate / n_fft, sample_rate * HOPS_PER_FRAME / n_fft)
    return istft(spectrum * kept, mixture.shape[1])


BASELINES: dict[str, tuple[str, Callable[[Samples, int], Samples]]] = {
    "HPSS alone": ("drums", only_hpss),
    "low-pass 300 Hz": ("bass", only_low_pass),
    "REPET-SIM alone": ("vocals", only_repet),
}

if __name__ == "__main__":
    main()
