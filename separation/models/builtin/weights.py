"""Reads and writes the network's weights: a float16 safetensors file that states the network's sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from separation.errors import BackendUnavailable
from separation.models.builtin import CLASSES
from separation.models.builtin.network import NetworkShape, SeparatorNetwork
from separation.models.builtin.revision import is_as_made


def write_network(network: SeparatorNetwork, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write a network as float16 safetensors with its sizes, its classes and `notes` in the header."""
    tensors = {name: tensor.detach().half().contiguous().cpu() for name, tensor in network.state_dict().items()}
    header = {"shape": json.dumps(asdict(network.shape)), "classes": " ".join(CLASSES), **(notes or {})}
    save_file(tensors, path, metadata=header)


def read_network(path: Path) -> SeparatorNetwork:
    """Read a network from a file, in float32, in evaluation mode.

    Raises:
        BackendUnavailable: the file cannot be read, is of other classes, lacks a tensor, or is not what its checksum
            says.
    """
    try:
        if not is_as_made(path):  # changed bits would still load, and sound like something
            raise ValueError("what is on the disk is not what was written")
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        if header.get("classes") != " ".join(CLASSES):
            raise ValueError(f"it separates {header.get('classes') or 'nothing it names'}")
        network = SeparatorNetwork(NetworkShape(**json.loads(header["shape"])))
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as failure:
        raise BackendUnavailable(
            "The built-in network's weights cannot be read.",
            f"{path}: {str(failure).splitlines()[0] if str(failure) else type(failure).__name__}.",
            "Install the program again, or use the classical methods (backend builtin-dsp).",
        ) from failure
    return network.eval().requires_grad_(False)
