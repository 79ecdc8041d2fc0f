"""What is installed here, for reports of what works and what does not. Imports none of it."""

from __future__ import annotations

import platform
from importlib import metadata, util

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


def python() -> str:
    """Python's version."""
    return platform.python_version()


def system() -> str:
    """The operating system and the processor."""
    return platform.platform()


def versions() -> dict[str, str]:
    """Package to version, or that there is none."""
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "found without a version" if util.find_spec(package.replace("-", "_")) else "not installed"
