"""Quality and speed of the built-in separators on the demo: `python -m benchmarks.bench_builtin`.

The tables are those of the Benchmark page, made by the same code: the median of five timed runs after one that warms
up; times taken while the computer was busy are marked. Below them stand what the mixture itself reaches, and three
textbook methods, each for the stem it is meant for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import torch
from scipy import signal

from assets.demo_recording import Samples, load_demo
from separation.audio.stft import HOPS_PER_FRAME, Power, frame_length, istft, stft
from separation.benchmark.benchmark import CellOutcome
from separation.benchmark.grid import Grid, Passage
from separation.benchmark.making import make
from separation.benchmark.reporting import markdown
from separation.benchmark.steps import next_step, perform
from separation.engine.engine import Inline
from separation.events import Event, EventStream
from separation.metrics.reference import si_sdr
from separation.models.builtin import CLASSES
from separation.models.builtin.network import SeparatorNetwork
from separation.models.builtin.separator import separate as separate_by_network
from separation.models.classical.hpss import percussive_mask
from separation.models.classical.repet import foreground_mask
from separation.models.classical.stereo_masks import squared
from separation.stem_sets.demo import import_demo
from storage import ArtifactStore

# The demo calls its stems by what plays, the separator by what it looks for.
REFERENCE_OF = {"drums": "drums", "bass": "bass", "vocals": "voice", "other": "keys"}
HEADLINE = ("drums", "bass", "vocals")  # "other" is what is left, not what was looked for
GRID = Grid(
    name="Built-in separators",
    settings={"prompts": list(HEADLINE), "backend": ["builtin", "builtin-dsp"]},
    passage=Passage(length_s=None),
    n_times=5,
)


def main() -> None:
    """Print the tables of a benchmark of both, and what the mixture and the textbook methods reach."""
    with tempfile.TemporaryDirectory() as folder:
        store = ArtifactStore(Path(folder))
        benchmark = make(GRID, [import_demo(store)], store)
        outcomes: dict[str, CellOutcome] = {}
        while (step := next_step(benchmark, outcomes)) is not None:
            outcomes[step.cell.id] = _done(perform(step, benchmark, outcomes, store, Inline()))
        print(markdown.text(benchmark, outcomes, quality="si_sdr_db"))
    demo = load_demo()
    print(f"{'stem':10}{'mixture':>9}   SI-SDR in dB")
    for stem in HEADLINE:
        print(f"{stem:10}{si_sdr(demo.mixture, demo.stems[REFERENCE_OF[stem]]):9.2f}")
    for name, (stem, method) in BASELINES.items():
        reference_samples = demo.stems[REFERENCE_OF[stem]]
        estimate = method(demo.mixture, demo.sample_rate)
        gain = si_sdr(estimate, reference_samples) - si_sdr(demo.mixture, reference_samples)
        print(f"{name:18}{stem:8}{gain:7.2f} dB more than the mixture")


def _done(work: Generator[Event, None, CellOutcome]) -> CellOutcome:
    """Run a step to its end."""
    events = EventStream(work)
    for _ in events:
        pass
    return events.result


def by_network(network: SeparatorNetwork, mixture: Samples) -> dict[str, Samples]:
    """The network's stems; what is not drums, bass or voice counts as "other", as for the classical methods."""
    stems = dict(zip(CLASSES, separate_by_network(network, torch.from_numpy(mixture)).numpy(), strict=True))
    return {**{name: stems[name] for name in HEADLINE}, "other": sum(stems[name] for name in CLASSES[3:])}


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
