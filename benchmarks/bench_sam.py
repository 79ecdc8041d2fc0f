"""What SAM-Audio costs on a CPU, and what saving time costs in error: `python -m benchmarks.bench_sam`.

A network of the shape of `small` (transformer 1024 x 12, the published codec), its weights drawn at random: speed does
not depend on their values, and what comes out is noise that nobody hears. Errors of such a network say how an error of
arithmetic grows on its way, not what it does to a voice. Clips are of the demo song. It runs in a fresh process with
the allocator set as the studio sets it for its worker. Text features are drawn too: T5 takes less than 0.1 s. Reading
weights from disk is not counted.

What is compared is timed in turn, because a computer's speed drifts while it is measured.
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
import soundfile

from separation.hardware import allocator
from separation.hardware.processor import features, processor

DURATION_S = 10  # of the clip that the transformer sees
CODEC_S = 4  # of the clip of the codec's rows
REPEATS = 3
N_TOKENS = 6
FRAMES_PER_S = 25
CACHED = (0.05, 0.1)  # tolerances of attention caching
N_STEPS = 16
# What differs from the defaults of our configuration.
SMALL = {"dim": 1024, "context_dim": 1024, "n_heads": 16, "n_layers": 12}


def main() -> None:
    """Print each row as soon as it is measured."""
    import torch

    from separation.hardware import half_precision, products
    from separation.pipeline import matrix_products

    library = matrix_products.settle()
    print(f"SAM-Audio small, random weights, {DURATION_S} s of the demo song, {torch.get_num_threads()} threads")
    print(f"{processor()} ({', '.join(features()) or 'no features known'}); products by {library}")
    layer = {name: one.gflops for name, one in half_precision.measure("cpu").items()}
    say("a feed-forward layer", f"{layer['float32']:.0f} GFLOP/s in float32, {layer['bfloat16']:.0f} in bfloat16")
    exact, half, int8 = (Bench(random_network(precision)) for precision in ("float32", "bfloat16", "int8"))
    with filters_split({}):
        whole = Bench(random_network("float32"))
    with filters_split({1: (64, 512)}):
        once = Bench(random_network("float32"))
    parts(exact, half, layer)
    in_turn("one evaluation", {"float32": exact.evaluate, "int8": int8.evaluate})
    in_turn(f"decode {CODEC_S} s", {"whole filters": whole.decode, "split once": once.decode, "as used": exact.decode})
    if products.can_choose() or torch.get_float32_matmul_precision() == "medium":
        with_libraries(exact)
    in_turn(f"{CODEC_S} s, three prompts", {"one by one": exact.one_by_one, "together": exact.together})
    runs = {f"cached within {share:g}": partial(half.whole_run, share) for share in CACHED}
    in_turn(f"whole run, euler {N_STEPS}", {"float32": exact.whole_run, "bfloat16": half.whole_run} | runs)
    errors(exact, half, int8, {"whole filters": whole, "filters split once": once})


def parts(exact: Bench, half: Bench, layer: Mapping[str, float]) -> None:
    """Print what each part takes, and the share of a feed-forward layer's speed that it reaches."""
    from separation.backends.sam_family import DECODE, ENCODE, EVALUATE

    for name, run, work in (("encode", exact.encode, ENCODE), ("decode", exact.decode, DECODE)):
        seconds = row(f"{name} {CODEC_S} s", run)
        say("", f"{work * CODEC_S / seconds / layer['float32']:7.2f} of the layer's speed")
    seconds_of = in_turn("one evaluation", {"float32": exact.evaluate, "bfloat16": half.evaluate})
    for (precision, speed), seconds in zip(layer.items(), seconds_of, strict=True):
        reached = EVALUATE["small"] * DURATION_S / seconds / speed
        say("", f"{reached:7.2f} of the layer's speed in {precision}")


def errors(exact: Bench, half: Bench, int8: Bench, filters: Mapping[str, Bench]) -> None:
    """Print the errors of what saves time, beside that of the solver's steps themselves."""
    print("errors, in dB of what they are errors of")
    velocity, decoded = exact.evaluate(), exact.decode()
    for name, bench in {"bfloat16": half, "int8": int8}.items():
        say(f"{name}, a velocity", f"{error_db(bench.evaluate(), velocity):7.1f}")
    for name, bench in filters.items():
        say(f"{name}, a decode", f"{error_db(bench.decode(), decoded):7.1f}  (from filters as they are used)")
    finest, euler = exact.solved("midpoint", 2 * N_STEPS), exact.solved("euler", N_STEPS)
    steps = f"euler {N_STEPS}"
    say(f"{steps} itself", f"{error_db(euler, finest):7.1f}  (from midpoint {2 * N_STEPS}; the others from {steps})")
    for name, state in {
        "bfloat16": half.solved("euler", N_STEPS),
        "int8": int8.solved("euler", N_STEPS),
        **{f"cached within {share:g}": exact.solved("euler", N_STEPS, share) for share in CACHED},
    }.items():
        say(f"{steps}, {name}", f"{error_db(state, euler):7.1f}")


class Bench:
    """A network with everything that its parts need, each part a call without arguments."""

    def __init__(self, sam: Any) -> None:
        import torch

        from separation.models.sam_audio.anchors import anchor_rows

        self.sam, rng = sam, np.random.default_rng(0)
        self._clip = demo_clip(DURATION_S, sam.sample_rate)
        self._short = self._clip[: CODEC_S * sam.sample_rate]
        self._text = torch.from_numpy(rng.standard_normal((3, N_TOKENS, sam.config.text_encoder.dim), np.float32))
        self._mask = torch.ones(3, N_TOKENS, dtype=torch.bool)
        self._features = sam.encode([self._clip])
        n_frames = self._features.shape[1]
        self._rows = anchor_rows([], n_frames)[None]
        self._noise = sam.tensor(rng.standard_normal((1, n_frames, 2 * sam.n_latents), np.float32))
        self._field = self._velocity(slice(0, 1))

    def encode(self) -> Any:
        """Features of a short clip."""
        return self.sam.encode([self._short])

    def decode(self) -> Any:
        """Samples of a short clip; its latents are those of the mixture."""
        return self.sam.decode(self._features[:, : CODEC_S * FRAMES_PER_S])

    def evaluate(self) -> Any:
        """One evaluation of the velocity."""
        return self._field(self._noise, 0.5)

    def solved(self, method: str, n_steps: int, caching: float = 0.0) -> Any:
        """The state at the end of a solve."""
        return self._solved(slice(0, 1), method, n_steps, self._noise.shape[1], caching)

    def whole_run(self, caching: float = 0.0) -> None:
        """A clip from its samples to its target's."""
        self.sam.encode([self._clip])
        target, _ = self.sam.split(self.solved("euler", N_STEPS, caching))
        self.sam.decode(target)

    def together(self) -> None:
        """Three prompts of a short clip, solved at once with four evaluations."""
        self.encode()
        targets, _ = self.sam.split(self._solved(slice(0, 3), "euler", 4, CODEC_S * FRAMES_PER_S))
        for number in range(3):
            self.sam.decode(targets[number : number + 1])

    def one_by_one(self) -> None:
        """The same, a run each."""
        for number in range(3):
            self.encode()
            prompt = slice(number, number + 1)
            target, _ = self.sam.split(self._solved(prompt, "euler", 4, CODEC_S * FRAMES_PER_S))
            self.sam.decode(target)

    def _solved(self, prompts: slice, method: str, n_steps: int, n_frames: int, caching: float = 0.0) -> Any:
        from separation import solvers

        field = self._velocity(prompts, n_frames, caching)
        start = self._noise[:, :n_frames].expand(len(self._text[prompts]), -1, -1)
        *_, state = solvers.integrate(method, field, start, solvers.times(n_steps))
        return state

    def _velocity(self, prompts: slice, n_frames: int | None = None, caching: float = 0.0) -> Any:
        features, rows = self._features[:, :n_frames], self._rows[:, :n_frames]
        return self.sam.velocity(features, self._text[prompts], self._mask[prompts], rows, attention_caching=caching)


def with_libraries(bench: Bench) -> None:
    """Print an evaluation and a decode by each library of products, and return to the chosen one."""
    from separation.hardware import products

    def by(library: products.Library, run: Callable[[], object]) -> Callable[[], object]:
        return lambda: (products.use(library), run())

    for name, run in {"one evaluation": bench.evaluate, f"decode {CODEC_S} s": bench.decode}.items():
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


def random_network(precision: str) -> Any:
    """A network of the shape of `small`, in memory."""
    import torch
    from safetensors.torch import save_file

    from separation.models.sam_audio.checkpoint.stored import parts
    from separation.models.sam_audio.config import Config, TransformerConfig
    from separation.models.sam_audio.pytorch import network

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
        return network.load_torch_network(folder, precision=precision)


def demo_clip(duration_s: float, sample_rate: int) -> Any:
    """Return the beginning of the demo song, mono float32."""
    from assets.demo_recording import write_demo_mixture
    from separation.audio.waveform import Waveform, resample

    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "demo.flac")
        write_demo_mixture(path)
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    song = resample(Waveform(np.ascontiguousarray(samples.T), rate), sample_rate)
    return song.samples.mean(axis=0)[: round(duration_s * sample_rate)]


def say(name: str, words: str) -> None:
    """Print a row at once: what it is of, and what was measured."""
    print(f"{name:<28}  {words}", flush=True)


def row(name: str, run: Callable[[], object]) -> float:
    """Print the median time of a call, and return it."""
    median_s = statistics.median(_timed(run) for _ in range(REPEATS))
    say(name, f"{median_s:7.2f} s")
    return median_s


def in_turn(name: str, runs: Mapping[str, Callable[[], object]]) -> list[float]:
    """Print and return the median time of each call; after the first with the median of its ratios to the first."""
    rounds = [[_timed(run) for run in runs.values()] for _ in range(REPEATS)]
    medians_s = [statistics.median(times) for times in zip(*rounds, strict=True)]
    ratios = [statistics.median(times[place] / times[0] for times in rounds) for place in range(len(runs))]
    for place, (way, median_s, ratio) in enumerate(zip(runs, medians_s, ratios, strict=True)):
        say(name if not place else "", f"{median_s:7.2f} s  {way}" + (f", ratio {ratio:.2f}" if place else ""))
    return medians_s


def error_db(values: Any, exact: Any) -> float:
    """The energy of an error relative to what it is an error of."""
    wrong, right = ((one.double() ** 2).sum() for one in (values - exact, exact))
    return float(10 * (wrong / right).log10())


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
