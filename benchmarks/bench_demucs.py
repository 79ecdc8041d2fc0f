"""Speed beside `python -m demucs`, and what bfloat16 costs: `python -m benchmarks.bench_demucs [repeats]`.

A network of the published `htdemucs` shape (41,984,456 weights, drawn at random: speed does not depend on their
values) separates 16 s of the demo song on the CPU with the same settings: no shifts, overlap 0.25, the longest segment.
Each run is a fresh process, ours in bfloat16, ours by each library of float32 products, and Demucs' in turn. Reading
the weights is not counted. Demucs runs as shipped: `demucs.api.Separator`, which is what its command line calls, with
neither our allocator settings nor our thread settings. About four minutes with two repeats on two cores.

Residual branches, which training lets grow, are raised from the thousandth at which they start, so that errors of the
layers within them are heard as they would be of trained ones.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.signals import demo, error_db, structured
from separation.hardware import allocator, half_precision
from separation.hardware.processor import features, processor
from separation.pipeline.matrix_products import SWITCH

SAMPLE_RATE = 44_100
DURATION_S = 16  # three segments
RUNS = 2  # per process: the first meets memory nobody has touched, as a terminal does; a server's worker only once
STEMS = ["drums", "bass", "other", "vocals"]
MODEL = "random"
# What is ours, by the library of float32 products and the precision of the network.
OURS = {
    "ours in bfloat16": ("oneDNN", "bfloat16"),
    "ours by oneDNN": ("oneDNN", "float32"),
    "ours by MKL": ("MKL", "float32"),
}
# 10^9 operations of a segment, counted: 123 of convolutions, 127 of other matrices, 85 of attention.
SEGMENT_GFLOP, N_SEGMENTS = 335, 3
SEPARATION_DB = 9.0  # SDR of a good separation, for what an error adds to its own


def main() -> None:
    """Print all times, their ratios and the largest difference between the outputs."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _in_fresh_process("prepare", folder)
        print(f"{processor()} ({', '.join(features()) or 'no features known'})")
        layer = half_precision.measure("cpu")
        print("a feed-forward layer:", ", ".join(f"{one.gflops:.0f} GFLOP/s in {name}" for name, one in layer.items()))
        rounds = [{who: _in_fresh_process(who, folder) for who in (*OURS, "demucs")} for _ in range(repeats)]
        print("error of bfloat16 against float32, in dB of the stem with the largest:")
        for name, error in zip(("demo", "tones", "voice"), _in_fresh_process("errors", folder), strict=True):
            print(
                f"    {name:6} {error:6.1f}; an SDR of {SEPARATION_DB:g} dB loses {lost_db(error):.4f} dB", flush=True
            )
        theirs, ours = np.load(folder / "demucs.npy"), {who: np.load(folder / f"{who}.npy") for who in OURS}
    for run, words in enumerate(("first run of a process", "second run, memory warm")):
        # In turn, because a computer's speed drifts while it is measured.
        medians = {who: statistics.median(times[who][run] for times in rounds) for who in rounds[0]}
        print(f"{words}: {', '.join(f'{who} {seconds:.2f} s' for who, seconds in medians.items())}")
        for who, peer in (*((who, "demucs") for who in OURS), ("ours in bfloat16", "ours by oneDNN")):
            ratios = sorted(times[who][run] / times[peer][run] for times in rounds)
            print(f"    {who} to {peer}: ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        if run == 1:
            for who, (_, precision) in OURS.items():
                speed = N_SEGMENTS * SEGMENT_GFLOP / medians[who]
                print(f"    {who} reaches {speed / layer[precision].gflops:.2f} of the layer's speed in {precision}")
    print(f"largest sample {np.abs(theirs).max():.2f}")
    for who, made in ours.items():
        error = error_db(made, theirs)
        print(f"largest difference of {who} {np.abs(theirs - made).max():.1e}, error {error:.1f} dB")


def lost_db(error: float) -> float:
    """Return by how much an error, in dB of an estimate, lowers an SDR of `SEPARATION_DB`, if it is independent."""
    return float(10 * np.log10(1 + 10 ** ((error + SEPARATION_DB) / 10)))


def _in_fresh_process(role: str, folder: Path) -> list[float]:
    """Run one of `ROLES` in a process of its own; returns the seconds of each separation it made."""
    command = [sys.executable, "-m", "benchmarks.bench_demucs", role, str(folder)]
    # Ours as the studio starts its worker; Demucs as a person starts it.
    ours = allocator.environment() | {SWITCH: OURS[role][0]} if role in OURS else {}
    environment = os.environ | ours
    finished = subprocess.run(  # noqa: S603 - our own module
        command, capture_output=True, text=True, check=False, env=environment
    )
    if finished.returncode:
        raise SystemExit(finished.stderr)
    seconds: list[float] = json.loads(finished.stdout.splitlines()[-1])
    if role in (*OURS, "demucs"):
        print(f"{role:17}", *(f"{value:8.2f} s" for value in seconds), flush=True)
    return seconds


def prepare(folder: Path) -> list[float]:
    """Save the network and the mixture."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    # The arguments that differ from HTDemucs' defaults in the published package.
    arguments = {"sources": STEMS, "bottom_channels": 512, "dconv_mode": 3, "segment": Fraction(39, 5)}
    network = HTDemucs(**arguments)
    for name, parameter in network.named_parameters():
        if name.endswith("scale") and parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.1, 0.5)
    torch.save(
        {"klass": HTDemucs, "args": (), "kwargs": arguments, "state": network.state_dict(), "training_args": {}},
        folder / f"{MODEL}.th",
    )
    np.save(folder / "mixture.npy", demo().samples[:, : DURATION_S * SAMPLE_RATE])
    return []


def run_demucs(folder: Path) -> list[float]:
    """Demucs as shipped."""
    import torch
    from demucs.api import Separator

    separator = Separator(MODEL, repo=folder, device="cpu", shifts=0, overlap=0.25)
    mixture = torch.from_numpy(np.load(folder / "mixture.npy"))
    seconds = []
    for _ in range(RUNS):
        started_s = time.perf_counter()
        _, stems = separator.separate_tensor(mixture, SAMPLE_RATE)
        seconds.append(time.perf_counter() - started_s)
    np.save(folder / "demucs.npy", np.stack([stems[name].numpy() for name in STEMS]))
    return seconds


def run_ours(role: str, folder: Path) -> list[float]:
    """The same through our pipeline, in the calling process."""
    from separation.audio.waveform import Waveform
    from separation.events import ChunkFinished, Finished
    from separation.models import folders
    from separation.pipeline.separate import separate
    from separation.request import DemucsSettings, Request, SamSettings

    folders.name_folder(folder)  # as the person at this computer would
    mixture = Waveform(np.load(folder / "mixture.npy"), SAMPLE_RATE)
    settings = DemucsSettings(folder=str(folder))
    sam = SamSettings(precision=OURS[role][1])
    request = Request.of(*STEMS, backend="demucs", model=MODEL, device="cpu", demucs=settings, sam=sam)
    seconds: list[float] = []
    for _ in range(RUNS):
        pieces: list[NDArray[np.float32]] = []
        for event in separate(mixture, request):
            if isinstance(event, ChunkFinished):
                pieces.append(np.stack([event.audio[name] for name in STEMS]))
            if isinstance(event, Finished):
                seconds.append(event.seconds)
    np.save(folder / f"{role}.npy", np.concatenate(pieces, axis=-1))
    return seconds


def errors(folder: Path) -> list[float]:
    """Return for each structured signal the error of bfloat16 against float32 in dB, of the stem with the largest."""
    import torch

    from separation.models.demucs.cpu_layers import use_cpu_layers
    from separation.models.demucs.half_layers import use_half_layers
    from separation.models.demucs.stored import read_network

    exact, half = (read_network(folder / f"{MODEL}.th").eval() for _ in range(2))
    use_cpu_layers(exact)
    use_half_layers(half)  # type: ignore[arg-type]  # which has the published shape
    found = []
    for samples in structured(SAMPLE_RATE, 7.8).values():
        with torch.inference_mode():
            right, near = (network(torch.from_numpy(samples.copy())[None])[0] for network in (exact, half))
        found.append(max(error_db(one, true) for one, true in zip(near, right, strict=True)))
    return found


ROLES = {"prepare": prepare, "demucs": run_demucs, "errors": errors}
ROLES |= {role: partial(run_ours, role) for role in OURS}

if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(ROLES[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main()
