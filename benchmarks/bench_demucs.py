"""Speed beside `python -m demucs`: `python -m benchmarks.bench_demucs [repeats]`.

A network of the published `htdemucs` shape (41,984,456 weights, drawn at random: speed does not depend on their
values) separates 20 s of synthetic stereo on the CPU with the same settings: no shifts, overlap 0.25, the longest
segment. Each run is a fresh process, ours and Demucs' in turn. Reading the weights is not counted. Demucs runs as
shipped: `demucs.api.Separator`, which is what its command line calls, with neither our allocator settings nor our
thread settings.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 44_100
DURATION_S = 20
STEMS = ["drums", "bass", "other", "vocals"]
MODEL = "random"


def main() -> None:
    """Print both times, their ratio and the largest difference between the outputs."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _in_fresh_process("prepare", folder)
        seconds: dict[str, list[float]] = {"demucs": [], "ours": []}
        for _ in range(repeats):
            for who, times in seconds.items():
                times.append(_in_fresh_process(who, folder))
                print(f"{who:8}{times[-1]:8.2f} s   RTF {times[-1] / DURATION_S:.3f}", flush=True)
        theirs, ours = np.load(folder / "demucs.npy"), np.load(folder / "ours.npy")
    # The fastest run is the one that other programs disturbed least.
    ratio = min(seconds["ours"]) / min(seconds["demucs"])
    print(f"ratio   {ratio:8.2f}   (fastest of {repeats}; below 1 we are faster)")
    print(f"largest difference {np.abs(theirs - ours).max():.1e}, largest sample {np.abs(theirs).max():.2f}")


def _in_fresh_process(role: str, folder: Path) -> float:
    """Run one of `ROLES` in a process of its own; returns the seconds it reports."""
    command = [sys.executable, "-m", "benchmarks.bench_demucs", role, str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if finished.returncode:
        raise SystemExit(finished.stderr)
    return float(json.loads(finished.stdout.splitlines()[-1]))


def prepare(folder: Path) -> float:
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
    return 0.0


def run_demucs(folder: Path) -> float:
    """Demucs as shipped."""
    import torch
    from demucs.api import Separator

    separator = Separator(MODEL, repo=folder, device="cpu", shifts=0, overlap=0.25)
    mixture = torch.from_numpy(np.load(folder / "mixture.npy"))
    started_s = time.perf_counter()
    _, stems = separator.separate_tensor(mixture, SAMPLE_RATE)
    seconds = time.perf_counter() - started_s
    np.save(folder / "demucs.npy", np.stack([stems[name].numpy() for name in STEMS]))
    return seconds


def run_ours(folder: Path) -> float:
    """The same through our pipeline, in the calling process."""
    from separation.audio import Waveform
    from separation.events import ChunkFinished, Finished
    from separation.pipeline import separate
    from separation.request import DemucsSettings, Request

    mixture = Waveform(np.load(folder / "mixture.npy"), SAMPLE_RATE)
    settings = DemucsSettings(folder=str(folder))
    request = Request.of(*STEMS, backend="demucs", model=MODEL, device="cpu", demucs=settings)
    pieces: list[NDArray[np.float32]] = []
    seconds = 0.0
    for event in separate(mixture, request):
        if isinstance(event, ChunkFinished):
            pieces.append(np.stack([event.audio[name] for name in STEMS]))
        if isinstance(event, Finished):
            seconds = event.seconds
    np.save(folder / "ours.npy", np.concatenate(pieces, axis=-1))
    return seconds


def synthetic_mixture() -> NDArray[np.float32]:
    """Chords, a pulse and noise, shape (2, samples), without direct current."""
    t_s = np.arange(DURATION_S * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * f_hz * t_s) for f_hz in (110.0, 277.2, 329.6, 440.0))
    pulse = np.sin(2 * np.pi * 60 * t_s) * np.exp(-12 * (t_s % 0.5))
    noise = np.random.default_rng(0).normal(size=(2, t_s.size)) * np.exp(-30 * (t_s % 0.25))
    mixture = 0.1 * np.stack([chord, np.roll(chord, 300)]) + 0.4 * pulse + 0.1 * noise
    return np.asarray(mixture - mixture.mean(axis=1, keepdims=True), dtype=np.float32)


ROLES = {"prepare": prepare, "demucs": run_demucs, "ours": run_ours}

if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(ROLES[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main()
