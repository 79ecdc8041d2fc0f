"""Versions of Python, the system and the installed packages, for reports. Imports none of the packages."""

from __future__ import annotations

import platform
from importlib import metadata, util

from separation.backends import registry

PACKAGES = (
    "numpy",
    "scipy",
    "soundfile",
    "soxr",
    "av",
    "torch",
    "tokenizers",
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
    """Return each package with its version, or that it is missing; those of the optional backends come last."""
    of_backends = (name for backend in registry.BACKENDS.values() for name in backend.profile.packages)
    return {name: version(name) for name in dict.fromkeys((*PACKAGES, *of_backends))}


def version(package: str) -> str:
    """Return the version of one package, or that it is missing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "found without a version" if util.find_spec(package.replace("-", "_")) else "not installed"
