"""Files in Demucs' formats that would run code if they were trusted; each tries to make one folder, the trap."""

from __future__ import annotations

import builtins
import functools
import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from tests.support import demucs_models as tiny

SECRET = "tops3cret"  # stands in every file; no message may repeat it
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of PyTorch's format before 1.6


class Calls:
    """An object whose unpickling calls a function, which may be another such object."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self._reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reduced

    def __call__(self) -> None:
        """Be a function in the eyes of the pickler, so that one call may return what the next one calls."""


def _package(**changed: Any) -> dict[str, Any]:
    return tiny.package(tiny.htdemucs()) | {"note": SECRET} | changed


def _saved(content: Any, path: Path, *, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def _zip_of(pickled: bytes, path: Path, *more: tuple[str, bytes], compressed: bool = False) -> Path:
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in (("archive/data.pkl", pickled), ("archive/version", b"3\n"), *more):
            archive.writestr(name, content)
    return path


def _legacy_of(path: Path, *pickles: bytes) -> Path:
    path.write_bytes(b"".join(pickles))
    return path


def _text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value.encode())]) + value.encode()  # SHORT_BINUNICODE


def _stack_global(module: str, name: str) -> bytes:
    return _text(module) + _text(name) + b"\x93"


def _with_two_pickles(path: Path, trap: Path) -> Path:
    """A harmless table first, the other one under a second root."""
    good, bad = io.BytesIO(), pickle.dumps(Calls(os.mkdir, str(trap)))
    torch.save(_package(), good)
    with zipfile.ZipFile(good) as archive:
        inner = archive.namelist()[0].split("/")[0]
        members = [(name.replace(inner, "archive", 1), archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other/data.pkl", bad)
        for name, content in members:
            archive.writestr(name, content)
        archive.writestr("archive/data.pkl", bad)
    return path


def _persistent(path: Path, trap: Path) -> Path:
    """Its storages are told apart by an object that runs code, instead of by a text."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return ("storage", Calls(os.mkdir, str(trap)), "0", "cpu", 1) if isinstance(value, range) else None

    written = io.BytesIO()
    Pickler(written, 2).dump(_package(state={"weight": range(1)}) | {"klass": SECRET})
    return _zip_of(written.getvalue(), path)


def _safetensors(path: Path, trap: Path, klass: str, args: list[Any], structure: Any = None) -> Path:
    metadata = {"klass": klass, "args": json.dumps(args), "kwargs": json.dumps({}), "note": SECRET}
    if structure is not None:
        metadata["structure"] = json.dumps(structure)
    save_file({"weight": torch.zeros(1)}, path, metadata)
    return path


def _module_class(path: Path, trap: Path) -> Path:
    """A network of the right kind whose packed weights are unpacked by a function of the file's own choice."""
    meta = {"_dict": [["klass", {"_class": "os.mkdir"}], ["init_kwargs", {"_dict": []}]]}
    structure = {"_dict": [["__quantized", True], ["meta", meta], ["quantized", {"_list": []}]]}
    package = _package()
    metadata = {
        "klass": "demucs.htdemucs.HTDemucs",
        "args": "[]",
        "kwargs": json.dumps(
            package["kwargs"],
            default=lambda value: {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator},
        ),
        "structure": json.dumps(structure),
        "note": SECRET,
    }
    save_file({"weight": torch.zeros(1)}, path, metadata)
    return path


def _dtype_state(trap: Path) -> Any:
    return Calls(np.dtype, "O", state=(3, "|", None, None, None, -1, -1, 63, {"x": Calls(os.mkdir, str(trap))}))


# What each is called, and what writes it to a path without its extension, so that it would make the folder `trap`.
CRAFTED: dict[str, Callable[[Path, Path], Path]] = {
    "os.system": lambda path, trap: _saved(_package(note=[SECRET, Calls(os.system, f"mkdir {trap}")]), path),
    "os.mkdir in place of the package": lambda path, trap: _saved(Calls(os.mkdir, str(trap)), path),
    "posix.mkdir by its module's own name": lambda path, trap: _zip_of(
        b"\x80\x04" + _stack_global("posix", "mkdir") + _text(str(trap)) + b"\x85R.", path
    ),
    "builtins.eval": lambda path, trap: _saved(
        _package(note=Calls(builtins.eval, f"__import__('os').mkdir({str(trap)!r})")), path
    ),
    "builtins.exec among the weights": lambda path, trap: _saved(
        _package(state=OrderedDict(weight=Calls(builtins.exec, f"import os; os.mkdir({str(trap)!r})"))), path
    ),
    "a call whose argument is a call": lambda path, trap: _saved(
        _package(note=Calls(len, Calls(eval, f"[__import__('os').mkdir({str(trap)!r})]"))), path
    ),
    "getattr after getattr": lambda path, trap: _saved(
        _package(note=Calls(Calls(getattr, Calls(__import__, "os"), "mkdir"), str(trap))), path
    ),
    "a dotted name in STACK_GLOBAL": lambda path, trap: _zip_of(
        b"\x80\x04" + _stack_global("torch", "os.mkdir") + _text(str(trap)) + b"\x85R.", path
    ),
    "a dotted name in GLOBAL": lambda path, trap: _zip_of(
        b"\x80\x04ctorch\nserialization.os.mkdir\nX"
        + struct.pack("<I", len(str(trap)))
        + str(trap).encode()
        + b"\x85R.",
        path,
    ),
    "INST": lambda path, trap: _zip_of(b"(S'" + str(trap).encode() + b"'\nios\nmkdir\n.", path),
    "OBJ": lambda path, trap: _zip_of(b"(cos\nmkdir\nS'" + str(trap).encode() + b"'\no.", path),
    "an extension code": lambda path, trap: _zip_of(b"\x80\x02\x82\x01" + b")R.", path),
    "functools.partial": lambda path, trap: _saved(_package(note=Calls(functools.partial(os.mkdir, str(trap)))), path),
    "functools.reduce over partials": lambda path, trap: _saved(
        _package(note=Calls(functools.reduce, functools.partial(os.mkdir), [str(trap), 0o700])), path
    ),
    "map over os.mkdir": lambda path, trap: _saved(_package(note=Calls(list, Calls(map, os.mkdir, [str(trap)]))), path),
    "a numpy array of objects": lambda path, trap: _saved(
        _package(note=np.array([Calls(os.mkdir, str(trap))], dtype=object)), path
    ),
    "a numpy type with a state": lambda path, trap: _saved(_package(note=_dtype_state(trap)), path),
    "torch.load of another file": lambda path, trap: _saved(
        _package(
            note=Calls(
                functools.partial(
                    torch.load, _saved(Calls(os.mkdir, str(trap)), path.with_suffix(".other")), weights_only=False
                )
            )
        ),
        path,
    ),
    "torch.hub": lambda path, trap: _saved(_package(note=Calls(torch.hub.load, str(trap.parent), "mkdir")), path),
    "torch.jit.load": lambda path, trap: _saved(_package(note=Calls(torch.jit.load, str(trap))), path),
    "pickle.loads inside": lambda path, trap: _saved(
        _package(note=Calls(pickle.loads, pickle.dumps(Calls(os.mkdir, str(trap))))), path
    ),
    "a state that is set on a class": lambda path, trap: _saved(
        _package(note=Calls(torch.nn.Linear, 1, 1, state={"forward": Calls(os.mkdir, str(trap))})), path
    ),
    "a class that is none of Demucs'": lambda path, trap: _saved(
        _package(klass=os.mkdir, args=(str(trap),), kwargs={}), path
    ),
    "a class of Demucs that is no network": lambda path, trap: _saved(
        _package(klass=torch.load, args=(str(trap),), kwargs={}), path
    ),
    "an allowed function in place of the class": lambda path, trap: _saved(
        _package(klass=OrderedDict, args=([(SECRET, str(trap))],), kwargs={}), path
    ),
    "packed weights that name their own unpacker": lambda path, trap: _saved(
        _package(state={"__quantized": True, "meta": {"klass": OrderedDict, "init_kwargs": {SECRET: 1}}}), path
    ),
    "the format before 1.6": lambda path, trap: _saved(_package(note=Calls(os.mkdir, str(trap))), path, legacy=True),
    "the format before 1.6, in its head": lambda path, trap: _legacy_of(
        path,
        pickle.dumps(MAGIC, 2),
        pickle.dumps(PROTOCOL, 2),
        pickle.dumps(Calls(os.mkdir, str(trap)), 2),
        pickle.dumps({}, 2),
    ),
    "a bare pickle": lambda path, trap: _legacy_of(path, pickle.dumps([SECRET, Calls(os.mkdir, str(trap))])),
    "an archive with two tables": _with_two_pickles,
    "a persistent id that is an object": _persistent,
    "a compressed table": lambda path, trap: _zip_of(
        pickle.dumps(Calls(os.mkdir, str(trap)), 2), path, compressed=True
    ),
    "a TorchScript archive": lambda path, trap: _zip_of(
        pickle.dumps(Calls(os.mkdir, str(trap)), 2), path, ("archive/constants.pkl", b"\x80\x02).")
    ),
}
CRAFTED_SAFETENSORS: dict[str, Callable[[Path, Path], Path]] = {
    "os.mkdir for a class": lambda path, trap: _safetensors(path, trap, "os.mkdir", [str(trap)]),
    "os.system for a class": lambda path, trap: _safetensors(path, trap, "os.system", [f"mkdir {trap}"]),
    "builtins.eval for a class": lambda path, trap: _safetensors(
        path, trap, "builtins.eval", [f"__import__('os').mkdir({str(trap)!r})"]
    ),
    "a module beside it for a class": lambda path, trap: _safetensors(path, trap, f"{SECRET}.Network", []),
    "an unpacker of its own": _module_class,
    "a class without a module": lambda path, trap: _safetensors(path, trap, "eval", []),
}
