"""Tiny networks with random weights, saved in Demucs' own formats.

Random weights separate nothing; what is tested is that the same network gives the same answer through our code.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from demucs.demucs import Demucs
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from separation.backends.demucs import DemucsBackend
from separation.models import folders
from separation.models.demucs.network import DemucsModel
from separation.request import DemucsSettings, Request

FOUR = ["drums", "bass", "other", "vocals"]
SIX = [*FOUR, "guitar", "piano"]
SAMPLE_RATE = 8000
SEGMENT_S = Fraction(3, 2)
SEGMENT = int(SAMPLE_RATE * SEGMENT_S)


def htdemucs(seed: int = 0, sources: list[str] = FOUR, **settings: Any) -> HTDemucs:
    """A Hybrid Transformer Demucs of some 100,000 weights."""
    torch.manual_seed(seed)
    small = {
        "channels": 4,
        "nfft": 256,
        "dconv_comp": 2,
        "depth": 3,
        "t_layers": 2,
        "t_heads": 2,
        "t_hidden_scale": 1.0,
        "samplerate": SAMPLE_RATE,
        "segment": SEGMENT_S,
    }
    return _lively(HTDemucs(sources=sources, **(small | settings)))


def hdemucs(seed: int = 0, sources: list[str] = FOUR) -> HDemucs:
    """A Hybrid Demucs without transformer."""
    torch.manual_seed(seed)
    return _lively(HDemucs(sources=sources, channels=4, samplerate=SAMPLE_RATE, segment=1.5))


def demucs(seed: int = 0) -> Demucs:
    """A Demucs in the time domain, whose convolutions need neighbouring audio."""
    torch.manual_seed(seed)
    return _lively(Demucs(sources=FOUR, channels=4, depth=3, samplerate=SAMPLE_RATE, segment=1.5))


def save_package(network: Any, path: Path, *, checksum: bool = False) -> Path:
    """A `.th` package as `demucs.states.serialize_model` shapes it; with its checksum in the name if asked."""
    buffer = io.BytesIO()
    torch.save(package(network), buffer)
    if checksum:
        path = path.with_name(f"{path.stem}-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.th")
    path.write_bytes(buffer.getvalue())
    return path


def save_safetensors(network: Any, path: Path) -> Path:
    """A `.safetensors` file in the layout that `demucs.hf.load_safetensors_model` reads."""
    content = package(network)
    klass = content["klass"]
    metadata = {
        "klass": f"{klass.__module__}.{klass.__qualname__}",
        "args": json.dumps(content["args"]),
        "kwargs": json.dumps(content["kwargs"], default=_fraction),
    }
    save_file({name: tensor.contiguous() for name, tensor in content["state"].items()}, path, metadata)
    return path


def save_bag(path: Path, signatures: list[str], weights: list[list[float]] | None = None) -> Path:
    """A bag's YAML (JSON is YAML)."""
    path.write_text(json.dumps({"models": signatures} | ({"weights": weights} if weights else {})))
    return path


def save_all(root: Path) -> Path:
    """One network of every kind and format, and a bag."""
    save_package(htdemucs(1), root / "transformer.th")
    save_package(htdemucs(2), root / "second.th", checksum=True)
    save_package(hdemucs(3), root / "hybrid.th")
    save_package(demucs(4), root / "waveform.th")
    save_safetensors(htdemucs(1), root / "safe.safetensors")
    save_package(htdemucs(5, SIX), root / "six.th")
    save_safetensors(htdemucs(5, SIX), root / "safe_six.safetensors")
    save_bag(root / "bag.yaml", ["transformer", "second"], [[1, 0, 0.5, 1], [0.5, 1, 1, 0]])
    return root


def request(model: str | None, folder: Path | None, *prompts: str, seed: int = 0, **settings: Any) -> Request:
    if folder is not None:
        folders.name_folder(folder)  # the person at the computer says so
    demucs = DemucsSettings(folder=folder and str(folder), **settings)
    return Request.of(*(prompts or FOUR), backend="demucs", model=model, device="cpu", seed=seed, demucs=demucs)


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    """Stereo noise without direct current, shape (2, samples)."""
    samples = 0.1 * np.random.default_rng(seed).normal(size=(2, n_samples))
    return np.asarray(samples - samples.mean(), dtype=np.float32)


def loaded(wanted: Request) -> DemucsModel:
    return run(DemucsBackend().load(wanted))[1]


def run(steps: Any) -> tuple[list[Any], Any]:
    """Everything a generator yields, and what it returns."""
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as stop:
            return events, stop.value


def on_every_evaluation(hook: Callable[[torch.Tensor], torch.Tensor | None]) -> RemovableHandle:
    """While the context lasts, show `hook` what each network of Demucs answers; what it returns replaces that."""

    def seen(module: torch.nn.Module, _: Any, stems: torch.Tensor) -> torch.Tensor | None:
        return hook(stems) if isinstance(module, (Demucs, HDemucs, HTDemucs)) else None

    return register_module_forward_hook(seen)


def package(network: Any) -> dict[str, Any]:
    args, kwargs = network._init_args_kwargs
    return {
        "klass": type(network),
        "args": args,
        "kwargs": dict(kwargs),
        "state": {name: tensor.clone() for name, tensor in network.state_dict().items()},
        "training_args": {},
    }


def _fraction(value: Fraction) -> dict[str, Any]:
    return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}


def _lively(network: Any) -> Any:
    """Raise the residual branches from their initial 1e-3, so that every part of the network is heard."""
    for name, parameter in network.named_parameters():
        if name.endswith("scale") and parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, 0.1, 0.5)
    return network.eval()
