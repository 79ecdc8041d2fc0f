"""Reads the stem names of a Demucs network from its file, without running any code in it."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

from separation.errors import BackendUnavailable

N_PICKLES_BEFORE = 3  # torch's format before 1.6: magic number, protocol version, system information, then the content


def stem_names(path: Path) -> tuple[str, ...]:
    """Return the stems in the network's own order, such as ("drums", "bass", "other", "vocals").

    Args:
        path: a `.safetensors` file in Demucs' layout, or a `.th` package.

    Raises:
        BackendUnavailable: the file is neither, or it is damaged.
    """
    try:
        args, kwargs = _from_safetensors(path) if path.suffix == ".safetensors" else _from_package(path)
        names = kwargs["sources"] if "sources" in kwargs else args[0]
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"the sources are {names!r}")
        return tuple(names)
    except Exception as failure:  # a damaged file can fail anywhere in the readers
        raise BackendUnavailable(
            f"{path.name} is not a Demucs network that can be read.",
            f"({type(failure).__name__}: {failure})",
            "Copy or download the file again.",
        ) from failure


def _from_safetensors(path: Path) -> tuple[Any, Any]:
    with path.open("rb") as file:
        (n_bytes,) = struct.unpack("<Q", file.read(8))
        metadata = json.loads(file.read(min(n_bytes, 100_000_000)))["__metadata__"]
    return json.loads(metadata["args"]), json.loads(metadata["kwargs"])


def _from_package(path: Path) -> tuple[Any, Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            package = _Inert(io.BytesIO(archive.read(name))).load()
    else:
        with path.open("rb") as file:
            for _ in range(N_PICKLES_BEFORE):
                _Inert(file).load()
            package = _Inert(file).load()
    return package["args"], package["kwargs"]


class _Nothing:
    """A placeholder for every object that the pickle would build."""

    def __init__(self, *_: object, **__: object) -> None: ...
    def __call__(self, *_: object, **__: object) -> _Nothing:
        return self

    def __setitem__(self, key: object, value: object) -> None: ...
    def __setstate__(self, state: object) -> None: ...


class _Inert(pickle.Unpickler):
    """An unpickler that builds only lists, dicts, strings and numbers, so no code in the file is run."""

    def find_class(self, module: str, name: str) -> Any:
        return _Nothing

    def persistent_load(self, identifier: Any) -> Any:
        return _Nothing()
