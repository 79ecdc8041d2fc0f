"""Locates and reads single tensors in files: PyTorch's zip archives and safetensors.

Nothing is mapped: pages of a mapped file that were touched once count as this process's memory until it is unmapped.
"""

from __future__ import annotations

import collections
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from separation.hub.tensor_table import LENGTH_BYTES, read_table, table_length

# Exceptions raised for files that are truncated, of another kind, or malicious.
DAMAGE = (
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError),
    *(zipfile.BadZipFile, pickle.PickleError),
)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a tensor in a file: `shape` and `strides` count values of `dtype` from byte `start`."""

    file: Path
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    @property
    def n_bytes(self) -> int:
        """Bytes from its first value to its last."""
        if not prod(self.shape):
            return 0
        last = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        return (last + 1) * self.dtype.itemsize

    @property
    def room(self) -> int:
        """Bytes to set aside for it, so that another tensor behind it is aligned as memory of its own would be."""
        return -(-self.n_bytes // 64) * 64

    def read(self, memory: Tensor) -> Tensor:
        """The tensor, in `memory` of `n_bytes` bytes; of the file, no more than these are read."""
        with self.file.open("rb", buffering=0) as opened:
            opened.seek(self.start)
            view: memoryview = memory.numpy().data
            while len(view):
                if not (n_read := opened.readinto(view)):
                    raise EOFError(f"the file ends {len(view)} bytes early")
                view = view[n_read:]
        return memory.view(self.dtype).as_strided(
            self.shape, self.strides, memory.storage_offset() // self.dtype.itemsize
        )


def places(file: Path) -> dict[str, Place]:
    """Return the place of every tensor in a file by name; raise one of `DAMAGE` if the file is damaged."""
    found = dict(_safetensors(file) if file.suffix == ".safetensors" else _archive(file))
    size = file.stat().st_size
    for name, place in found.items():
        if place.start < 0 or place.start + place.n_bytes > size or min((*place.strides, *place.shape), default=0) < 0:
            raise ValueError(f"the tensor “{name}” reaches beyond its end")
    return found


# Types by the names of safetensors. Integers are known so that what refuses them can name the tensor.
SAFETENSORS_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "U32": torch.uint32,
    "BOOL": torch.bool,
}


def _safetensors(file: Path) -> Iterator[tuple[str, Place]]:
    n_bytes = file.stat().st_size
    with file.open("rb") as opened:
        table = opened.read(table_length(opened.read(LENGTH_BYTES), n_bytes))
    for name, entry in read_table(table, n_bytes).items():
        yield name, Place(file, entry.start, entry.shape, _contiguous(entry.shape), SAFETENSORS_TYPES[entry.dtype])


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _archive(file: Path) -> Iterator[tuple[str, Place]]:
    """What `torch.save` writes: a zip archive with a pickled table, and the values of each storage, uncompressed."""
    with file.open("rb") as opened, zipfile.ZipFile(opened) as archive:
        names = archive.namelist()
        if not (tables := [name for name in names if name.endswith("data.pkl")]):
            raise ValueError("it holds no table of tensors")
        root = tables[0].removesuffix("data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        storages = {
            record.filename.removeprefix(f"{root}data/"): _values(opened, record)
            for record in archive.infolist()
            if record.filename.startswith(f"{root}data/")
        }
        with archive.open(f"{root}data.pkl") as pickled:
            table = _Unpickler(pickled, file, storages).load()
    if not isinstance(table, Mapping) or not all(isinstance(place, Place) for place in table.values()):
        raise ValueError("it is not a table of tensors")
    yield from table.items()


def _values(opened: IO[bytes], record: zipfile.ZipInfo) -> range:
    """Return the range of bytes that holds the record's values."""
    if record.compress_type != zipfile.ZIP_STORED:
        raise ValueError("its tensors are compressed")
    opened.seek(record.header_offset + 26)  # of the record's own header, where the lengths of name and extra field are
    lengths = opened.read(4)
    start = record.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    return range(start, start + record.file_size)


class _Unpickler(pickle.Unpickler):
    """Reads a table of tensors as a table of places. A pickle can name any function: these few are known, no other."""

    def __init__(self, pickled: IO[bytes], file: Path, storages: Mapping[str, range]) -> None:
        super().__init__(pickled)
        self._file, self._storages = file, storages

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): partial(_tensor, self._file),
            ("torch._utils", "_rebuild_parameter"): _parameter,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"it would run {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[range, torch.dtype]:
        _, dtype, key, *_ = pid
        if not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"its values are of the unknown type {dtype!r}")
        return self._storages[key], dtype


# The types `torch.save` names by the storages they once had.
STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def _tensor(
    file: Path, storage: tuple[range, torch.dtype], offset: int, shape: tuple[int, ...], strides: Any, *_: Any
) -> Place:
    values, dtype = storage
    place = Place(file, values.start + offset * dtype.itemsize, tuple(shape), tuple(strides), dtype)
    if offset < 0 or place.start + place.n_bytes > values.stop:
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    return place


def _parameter(place: Place, *_: Any) -> Place:
    return place
