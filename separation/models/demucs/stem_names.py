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

LARGEST_TABLE = 50_000_000  # bytes; that of a published network has 0.1 MB, its tensors lie beside it
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
            raise TypeError("the names of its sources are no texts")
        return tuple(names)
    except Exception as failure:  # a damaged file can fail anywhere in the readers
        raise BackendUnavailable(
            f"{path.name} is not a Demucs network that can be read.",
            "It is damaged, or another kind of file.",
            "Copy or download it again.",
        ) from failure


def _from_safetensors(path: Path) -> tuple[Any, Any]:
    with path.open("rb") as file:
        (n_bytes,) = struct.unpack("<Q", file.read(8))
        metadata = json.loads(file.read(min(n_bytes, 100_000_000)))["__metadata__"]
    return json.loads(metadata["args"]), json.loads(metadata["kwargs"])


def _from_package(path: Path) -> tuple[Any, Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            table = next(one for one in archive.infolist() if one.filename.endswith("/data.pkl"))
            if table.file_size > LARGEST_TABLE:
                raise ValueError("its table of contents is far too large")
            package = _Inert(io.BytesIO(archive.read(table))).load()
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


class _Inert(pickle._Unpickler):
    """An unpickler that builds only lists, dicts, strings and numbers, so no code in the file is run.

    It is the one in Python, which a number in the file cannot make set aside any amount of memory.
    """

    def find_class(self, module: str, name: str) -> Any:
        return _Nothing

    def persistent_load(self, identifier: Any) -> Any:
        return _Nothing()
