"""Reads a Demucs network from its file; nothing that the file says is run.

Both formats name what the network is made of: a `.th` file is a pickle, which can name any function, and a safetensors
file has the name of a class in its header. Known are Demucs' own networks and the quantisers of `diffq`, and no others.
"""

from __future__ import annotations

import importlib
import json
import logging
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from demucs.apply import Model as Network
from demucs.demucs import Demucs
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from demucs.repo import ModelLoadingError
from demucs.states import load_model
from safetensors import safe_open

from separation.errors import Action, BackendUnavailable
from separation.hub.compared import is_whole

NETWORKS: Mapping[str, type] = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in (Demucs, HDemucs, HTDemucs)}
QUANTISERS = ("diffq.diffq.DiffQuantizer", "diffq.uniform.UniformQuantizer")
# Measures of the training lie beside some published networks, as NumPy's numbers.
NUMPY = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
QUANTISED = "__quantized"  # marks weights that a quantiser has packed

log = logging.getLogger(__name__)


def read_network(path: Path) -> Network:
    """Read one network; a file whose tensors do not all fit is refused.

    Raises:
        BackendUnavailable: the file is damaged, holds something else, is not what the checksum of its name says, or is
            quantised where `diffq` is not installed. The message repeats nothing of the file.
    """
    try:
        if not is_whole(path, again=True):
            raise ModelLoadingError("the content of the file is not that of its name")
        return _built(_from_safetensors(path) if path.suffix == ".safetensors" else _from_package(path))
    except _Unpackable as failure:
        raise BackendUnavailable(
            f"The network {path.name} is quantised.",
            "Reading it takes the package “diffq”.",
            "A model that is not quantised needs none.",
            action=Action.install("diffq"),
        ) from failure
    except Exception as failure:  # damaged files fail anywhere
        log.exception("cannot read %s", path)
        why = "It is damaged, or holds something else than a Demucs network; nothing in it was run."
        if isinstance(failure, ModelLoadingError):
            why = "Its content is not what was published: its checksum is another."
        raise BackendUnavailable(
            f"The network {path.name} cannot be read.", why, "Remove the model and get it again."
        ) from failure


class _Unpackable(Exception):
    """The weights are packed by `diffq`, which is not installed."""


def _built(package: Any) -> Network:
    """Make the network of a package: its class, what that is made with, and its weights."""
    if package["klass"] not in NETWORKS.values():
        raise ValueError("its class is none of Demucs'")
    state = package["state"]
    if QUANTISED in state:
        known = _quantisers()
        if not known:
            raise _Unpackable
        if state["meta"]["klass"] not in known.values():
            raise ValueError("its quantiser is none of diffq's")
    network: Network = load_model(  # type: ignore[no-untyped-call]  # Demucs ships no types for it
        {"klass": package["klass"], "args": package["args"], "kwargs": dict(package["kwargs"]), "state": state}
    )
    return network


class _Unread:
    """Stands for an object of a package that nobody reads."""

    def __init__(self, *_: object) -> None: ...
    def __setstate__(self, _: object) -> None: ...


def _from_package(path: Path) -> Mapping[str, Any]:
    """Return what a `.th` file holds; a name that is not known here raises `pickle.UnpicklingError`."""
    quantisers: Mapping[str, Any] = _quantisers() or dict.fromkeys(QUANTISERS, _Unread)
    named = {**NETWORKS, **quantisers, **dict.fromkeys(NUMPY, _Unread)}
    allowed: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        Fraction,
        *((kind, name) for name, kind in named.items()),
    ]
    with warnings.catch_warnings(), torch.serialization.safe_globals(allowed):
        warnings.simplefilter("ignore")  # about formats of earlier versions
        package: Mapping[str, Any] = torch.load(path, "cpu", weights_only=True)
    return package


def _from_safetensors(path: Path) -> Mapping[str, Any]:
    """Return what a `.safetensors` file in the layout of `demucs.hf` holds."""
    with safe_open(str(path), framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    return {
        "klass": NETWORKS[header["klass"]],
        "args": json.loads(header["args"], object_hook=_fraction),
        "kwargs": json.loads(header["kwargs"], object_hook=_fraction),
        "state": _packed(json.loads(header["structure"]), tensors) if "structure" in header else tensors,
    }


def _fraction(table: dict[str, Any]) -> Any:
    return Fraction(table["numerator"], table["denominator"]) if table.get("_type") == "fraction" else table


def _packed(node: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Return quantised weights, whose header describes how tables and lists of tensors lie in each other."""
    match node:
        case {"_tensor": name}:
            return tensors[name]
        case {"_dict": items}:
            return {key: _packed(item, tensors) for key, item in items}
        case {"_list": items}:
            return [_packed(item, tensors) for item in items]
        case {"_tuple": items}:
            return tuple(_packed(item, tensors) for item in items)
        case {"_class": name}:
            return (_quantisers() or dict.fromkeys(QUANTISERS, _Unread))[name]
        case dict():
            raise ValueError("its structure has an unknown part")
    return node


def _quantisers() -> dict[str, type]:
    """Return the quantisers by the names that files have for them; empty where `diffq` is not installed."""
    found = {}
    for name in QUANTISERS:
        module, _, kind = name.rpartition(".")
        try:
            found[name] = getattr(importlib.import_module(module), kind)
        except (ImportError, AttributeError):
            return {}
    return found
