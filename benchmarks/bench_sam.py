"""What SAM-Audio costs on a CPU, and what saving time costs in error: `python -m benchmarks.bench_sam`.

A network of the shape of `small` (transformer 1024 x 12, the published codec), its weights drawn at random: speed does
not depend on their values, and what comes out is noise that nobody hears. Errors of such a network say how an error of
arithmetic grows on its way, not what it does to a voice. Clips are of the demo song, and for errors also of tones and
a voice. It runs in a fresh process with the allocator set as the studio sets it for its worker. Text features are drawn
too: T5 takes less than 0.1 s. Reading weights from disk is not counted.

What is compared is timed in turn, because a computer's speed drifts while it is measured. The rows that matter most
come first; all of them take about four minutes on two cores.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.signals import demo, error_db, structured
from separation.hardware import allocator
from separation.hardware.processor import features, processor

DURATION_S = 10  # of the clip of a single evaluation
SHORT_S = 4  # of the clip of the codec and of whole runs
ERROR_S = 6  # of the clips of errors
REPEATS = 3
RUNS = 2  # repeats of what takes many seconds
N_TOKENS = 6
CACHED = (0.05, 0.1)  # tolerances of attention caching
N_STEPS = 16
ERROR_STEPS = {"demo": (8, 16), "tones": (8,), "voice": (8,)}
SPLITS: dict[str, dict[int, tuple[int, int]]] = {"whole filters": {}, "split once": {1: (64, 512)}}  # of the codec
# What differs from the defaults of our configuration.
SMALL = {"dim": 1024, "context_dim": 1024, "n_heads": 16, "n_layers": 12}


def main() -> None:
    """Print each row as soon as it is measured."""
    import torch

    from separation.hardware import half_precision, products
    from separation.pipeline import matrix_products

    library = matrix_products.settle()
    print(f"SAM-Audio small, random weights, {torch.get_num_threads()} threads")
    print(f"{processor()} ({', '.join(features()) or 'no features known'}); products by {library}")
    layer = {name: one.gflops for name, one in half_precision.measure("cpu").items()}
    say("a feed-forward layer", f"{layer['float32']:.0f} GFLOP/s in float32, {layer['bfloat16']:.0f} in bfloat16")
    with random_files() as folder:
        sams = {name: network(folder, name) for name in ("float32", "bfloat16", "int8")}
        splits = {}
        for name, split in SPLITS.items():
            with filters_split(split):
                splits[name] = network(folder, "float32")
    evaluations(sams, layer)
    clip = demo_clip(SHORT_S, sams["float32"].sample_rate)
    exact, half = Bench(sams["float32"], clip), Bench(sams["bfloat16"], clip)
    cached = {f"bfloat16, cached within {share:g}": partial(half.whole_run, share) for share in CACHED}
    runs = {"float32": exact.whole_run, "bfloat16": half.whole_run, **cached}
    in_turn(f"whole run, {SHORT_S} s, euler {N_STEPS}", runs, RUNS)
    decoders = {name: Bench(sam, clip, exact.features).decode for name, sam in splits.items()}
    in_turn(f"decode {SHORT_S} s", {**decoders, "as used": exact.decode})
    codec(exact, layer)
    errors(sams, splits)
    in_turn(f"{SHORT_S} s, three prompts", {"one by one": exact.one_by_one, "together": exact.together}, RUNS)
    if products.can_choose() or torch.get_float32_matmul_precision() == "medium":
        with_libraries(exact)


def evaluations(sams: Mapping[str, Any], layer: Mapping[str, float]) -> None:
    """Print what an evaluation takes in each precision, and what share of a layer's speed it reaches."""
    from separation.backends.sam_family import EVALUATE

    clip = demo_clip(DURATION_S, sams["float32"].sample_rate)
    heard = sams["float32"].encode([clip])
    runs = {name: Bench(sam, clip, heard).evaluate for name, sam in sams.items()}
    for run in runs.values():
        run()
    seconds_of = dict(zip(runs, in_turn(f"one evaluation, {DURATION_S} s", runs), strict=True))
    for precision, speed in layer.items():
        reached = EVALUATE["small"] * DURATION_S / seconds_of[precision] / speed
        say("", f"{reached:7.2f} of the layer's speed in {precision}")


def codec(exact: Bench, layer: Mapping[str, float]) -> None:
    """Print what both halves of the codec take, and the share of a feed-forward layer's speed that they reach."""
    from separation.backends.sam_family import DECODE, ENCODE

    for name, run, work in (("encode", exact.encode, ENCODE), ("decode", exact.decode, DECODE)):
        seconds = row(f"{name} {SHORT_S} s", run)
        say("", f"{work * SHORT_S / seconds / layer['float32']:7.2f} of the layer's speed")


def errors(sams: Mapping[str, Any], splits: Mapping[str, Any]) -> None:
    """Print for each signal the errors of what saves time, beside that of the solver's steps themselves."""
    print("errors in dB of what they are errors of; in brackets that of the solver's steps themselves")
    for name, sides in structured(sams["float32"].sample_rate, ERROR_S).items():
        exact = Bench(sams["float32"], sides.mean(axis=0))
        others = {name: Bench(sam, exact.clip, exact.features) for name, sam in sams.items() if name != "float32"}
        decoders = {who: Bench(sam, exact.clip, exact.features).decode for who, sam in splits.items()}
        velocity, (decoded, *made) = exact.evaluate(), (decode() for decode in (*decoders.values(), exact.decode))
        found = {who: error_db(bench.evaluate(), velocity) for who, bench in others.items()}
        say(f"{name}: a velocity", ", ".join(f"{who} {error:.1f}" for who, error in found.items()))
        ways = zip((*decoders, "as used")[1:], made, strict=True)
        say(f"{name}: a decode", ", ".join(f"filters {who} {error_db(one, decoded):.1f}" for who, one in ways))
        finest = exact.solved("midpoint", max(ERROR_STEPS[name]))
        for n_steps in ERROR_STEPS[name]:
            usual = exact.solved("euler", n_steps)
            states = {who: bench.solved("euler", n_steps) for who, bench in others.items()}
            states |= {f"cached within {share:g}": exact.solved("euler", n_steps, share) for share in CACHED}
            words = ", ".join(f"{who} {error_db(state, usual):.1f}" for who, state in states.items())
            say(f"{name}: euler {n_steps} ({error_db(usual, finest):.1f})", words)


class Bench:
    """A network with everything that its parts need, each part a call without arguments."""

    def __init__(self, sam: Any, clip: Any, heard: Any = None) -> None:
        import torch

        from separation.models.sam_audio.anchors import anchor_rows

        self.sam, self.clip, rng = sam, clip, np.random.default_rng(0)
        self._text = torch.from_numpy(rng.standard_normal((3, N_TOKENS, sam.config.text_encoder.dim), np.float32))
        self._mask = torch.ones(3, N_TOKENS, dtype=torch.bool)
        self.features = sam.encode([clip]) if heard is None else heard
        n_frames = self.features.shape[1]
        self._rows = anchor_rows([], n_frames)[None]
        self._noise = sam.tensor(rng.standard_normal((1, n_frames, 2 * sam.n_latents), np.float32))
        self._field = self._velocity(slice(0, 1))

    def encode(self) -> Any:
        """Features of the clip."""
        return self.sam.encode([self.clip])

    def decode(self) -> Any:
        """Samples of the clip; its latents are those of the mixture."""
        return self.sam.decode(self.features)

    def evaluate(self) -> Any:
        """One evaluation of the velocity."""
        return self._field(self._noise, 0.5)

    def solved(self, method: str, n_steps: int, caching: float = 0.0) -> Any:
        """The state at the end of a solve."""
        return self._solved(slice(0, 1), method, n_steps, caching)

    def whole_run(self, caching: float = 0.0) -> None:
        """A clip from its samples to its target's."""
        self.encode()
        target, _ = self.sam.split(self.solved("euler", N_STEPS, caching))
        self.sam.decode(target)

    def together(self) -> None:
        """Three prompts of the clip, solved at once with four evaluations."""
        self.encode()
        targets, _ = self.sam.split(self._solved(slice(0, 3), "euler", 4))
        for number in range(3):
            self.sam.decode(targets[number : number + 1])

    def one_by_one(self) -> None:
        """The same, a run each."""
        for number in range(3):
            self.encode()
            prompt = slice(number, number + 1)
            target, _ = self.sam.split(self._solved(prompt, "euler", 4))
            self.sam.decode(target)

    def _solved(self, prompts: slice, method: str, n_steps: int, caching: float = 0.0) -> Any:
        from separation import solvers

        field = self._velocity(prompts, caching)
        start = self._noise.expand(len(self._text[prompts]), -1, -1)
        *_, state = solvers.integrate(method, field, start, solvers.times(n_steps))
        return state

    def _velocity(self, prompts: slice, caching: float = 0.0) -> Any:
        text, mask = self._text[prompts], self._mask[prompts]
        return self.sam.velocity(self.features, text, mask, self._rows, attention_caching=caching)


def with_libraries(bench: Bench) -> None:
    """Print an evaluation and a decode by each library of products, and return to the chosen one."""
    from separation.hardware import products

    def by(library: products.Library, run: Callable[[], object]) -> Callable[[], object]:
        return lambda: (products.use(library), run())

    for name, run in {f"one evaluation, {SHORT_S} s": bench.evaluate, f"decode {SHORT_S} s": bench.decode}.items():
        in_turn(name, {str(library): by(library, run) for library in products.PRECISIONS})
    products.use(products.choose(products.measure()))


@contextmanager
def filters_split(splits: Mapping[int, tuple[int, int]]) -> Iterator[None]:
    """Have networks that are read within it split their codec's filters so; see `cpu_codec.SPLIT`."""
    from separation.models.sam_audio.pytorch import cpu_codec

    usual, cpu_codec.SPLIT = cpu_codec.SPLIT, dict(splits)
    try:
        yield
    finally:
        cpu_codec.SPLIT = usual


@contextmanager
def random_files() -> Iterator[Path]:
    """Keep the files of a network of the shape of `small` while it lasts."""
    import torch
    from safetensors.torch import save_file

    from separation.models.sam_audio.checkpoint.stored import parts
    from separation.models.sam_audio.config import Config, TransformerConfig

    config = Config(transformer=TransformerConfig(**SMALL))
    random = torch.Generator().manual_seed(0)
    weights = {}
    for stored in sorted({one for part in parts(config) for one in part.sources}, key=lambda one: one.names):
        name, shape = stored.names[0], stored.shape
        if "norm" in name or name.endswith(("weight_g", "alpha")):
            weights[name] = torch.ones(shape)
        else:
            # By the number of inputs, so that what passes through keeps its size and stays finite.
            weights[name] = torch.randn(shape, generator=random).mul_(prod(shape[1:]) ** -0.5 if shape[1:] else 0.1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_file(weights, folder / "model.safetensors")
        weights.clear()
        (folder / "config.json").write_text(json.dumps({"transformer": SMALL}))
        yield folder


def network(folder: Path, precision: str) -> Any:
    """Return the network of these files, in memory."""
    from separation.models.sam_audio.pytorch.network import load_torch_network

    return load_torch_network(folder, precision=precision)


def demo_clip(duration_s: float, sample_rate: int) -> Any:
    """Return the beginning of the demo song, mono float32."""
    from separation.audio.waveform import resample

    return resample(demo(), sample_rate).samples.mean(axis=0)[: round(duration_s * sample_rate)]


def say(name: str, words: str) -> None:
    """Print a row at once: what it is of, and what was measured."""
    print(f"{name:<28}  {words}", flush=True)


def row(name: str, run: Callable[[], object]) -> float:
    """Print the median time of a call, and return it."""
    median_s = statistics.median(_timed(run) for _ in range(REPEATS))
    say(name, f"{median_s:7.2f} s")
    return median_s


def in_turn(name: str, runs: Mapping[str, Callable[[], object]], repeats: int = REPEATS) -> list[float]:
    """Print and return the median time of each call; after the first with the median of its ratios to the first."""
    rounds = [[_timed(run) for run in runs.values()] for _ in range(repeats)]
    medians_s = [statistics.median(times) for times in zip(*rounds, strict=True)]
    ratios = [statistics.median(times[place] / times[0] for times in rounds) for place in range(len(runs))]
    for place, (way, median_s, ratio) in enumerate(zip(runs, medians_s, ratios, strict=True)):
        say(name if not place else "", f"{median_s:7.2f} s  {way}" + (f", ratio {ratio:.2f}" if place else ""))
    return medians_s


def _timed(run: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    run()
    return time.perf_counter() - started_s


if __name__ == "__main__":
    if "--here" in sys.argv:
        main()
    else:
        command = [sys.executable, "-m", "benchmarks.bench_sam", "--here"]
        environment = os.environ | allocator.environment()
        raise SystemExit(subprocess.run(command, check=False, env=environment).returncode)  # noqa: S603 - our own module
