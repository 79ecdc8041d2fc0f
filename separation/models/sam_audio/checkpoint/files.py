"""The files that a SAM-Audio network is read from: one folder, or pieces in several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from separation.errors import BackendUnavailable, WeightsMissing
from separation.models.sam_audio.config import read_config

# How the same weights are published in several precisions beside each other; the first of these is read.
PRECISIONS = ("fp32", "f32", "bf16", "fp16", "f16")
OF_PRECISION = re.compile(rf"[._-]({'|'.join(PRECISIONS)}|fp8[\w-]*)\.safetensors$")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointFiles:
    """The files of a network.

    Args:
        config: its configuration, whatever the file is called.
        weights: files that together hold each tensor once.
        named: what errors call them.
    """

    config: Path
    weights: tuple[Path, ...]
    named: str

    @property
    def n_bytes(self) -> int:
        """Bytes of all weights, also of those that are never read."""
        return sum(file.stat().st_size for file in self.weights)


def checkpoint_files(path: Path) -> CheckpointFiles:
    """Return the files of a folder with `config.json`, or one file of weights beside such a configuration.

    Raises:
        WeightsMissing: the folder holds no configuration, or no weights.
        BackendUnavailable: it holds them in 8-bit numbers only.
    """
    config = (path.parent if path.is_file() else path) / "config.json"
    if not config.is_file():
        read_config(config)  # it says so
    return CheckpointFiles(config=config, weights=_weights(path), named=str(path))


def _weights(path: Path) -> tuple[Path, ...]:
    """The file of an official folder, or all parts of a safetensors conversion, each in its best precision."""
    if path.is_file():
        return (path,)
    official = path / "checkpoint.pt"
    files = (official,) if official.is_file() else tuple(_best(sorted(path.glob("*.safetensors"))))
    if not files:
        raise WeightsMissing(
            f"There are no SAM-Audio weights in “{path}”.",
            "The folder holds neither checkpoint.pt nor a .safetensors file.",
            "Download the model, or give the folder that holds its weights.",
        )
    return files


def _best(files: Sequence[Path]) -> list[Path]:
    groups: dict[str, dict[str, Path]] = {}
    for file in files:
        said = OF_PRECISION.search(file.name)
        groups.setdefault(OF_PRECISION.sub("", file.name), {})[said[1] if said else ""] = file
    return [_best_of(group) for group in groups.values()]


def _best_of(group: dict[str, Path]) -> Path:
    readable = [group[precision] for precision in ("", *PRECISIONS) if precision in group]
    if not readable:
        file = next(iter(group.values()))
        raise BackendUnavailable(
            f"The weights in “{file}” are not read.",
            f"{file.name} holds 8-bit numbers, which lose too much here.",
            "Use the file in bf16, fp16 or fp32.",
        )
    return readable[0]
