"""What levelled masks win on fades and cost elsewhere: `python -m benchmarks.bench_fades`.

SI-SDR of the built-in network's stems of generated songs, in dB above the mixture's, with masks made from the mixture
as it is and from a copy levelled over 4 s. The fade is undone before it is measured, so that its soft end counts like
the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.generated_songs import SAMPLE_RATE, mixed, songs
from separation.backends import builtin
from separation.metrics.reference import si_sdr
from separation.models.builtin import CLASSES
from separation.models.builtin.network import SeparatorNetwork, features
from separation.models.builtin.separator import separate
from separation.models.builtin.spectra import istft, stft, ungrouped
from separation.models.builtin.weights import read_network

N_SONGS = 12
EXCERPT = slice(2 * SAMPLE_RATE, 13 * SAMPLE_RATE)
FADES: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "none": np.zeros_like,
    "60 dB out": lambda t: -60 * t,
    "60 dB in": lambda t: -60 * (1 - t),
}


def main() -> None:
    """Print a row for each fade and kind of masks."""
    torch.set_num_threads(1)
    network = read_network(builtin.WEIGHTS)
    ways = {"as it is": as_it_is, "levelled": separate}
    gains: dict[tuple[str, str, str], list[float]] = {}
    for stems in songs(N_SONGS):
        excerpt = {name: stem[:, EXCERPT] for name, stem in stems.items()}
        mixture = mixed(excerpt)
        for fade, level_db in FADES.items():
            gain = np.asarray(10 ** (level_db(np.linspace(0, 1, mixture.shape[1])) / 20), np.float32)
            for way, separated in ways.items():
                estimates = separated(network, torch.from_numpy(mixture * gain), builtin.STEMS).numpy()
                for name, estimate in zip(builtin.STEMS, estimates, strict=True):
                    better_db = si_sdr(estimate / gain, excerpt[name]) - si_sdr(mixture, excerpt[name])
                    gains.setdefault((fade, way, name), []).append(better_db)
    print(f"{'fade':12}{'masks of':12}" + "".join(f"{name:>9}" for name in builtin.STEMS))
    for fade in FADES:
        for way in ways:
            means = (np.mean(gains[fade, way, name]) for name in builtin.STEMS)
            print(f"{fade:12}{way:12}" + "".join(f"{mean:9.2f}" for mean in means))


def as_it_is(network: SeparatorNetwork, mixture: Tensor, classes: Sequence[str]) -> Tensor:
    """`separate` with masks of the mixture as it is."""
    with torch.inference_mode():
        spectra = stft(mixture)
        masks = network(*features(spectra[None]))[0]
        wanted = (masks[CLASSES.index(name)] for name in classes)
        return torch.stack([istft(spectra * ungrouped(mask), mixture.shape[-1]) for mask in wanted])


if __name__ == "__main__":
    main()
