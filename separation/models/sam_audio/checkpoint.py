"""Checkpoint files to parameters: checked by name and shape before anything is read, then read a little at a time."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from separation.errors import BackendUnavailable, WeightsMissing
from separation.models.sam_audio.stored import UNUSED, Part, Stored

# A mapped file stays in memory as far as it was touched. Reading a sixteenth of the parameters, then mapping it anew,
# keeps the peak 1/16 above the parameters themselves.
GROUPS = 16


def fill(
    network: nn.Module, parts: Sequence[Part], path: Path, device: torch.device, dtypes: Mapping[str, Any]
) -> None:
    """Give every parameter of `network`, built on the meta device, its values.

    Args:
        network: the module whose parameters `parts` name.
        parts: one for each parameter.
        path: a folder with `checkpoint.pt` or `*.safetensors`, or one such file.
        device: where the parameters go.
        dtypes: precision by the first word of the parameter's name.

    Raises:
        WeightsMissing: there are no weights in the folder.
        BackendUnavailable: a file is damaged, or a tensor is missing, unknown, or of another shape; named.
    """
    empty = dict(network.named_parameters())
    assert empty.keys() == {part.parameter for part in parts}
    files = weight_files(path)
    found = _names(files)
    names = {stored: _name(stored, found, path) for part in parts for stored in part.sources}
    if unknown := sorted(found.keys() - set(names.values()) - {name for name in found if UNUSED.match(name)}):
        raise _damaged(path, f"It holds a tensor “{unknown[0]}” this network does not know", len(unknown) - 1)
    channels_last = _is_channels_last(names, found, path)
    for group in _groups(parts):
        wanted = {names[stored] for part in group for stored in part.sources}
        mapped = _read(files, found, wanted)
        for part in group:
            sources = [_official(mapped[names[stored]], stored, channels_last).float() for stored in part.sources]
            # Always a copy: a parameter that were a view would keep the whole file mapped.
            values = torch.empty(empty[part.parameter].shape, dtype=dtypes[part.parameter.split(".")[0]], device=device)
            made = part.make(*sources)
            assert made.shape == values.shape, (part.parameter, made.shape)
            values.copy_(made)
            owner, _, name = part.parameter.rpartition(".")
            setattr(network.get_submodule(owner), name, nn.Parameter(values, requires_grad=False))


def weight_files(path: Path) -> tuple[Path, ...]:
    """The file of an official folder, or all parts of a safetensors conversion."""
    if path.is_file():
        return (path,)
    official = path / "checkpoint.pt"
    files = (official,) if official.is_file() else tuple(sorted(path.glob("*.safetensors")))
    if not files:
        raise WeightsMissing(
            f"There are no SAM-Audio weights in “{path}”.",
            "The folder holds neither checkpoint.pt nor a .safetensors file.",
            "Download the model, or give the folder that holds its weights.",
        )
    return files


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a tensor is, and its shape."""

    file: Path
    shape: tuple[int, ...]


def _names(files: Sequence[Path]) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for file in files:
        for name, shape in _shapes(file).items():
            if name in found:
                raise _damaged(file, f"The tensor “{name}” is also in {found[name].file.name}")
            found[name] = _Found(file, shape)
    return found


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    if file.suffix != ".safetensors":
        return {name: tuple(tensor.shape) for name, tensor in _mapped(file).items()}
    try:
        with safe_open(file, framework="pt") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError) as damage:
        raise _damaged(file, f"It is not a safetensors file: {damage}") from damage


def _read(files: Sequence[Path], found: Mapping[str, _Found], wanted: set[str]) -> dict[str, Tensor]:
    """Views of the mapped files; the mapping lasts as long as they do."""
    tensors: dict[str, Tensor] = {}
    for file in files:
        here = {name for name in wanted if found[name].file == file}
        if file.suffix != ".safetensors":
            mapped = _mapped(file)
            tensors.update((name, mapped[name]) for name in here)
        elif here:
            with safe_open(file, framework="pt") as opened:
                tensors.update((name, opened.get_tensor(name)) for name in here)
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise _damaged(
                found[name].file, f"The tensor “{name}” holds {tensor.dtype}: quantised weights are not read"
            )
    return tensors


def _mapped(file: Path) -> dict[str, Tensor]:
    try:
        tensors = torch.load(file, map_location="cpu", mmap=True, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, ValueError) as damage:
        raise _damaged(file, f"It is not a PyTorch checkpoint: {str(damage).splitlines()[0]}") from damage
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise _damaged(file, "It is not a table of tensors")
    return tensors


def _name(stored: Stored, found: Mapping[str, _Found], path: Path) -> str:
    """The name under which the file has this tensor."""
    present = [name for name in stored.names if name in found]
    if not present:
        alias = f" (in conversions “{stored.names[1]}”)" if len(stored.names) > 1 else ""
        dropped = stored.names[0].startswith("align_masked_video.")
        raise _damaged(
            path,
            f"The tensor “{stored.names[0]}”{alias} is missing",
            todo="Some conversions leave the video path out, which changes every result; official weights have it."
            if dropped
            else "",
        )
    if len(present) > 1:
        raise _damaged(path, f"The tensor “{present[0]}” is there a second time, as “{present[1]}”")
    return present[0]


def _is_channels_last(names: Mapping[Stored, str], found: Mapping[str, _Found], path: Path) -> bool:
    """Whether the convolutions of these files have their channels last; every tensor has to agree."""
    for channels_last in (False, True):
        wrong = [stored for stored, name in names.items() if found[name].shape != _shape(stored, channels_last)]
        if not wrong:
            return channels_last
        if not channels_last:
            in_official_order = wrong
    # Name the first tensor that fits the order most of them have.
    fewest = min(in_official_order, wrong, key=len)
    stored, name = fewest[0], names[fewest[0]]
    raise _damaged(
        path,
        f"The tensor “{name}” has the shape {found[name].shape} where config.json asks for "
        f"{_shape(stored, fewest is wrong)}",
        len(fewest) - 1,
    )


def _shape(stored: Stored, channels_last: bool) -> tuple[int, ...]:
    return stored.channels_last_shape if channels_last else stored.shape


def _official(tensor: Tensor, stored: Stored, channels_last: bool) -> Tensor:
    """The tensor in official order."""
    if stored.axes is None or not channels_last:
        return tensor
    back = sorted(range(3), key=stored.axes.__getitem__)
    return tensor.permute(back).contiguous()  # sums come out the same, to the last bit, from either layout


def _groups(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts in order, cut so that each group reads about 1 / GROUPS of all."""
    limit = sum(map(_n_values, parts)) / GROUPS
    group: list[Part] = []
    size = 0
    for part in parts:
        if group and size + _n_values(part) > limit:
            yield group
            group, size = [], 0
        group.append(part)
        size += _n_values(part)
    yield group


def _n_values(part: Part) -> int:
    return sum(prod(stored.shape) for stored in part.sources)


def _damaged(path: Path, why: str, n_more: int = 0, todo: str = "") -> BackendUnavailable:
    more = f" (and {n_more} more like it)" if n_more else ""
    return BackendUnavailable(
        f"The weights in “{path}” are not those of a SAM-Audio model.",
        f"{why}{more}.",
        todo or "Download the model again, with the config.json that belongs to it.",
    )
