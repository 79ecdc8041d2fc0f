"""The table at the beginning of a safetensors file: name, type, shape and place of every tensor.

The format's own description: eight bytes with the length of a JSON table, the table, the values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod

LENGTH_BYTES = 8
LONGEST_TABLE = 100 << 20  # bytes; the format's own limit
# Bytes of one value, by the names of the format.
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "U32": 4, "BOOL": 1}
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """A tensor of a file: `dtype` as the format names it, bytes `start` to `stop` counted from the file's beginning."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def table_length(beginning: bytes, file_bytes: int) -> int:
    """Return the length of the table in bytes, from the first eight bytes of a file.

    Raises:
        ValueError: no file of `file_bytes` bytes has such a table.
    """
    length = int.from_bytes(beginning[:LENGTH_BYTES], "little")
    if len(beginning) < LENGTH_BYTES or not 0 < length < min(file_bytes, LONGEST_TABLE):
        raise ValueError("its header is cut or missing")
    return length


def read_table(table: bytes, file_bytes: int) -> dict[str, TensorEntry]:
    """Return all tensors by name.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: it is no such table, or one of its tensors cannot be there.
    """
    values_start, found = LENGTH_BYTES + len(table), {}
    for name, entry in json.loads(table).items():
        if name == "__metadata__":
            continue
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        if str(dtype).startswith("F8_"):
            raise ValueError(f"the tensor “{name}” holds 8-bit numbers ({dtype}), which are not read")
        if dtype not in SIZES:
            raise ValueError(f"the tensor “{name}” is of the unknown type {dtype}")
        start, stop = entry["data_offsets"]
        if stop - start != prod(shape) * SIZES[dtype]:
            raise ValueError(f"the tensor “{name}” has {stop - start} bytes, which its shape {shape} does not need")
        if min(start, *shape, 0) < 0 or values_start + stop > file_bytes:
            raise ValueError(f"the tensor “{name}” reaches beyond its end")
        found[name] = TensorEntry(dtype, shape, values_start + start, values_start + stop)
    return found
