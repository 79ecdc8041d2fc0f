"""Compare a backend with reference tensors: one JSON line a file, exit status 1 if one is past its tolerance.

    python -m separation.models.sam_audio.verify --checkpoint DIR --backend torch FILE.npz...

A file holds inputs and what a trusted implementation made of them: `meta` (JSON: descriptions, anchors, ode),
`audio_i` (channels, samples), `noise`, `audio_features`, `v_t0`, `v_t0.37`, `v_t1` (velocities at x = noise),
`final_latent`, `target_nowm_i` and `residual_nowm_i`; or several `final_latent/METHOD_STEP` and
`target_nowm_i/METHOD_STEP`. What a file does not hold is reported as null. Clips of unequal length are replayed as the
one padded batch that the official code makes of them, since that is what such a file recorded.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from separation import solvers
from separation.chunking.anchors import frame_spans
from separation.errors import PlaygroundError
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.framing import n_frames
from separation.request import Anchor

Floats = NDArray[np.float32]
TIMES = ("0", "0.37", "1")
DEFAULT_ODE = {"method": "midpoint", "options": {"step_size": 2 / 32}}


class Subject(Protocol):
    """The implementation to verify, NumPy arrays in and out."""

    tolerances: Mapping[str, float]

    def features(self, clips: Sequence[Floats]) -> Floats:
        """Latents of mono clips of one length, (clips, frames, latents)."""

    def velocity(
        self, features: Floats, prompts: Sequence[str], rows: NDArray[np.int64], frame_mask: NDArray[np.bool_]
    ) -> Callable[[Floats, float], Floats]:
        """The velocity field of these clips, prompts and anchor rows (clips, frames)."""

    def decode(self, latents: Floats) -> Floats:
        """Samples (clips, samples) of latents (clips, frames, latents)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the files named on the command line; 0 if all are within tolerance."""
    parser = argparse.ArgumentParser(prog="verify", description="Compare a SAM-Audio backend with reference tensors.")
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder with config.json and weights")
    parser.add_argument("--backend", choices=sorted(SUBJECTS), default="torch")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz")
    options = parser.parse_args(arguments)
    try:
        subject = SUBJECTS[options.backend](options.checkpoint)
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return 1
    passed = True
    for file in options.files:
        line = {"file": file.name, "backend": options.backend, **report(subject, file)}
        print(json.dumps(line), flush=True)
        passed = passed and line["within_tolerance"]
    return 0 if passed else 1


def report(subject: Subject, file: Path) -> dict[str, Any]:
    """Largest absolute errors of one file, and whether all that it holds is within tolerance."""
    try:
        with np.load(file) as archive:  # arrays only: np.load refuses pickled objects unless told otherwise
            errors = dict(compare(subject, {name: archive[name] for name in archive.files}))
    except (PlaygroundError, OSError, ValueError, KeyError) as failure:
        return {"error": f"{type(failure).__name__}: {failure}", "within_tolerance": False}
    within = all(error <= subject.tolerances[name.split("_")[0]] for name, error in errors.items())
    velocities = [errors[f"velocity_t{t}"] for t in TIMES if f"velocity_t{t}" in errors]
    return {
        "features": errors.get("features"),
        "velocity": max(velocities, default=None),
        **{f"velocity_t{t}": errors.get(f"velocity_t{t}") for t in TIMES},
        "latent": errors.get("latent"),
        "waveform": errors.get("waveform"),
        "within_tolerance": within and bool(errors),
    }


def compare(subject: Subject, golden: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, float]]:
    """Yield each quantity in the file with the largest absolute error in it, in the order of computation.

    Raises:
        KeyError: an input is missing.
        ValueError: a reference has another shape than the result, or one of them is not finite.
    """
    meta = json.loads(golden["meta"].tobytes())
    clips = [golden[f"audio_{i}"].mean(axis=0, dtype=np.float32) for i in range(len(meta["descriptions"]))]
    frames = [n_frames(len(clip)) for clip in clips]
    longest = max(map(len, clips))
    features = subject.features([np.pad(clip, (0, longest - len(clip))) for clip in clips])
    if "audio_features" in golden:
        yield "features", _error(np.concatenate([features, features], axis=-1), golden["audio_features"])
    spans = meta["anchors"] or [None] * len(clips)
    anchors = [[Anchor(sign=sign, start_s=start, stop_s=stop) for sign, start, stop in clip or ()] for clip in spans]
    rows = [
        anchor_rows(frame_spans(clip, 0, max(frames)), max(frames), n_valid=n)
        for clip, n in zip(anchors, frames, strict=True)
    ]
    mask = np.arange(max(frames)) < np.array(frames)[:, None]
    velocity = subject.velocity(features, meta["descriptions"], np.stack(rows), mask)
    noise = golden["noise"].astype(np.float32)
    for t in TIMES:
        if f"v_t{t}" in golden:
            yield f"velocity_t{t}", _error(velocity(noise, float(t)), golden[f"v_t{t}"])
    latent, waveform = -1.0, -1.0
    for name in [name for name in golden if name.startswith("final_latent")]:
        run = name.removeprefix("final_latent")  # "", or "/METHOD_STEP"
        state = _solve(velocity, noise, run, meta.get("ode") or DEFAULT_ODE)
        latent = max(latent, _error(state, golden[name]))
        for stem, latents in zip(("target", "residual"), np.split(state, 2, axis=-1), strict=True):
            wanted = {f"{stem}_nowm_{i}{run}": i for i in range(len(clips))}
            if present := {key: i for key, i in wanted.items() if key in golden}:
                samples = subject.decode(latents)
                for key, i in present.items():
                    waveform = max(waveform, _error(samples[i, : frames[i] * 1920], golden[key]))
    if latent >= 0:
        yield "latent", latent
    if waveform >= 0:
        yield "waveform", waveform


def _solve(velocity: Callable[[Floats, float], Floats], noise: Floats, run: str, ode: Mapping[str, Any]) -> Floats:
    """The state at t = 1, by the method and step of the run's name or else of the file."""
    method, step = run[1:].rsplit("_", 1) if run else (ode["method"], ode["options"]["step_size"])
    *_, state = solvers.integrate(method, velocity, noise, solvers.times_from_step(float(step)))
    return state


def _error(result: NDArray[Any], reference: NDArray[Any]) -> float:
    if result.shape != reference.shape:
        raise ValueError(f"the result has shape {result.shape}, the reference {reference.shape}")
    error = float(np.abs(result.astype(np.float64) - reference).max(initial=0.0))
    if not np.isfinite(error):
        raise ValueError("the result or the reference holds values that are not finite")
    return error


class NetworkSubject:
    """A network of ours, in float32."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._text = network.text()

    def features(self, clips: Sequence[Floats]) -> Floats:
        """Latents of mono clips of one length, (clips, frames, latents)."""
        return self._out(self._network.encode(clips))

    def velocity(
        self, features: Floats, prompts: Sequence[str], rows: NDArray[np.int64], frame_mask: NDArray[np.bool_]
    ) -> Callable[[Floats, float], Floats]:
        """The velocity field of these clips, prompts and anchor rows (clips, frames)."""
        tensor = self._network.tensor
        text, text_mask = (tensor(np.asarray(encoded)) for encoded in self._text.encode(prompts))
        velocity = self._network.velocity(tensor(features), text, text_mask, rows, frame_mask)
        return lambda x, t: self._out(velocity(tensor(x), t))

    def decode(self, latents: Floats) -> Floats:
        """Samples (clips, samples) of latents (clips, frames, latents)."""
        return self._out(self._network.decode(self._network.tensor(latents)))

    def _out(self, values: Any) -> Floats:
        return np.asarray(self._network.numpy(values))


class TorchSubject(NetworkSubject):
    """Our PyTorch network, on the CPU."""

    tolerances: Mapping[str, float] = {"features": 1e-5, "velocity": 1e-5, "latent": 1e-5, "waveform": 2e-4}

    def __init__(self, checkpoint: Path) -> None:
        # torch is only loaded when it is what is verified
        from separation.models.sam_audio.pytorch.network import load_torch_network

        super().__init__(load_torch_network(checkpoint))


class MlxSubject(NetworkSubject):
    """The network on MLX, on the device it would run on: a GPU sums in another order, hence wider tolerances."""

    tolerances: Mapping[str, float] = {"features": 1e-5, "velocity": 1e-5, "latent": 2e-5, "waveform": 5e-4}

    def __init__(self, checkpoint: Path) -> None:
        from separation.models.sam_audio.mlx.network import choose_mlx_device, load_mlx_network

        super().__init__(load_mlx_network(checkpoint, device=choose_mlx_device("auto")))


SUBJECTS: dict[str, Callable[[Path], Subject]] = {"torch": TorchSubject, "mlx": MlxSubject}

if __name__ == "__main__":
    sys.exit(main())
