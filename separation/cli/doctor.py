"""`audio-playground doctor`: what works here, and what to do about the rest."""

from __future__ import annotations

import platform
import shutil
from importlib import metadata, util
from typing import Any

import click

from separation.cli.common import Common, common_options, make_folder

PACKAGES = (
    "numpy",
    "scipy",
    "soundfile",
    "soxr",
    "av",
    "torch",
    "transformers",
    "demucs",
    "mlx",
    "mlx-audio",
    "sam-audio",
    "nicegui",
    "distributed",
)


@click.command()
@click.option("--self-test/--no-self-test", default=True, help="Separate a second of noise with each usable backend.")
@common_options
def doctor(self_test: bool, common: Common) -> None:
    """List packages, folders and backends; test the usable backends with a second of sound."""
    from separation.backends import registry
    from storage import data_folder

    folder = data_folder()
    make_folder(folder, "recordings and results")
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "data_folder": str(folder),
        "free_bytes": shutil.disk_usage(folder).free,
        "backends": {},
    }
    common.say(f"Python {report['python']} on {report['system']}")
    common.say("".join(f"  {name} {version}\n" for name, version in report["packages"].items()).rstrip())
    common.say(f"Data folder {folder}, {report['free_bytes'] / 2**30:.1f} GB free")
    for backend in registry.BACKENDS.values():
        availability = backend.availability()
        words = availability.readiness.value
        if availability.usable and self_test:
            words += f", self-test {_self_test(backend.name)}"
        common.say(f"{backend.label}: {words}. {availability.sentence}")
        report["backends"][backend.name] = {"readiness": words, "sentence": availability.sentence}
    common.result(report)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "found without a version" if util.find_spec(package.replace("-", "_")) else "not installed"


def _self_test(backend: str) -> str:
    """Separate one second of noise; returns the time it took, loading included, or what went wrong."""
    import time

    import numpy as np

    from separation import Request, SolverSettings, Waveform, extract
    from separation.errors import PlaygroundError

    noise = np.random.default_rng(0).normal(0, 0.1, (2, 44_100)).astype(np.float32)
    started_s = time.monotonic()
    quick = SolverSettings(method="euler", n_steps=1)  # a test of the model's parts, not of its sound
    try:
        stems = extract(Waveform(noise, 44_100), Request.of("vocals", backend=backend, solver=quick))
    except PlaygroundError as error:  # the backends after it are tested all the same
        return f"failed: {error}"
    assert all(np.isfinite(stem.samples).all() for stem in stems.values())
    return f"{time.monotonic() - started_s:.2f} s"
