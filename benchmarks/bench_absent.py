"""How often absent sounds are said to be absent, and present ones too: `python -m benchmarks.bench_absent`.

Generated songs with and without drums, bass and vocals go through the built-in separator; what it gives for each is
judged as results are (`separation.metrics.presence`). The speech separator is given held-out voices in noise, and the
noise alone (`speech_set`). For generative models, whose weights need not be at hand, candidates are simulated: the true
sound with what models do to it, and what they give where it is absent.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import torch

from benchmarks import speech_set
from benchmarks.generated_songs import SAMPLE_RATE, Samples, mixed, songs
from separation.audio.stft import istft, stft
from separation.backends import builtin
from separation.metrics.presence import seems_absent
from separation.models.builtin.network import SeparatorNetwork
from separation.models.builtin.separator import separate
from separation.models.builtin.weights import read_network
from separation.models.speech import carrier
from separation.models.speech.separator import speech_in

N_SONGS, FIRST = 20, 300  # none of those at which the thresholds were chosen, which were 100 to 219
EXCERPT = slice(0, 11 * SAMPLE_RATE)
N_CLIPS, CLIP_S = 4, 6.0  # of each noise at each level
REGISTERS = {"others from C3 up": 48, "others from E2 up": 40}  # below C3 they play the bass themselves
ABSENT: tuple[tuple[str, ...], ...] = (
    (), ("drums",), ("bass",), ("vocals",), ("drums", "bass"), ("bass", "vocals"), ("drums", "bass", "vocals"),
)  # fmt: skip


def main() -> None:
    """Print for each stem the share of absent cases that are named, and of present ones named all the same."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--songs", type=int, default=N_SONGS)
    n_songs = parser.parse_args().songs
    torch.set_num_threads(1)
    network = read_network(builtin.WEIGHTS)
    judged: Counter[tuple[str, bool, bool]] = Counter()  # who, whether it is absent, whether that is said
    for register, lowest in REGISTERS.items():
        for stems in songs(n_songs, FIRST, lowest):
            excerpt = {name: stem[:, EXCERPT] for name, stem in stems.items()}
            for absent in ABSENT:
                mixture = mixed(excerpt, *absent)
                estimates = separate(network, torch.from_numpy(mixture), builtin.STEMS).numpy()
                for name, estimate in zip(builtin.STEMS, estimates, strict=True):
                    is_said = seems_absent(estimate, mixture, SAMPLE_RATE)
                    judged[f"built-in {name}, {register}", name in absent, is_said] += 1
    speech_set.fetch()
    for is_absent, mixture, speech in voices(N_CLIPS, network):
        judged["speech", is_absent, seems_absent(speech, mixture, speech_set.RATE, "speech")] += 1
    before = None
    for stems in songs(n_songs, FIRST):
        excerpt = {name: stem[:, EXCERPT] for name, stem in stems.items()}
        for kind, is_absent, mixture, candidate in candidates(excerpt, before or excerpt):
            judged[f"simulated: {kind}", is_absent, seems_absent(candidate, mixture, SAMPLE_RATE)] += 1
        before = excerpt
    print(f"{'':40}{'absent':>8}{'named':>9}{'present':>9}{'named':>9}")
    for who in dict.fromkeys(key[0] for key in judged):
        absent, present = ([judged[who, is_absent, said] for said in (False, True)] for is_absent in (True, False))
        print(f"{who:40}{sum(absent):8}{_share(absent):>9}{sum(present):9}{_share(present):>9}")


def voices(n_clips: int, network: SeparatorNetwork) -> Iterator[tuple[bool, Samples, Samples]]:
    """Yield what the speech separator makes of noise with and without a voice: whether absent, mixture, output."""
    carried = carrier.checked()
    for noise, snr_db in speech_set.CELLS:
        if noise in ("talkers", "cafe"):
            continue  # there is speech in the noise
        for number in range(n_clips):
            clip = speech_set.clip(noise, snr_db, number, CLIP_S)
            for mixture in (clip.mixture, clip.mixture - clip.speech):
                is_absent = mixture is not clip.mixture
                yield is_absent, mixture[None], speech_in(mixture[None], carried, network)


def candidates(
    stems: Mapping[str, Samples], other_song: Mapping[str, Samples]
) -> Iterator[tuple[str, bool, Samples, Samples]]:
    """Yield simulated outputs of a generative model asked for the vocals: kind, whether absent, mixture, output."""
    rng = np.random.default_rng(int(1e6 * abs(float(stems["drums"][0, 9999]))))
    true, rest, whole = stems["vocals"], mixed(stems, "vocals"), mixed(stems)
    length = min(true.shape[1], other_song["vocals"].shape[1])
    foreign = np.zeros_like(true)
    foreign[:, :length] = other_song["vocals"][:, :length]
    noise = np.asarray(rng.normal(0, 1, true.shape), np.float32)
    yield "clean", False, whole, true
    yield "leakage at -12 dB", False, whole, true + np.float32(0.25) * rest
    yield "band above 5 kHz lost", False, whole, _below(true, 5000)
    yield "musical noise", False, whole, true + _sparse(rest, rng, 0.1)
    yield "3 dB too soft", False, whole, true * np.float32(0.7)
    yield "silence", True, rest, 1e-5 * noise
    yield "leakage at -20 dB", True, rest, np.float32(0.1) * rest
    yield "leakage at -12 dB", True, rest, np.float32(0.25) * rest
    yield "musical noise", True, rest, _sparse(rest, rng, 0.02)
    yield "invented sound at -6 dB", True, rest, np.float32(0.5) * foreign
    yield "hiss at -40 dB", True, rest, np.float32(0.01 * rest.std()) * noise


def _below(samples: Samples, hz: float) -> Samples:
    spectrum = stft(samples, 2048)
    keep = np.arange(spectrum.shape[-1]) * SAMPLE_RATE / 2048 < hz
    return np.asarray(istft(spectrum * keep, samples.shape[1]), np.float32)


def _sparse(samples: Samples, rng: np.random.Generator, share: float) -> Samples:
    """A random share of the bins: the birdies that a bad mask leaves."""
    spectrum = stft(samples, 2048)
    return np.asarray(istft(spectrum * (rng.random(spectrum.shape) < share), samples.shape[1]), np.float32)


def _share(counts: list[int]) -> str:
    return f"{100 * counts[1] / sum(counts):.1f} %" if sum(counts) else "-"


if __name__ == "__main__":
    main()
