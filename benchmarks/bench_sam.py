"""What SAM-Audio costs on this computer's CPU: `python -m benchmarks.bench_sam [precision]`.

A network of the shape of `small` (transformer 1024 x 12, the published codec), its weights drawn at random: speed does
not depend on their values, and what comes out is noise that nobody hears. A 10 s clip is encoded, solved and decoded in
a fresh process with the allocator set as the studio sets it for its worker. Text features are drawn too: T5 takes less
than 0.1 s. Reading weights from disk is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

from separation.hardware import allocator
from separation.hardware.processor import processor

DURATION_S = 10
REPEATS = 3
N_TOKENS = 6
# What differs from the defaults of our configuration.
SMALL = {"dim": 1024, "context_dim": 1024, "n_heads": 16, "n_layers": 12}


def main(precision: str) -> None:
    """Print the median seconds of each part, of a whole run, and of three prompts together beside one by one."""
    import numpy as np
    import torch

    from separation import solvers
    from separation.hardware import products
    from separation.models.sam_audio.anchors import anchor_rows
    from separation.pipeline import matrix_products

    library = matrix_products.settle()
    sam = random_network(precision)
    rng = np.random.default_rng(0)
    clip = (0.1 * rng.standard_normal(DURATION_S * sam.sample_rate)).astype(np.float32)
    text = torch.from_numpy(rng.standard_normal((3, N_TOKENS, sam.config.text_encoder.dim), np.float32))
    text_mask = torch.ones(3, N_TOKENS, dtype=torch.bool)
    features = sam.encode([clip])
    rows = anchor_rows([], features.shape[1])[None]
    noise = sam.tensor(rng.standard_normal((1, features.shape[1], 2 * sam.n_latents), np.float32))

    def solved(prompts: slice, n_steps: int) -> Any:
        velocity = sam.velocity(features, text[prompts], text_mask[prompts], rows)
        start = noise.expand(len(text[prompts]), -1, -1)
        *_, state = solvers.integrate("euler", velocity, start, solvers.times(n_steps))
        return state

    def whole_run() -> None:
        sam.encode([clip])
        target, _ = sam.split(solved(slice(0, 1), 16))
        sam.decode(target)

    def together() -> None:
        sam.encode([clip])
        targets, _ = sam.split(solved(slice(0, 3), 4))
        for number in range(3):
            sam.decode(targets[number : number + 1])

    def one_by_one() -> None:
        for number in range(3):
            sam.encode([clip])
            target, _ = sam.split(solved(slice(number, number + 1), 4))
            sam.decode(target)

    target, _ = sam.split(noise)
    velocity = sam.velocity(features, text[:1], text_mask[:1], rows)
    print(f"SAM-Audio small, random weights, {precision}, {DURATION_S} s clip, {torch.get_num_threads()} threads")
    print(f"{processor()}; products by {library}")
    print(f"encode                        {seconds(lambda: sam.encode([clip])):7.2f} s")
    print(f"one evaluation (NFE)          {seconds(lambda: velocity(noise, 0.5)):7.2f} s")
    print(f"decode                        {seconds(lambda: sam.decode(target)):7.2f} s")
    runs: dict[products.Library, list[float]] = {name: [] for name in products.PRECISIONS}
    for _ in range(REPEATS):  # in turn, as below
        for name, times in runs.items():
            products.use(name)
            times.append(seconds(whole_run, 1))
    for name, times in runs.items():
        print(f"whole run, euler, 16 steps    {statistics.median(times):7.2f} s, products by {name}")
    print(f"                              {ratio(runs['oneDNN'], runs['MKL']):7.2f} ratio, oneDNN to MKL")
    products.use(products.choose(products.measure()))
    # In turn, because a computer's speed drifts while it is measured.
    pairs = [(seconds(together, 1), seconds(one_by_one, 1)) for _ in range(REPEATS)]
    print(f"three prompts, 4 NFE each     {statistics.median(pair[0] for pair in pairs):7.2f} s together")
    print(f"                              {statistics.median(pair[1] for pair in pairs):7.2f} s one by one")
    print(f"                              {ratio(*zip(*pairs, strict=True)):7.2f} ratio")


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of times that were measured in turn."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


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


def seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        run()
        times.append(time.perf_counter() - started_s)
    return statistics.median(times)


if __name__ == "__main__":
    if "--here" in sys.argv:
        main(sys.argv[-1])
    else:
        wanted = sys.argv[1] if len(sys.argv) > 1 else "float32"
        command = [sys.executable, "-m", "benchmarks.bench_sam", "--here", wanted]
        environment = os.environ | allocator.environment()
        raise SystemExit(subprocess.run(command, check=False, env=environment).returncode)  # noqa: S603 - our own module
