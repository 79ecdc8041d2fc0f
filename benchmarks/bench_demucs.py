"""Speed beside `python -m demucs`: `python -m benchmarks.bench_demucs [repeats]`.

A network of the published `htdemucs` shape (41,984,456 weights, drawn at random: speed does not depend on their
values) separates 20 s of synthetic stereo on the CPU with the same settings: no shifts, overlap 0.25, the longest
segment. Each run is a fresh process, ours by each library of matrix products and Demucs' in turn. Reading the weights
is not counted. Demucs runs as shipped: `demucs.api.Separator`, which is what its command line calls, with neither our
allocator settings nor our thread settings.
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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from separation.hardware import allocator
from separation.hardware.processor import features, processor
from separation.pipeline.matrix_products import SWITCH

SAMPLE_RATE = 44_100
DURATION_S = 20
RUNS = 2  # per process: the first meets memory nobody has touched, as a terminal does; a server's worker only once
STEMS = ["drums", "bass", "other", "vocals"]
MODEL = "random"
OURS = ("ours by MKL", "ours by oneDNN")


def main() -> None:
    """Print all times, their ratios and the largest difference between the outputs."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _in_fresh_process("prepare", folder)
        print(f"{processor()} ({', '.join(features()) or 'no features known'})")
        rounds = [{who: _in_fresh_process(who, folder) for who in (*OURS, "demucs")} for _ in range(repeats)]
        theirs, ours = np.load(folder / "demucs.npy"), {who: np.load(folder / f"{who}.npy") for who in OURS}
    for run, words in enumerate(("first run of a process", "second run, memory warm")):
        # In turn, because a computer's speed drifts while it is measured.
        medians = {who: statistics.median(times[who][run] for times in rounds) for who in rounds[0]}
        print(f"{words}: {', '.join(f'{who} {seconds:.2f} s' for who, seconds in medians.items())}")
        for who, peer in ((OURS[0], "demucs"), (OURS[1], "demucs"), (OURS[1], OURS[0])):
            ratios = sorted(times[who][run] / times[peer][run] for times in rounds)
            print(f"    {who} to {peer}: ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"largest sample {np.abs(theirs).max():.2f}")
    for who, made in ours.items():
        print(f"largest difference of {who} {np.abs(theirs - made).max():.1e}")


def _in_fresh_process(role: str, folder: Path) -> list[float]:
    """Run one of `ROLES` in a process of its own; returns the seconds of each separation it made."""
    command = [sys.executable, "-m", "benchmarks.bench_demucs", role, str(folder)]
    # Ours as the studio starts its worker; Demucs as a person starts it.
    ours = allocator.environment() | {SWITCH: role.removeprefix("ours by ")} if role in OURS else {}
    environment = os.environ | ours
    finished = subprocess.run(  # noqa: S603 - our own module
        command, capture_output=True, text=True, check=False, env=environment
    )
    if finished.returncode:
        raise SystemExit(finished.stderr)
    seconds: list[float] = json.loads(finished.stdout.splitlines()[-1])
    print(f"{role:15}", *(f"{value:8.2f} s" for value in seconds), flush=True)
    return seconds


def prepare(folder: Path) -> list[float]:
    """Save the network and the mixture."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    # The arguments that differ from HTDemucs' defaults in the published package.
    arguments = {"sources": STEMS, "bottom_channels": 512, "dconv_mode": 3, "segment": Fraction(39, 5)}
    network = HTDemucs(**arguments)
    torch.save(
        {"klass": HTDemucs, "args": (), "kwargs": arguments, "state": network.state_dict(), "training_args": {}},
        folder / f"{MODEL}.th",
    )
    np.save(folder / "mixture.npy", synthetic_mixture())
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


def run_ours(folder: Path) -> list[float]:
    """The same through our pipeline, in the calling process."""
    from separation.audio.waveform import Waveform
    from separation.events import ChunkFinished, Finished
    from separation.models import folders
    from separation.pipeline.separate import separate
    from separation.request import DemucsSettings, Request

    folders.name_folder(folder)  # as the person at this computer would
    mixture = Waveform(np.load(folder / "mixture.npy"), SAMPLE_RATE)
    settings = DemucsSettings(folder=str(folder))
    request = Request.of(*STEMS, backend="demucs", model=MODEL, device="cpu", demucs=settings)
    seconds: list[float] = []
    for _ in range(RUNS):
        pieces: list[NDArray[np.float32]] = []
        for event in separate(mixture, request):
            if isinstance(event, ChunkFinished):
                pieces.append(np.stack([event.audio[name] for name in STEMS]))
            if isinstance(event, Finished):
                seconds.append(event.seconds)
    np.save(folder / f"ours by {os.environ[SWITCH]}.npy", np.concatenate(pieces, axis=-1))
    return seconds


def synthetic_mixture() -> NDArray[np.float32]:
    """Chords, a pulse and noise, shape (2, samples), without direct current."""
    t_s = np.arange(DURATION_S * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * f_hz * t_s) for f_hz in (110.0, 277.2, 329.6, 440.0))
    pulse = np.sin(2 * np.pi * 60 * t_s) * np.exp(-12 * (t_s % 0.5))
    noise = np.random.default_rng(0).normal(size=(2, t_s.size)) * np.exp(-30 * (t_s % 0.25))
    mixture = 0.1 * np.stack([chord, np.roll(chord, 300)]) + 0.4 * pulse + 0.1 * noise
    return np.asarray(mixture - mixture.mean(axis=1, keepdims=True), dtype=np.float32)


ROLES = {"prepare": prepare, "demucs": run_demucs} | dict.fromkeys(OURS, run_ours)

if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(ROLES[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main()
