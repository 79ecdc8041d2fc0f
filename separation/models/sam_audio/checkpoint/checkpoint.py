"""Loads checkpoint files into a network: all names and shapes are checked first, then parts are read one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from separation.errors import BackendUnavailable, WeightsMissing
from separation.models.sam_audio.checkpoint.stored import UNUSED, ParameterSource, StoredTensor
from separation.models.sam_audio.checkpoint.tensor_files import DAMAGE, Place, places
from separation.models.sam_audio.pytorch.int8 import Int8Linear


def fill(
    network: nn.Module,
    parts: Sequence[ParameterSource],
    path: Path,
    device: torch.device,
    dtypes: Mapping[str, Any],
    int8: re.Pattern[str] | None = None,
) -> None:
    """Give every parameter of `network`, built on the meta device, its values.

    Memory holds the parameters loaded so far and the stored tensors of one part.

    Args:
        network: the module whose parameters `parts` name.
        parts: one for each parameter.
        path: a folder with `checkpoint.pt` or `*.safetensors`, or one such file.
        device: where the parameters go.
        dtypes: precision by the first word of the parameter's name.
        int8: linear layers without bias whose weights' names match become `Int8Linear`.

    Raises:
        WeightsMissing: there are no weights in the folder.
        BackendUnavailable: a file is damaged, or a tensor is missing, unknown, or of another shape; named.
    """
    empty = dict(network.named_parameters())
    assert empty.keys() == {part.parameter for part in parts}
    tensors = _Tensors(parts, path)
    # All that is kept is allocated before anything is read: memory taken in turns is left full of holes, a third of it.
    for name, parameter in empty.items():
        owner, _, leaf = name.rpartition(".")
        if int8 is not None and int8.search(name):
            network.set_submodule(owner, Int8Linear(*parameter.shape))
        else:
            values = torch.empty_like(parameter, dtype=dtypes[name.split(".")[0]], device=device)
            setattr(network.get_submodule(owner), leaf, nn.Parameter(values, requires_grad=False))
    for part in parts:
        owner, _, leaf = part.parameter.rpartition(".")
        layer, made = network.get_submodule(owner), part.make(*tensors.read(part))
        assert made.shape == empty[part.parameter].shape, (part.parameter, made.shape)
        if isinstance(layer, Int8Linear):
            layer.round(made)
        else:
            layer.get_parameter(leaf).copy_(made)


class _Tensors:
    """The stored tensors of a checkpoint, checked all together and read part by part."""

    def __init__(self, parts: Sequence[ParameterSource], path: Path) -> None:
        found = _found(weight_files(path))
        names = {stored: _name(stored, found, path) for part in parts for stored in part.sources}
        if unknown := sorted(found.keys() - set(names.values()) - {name for name in found if UNUSED.match(name)}):
            raise _damaged(path, f"It holds a tensor “{unknown[0]}” this network does not know", len(unknown) - 1)
        self._channels_last = _is_channels_last(names, found, path)
        self._places = {stored: found[name] for stored, name in names.items()}
        for name in names.values():
            if not found[name].dtype.is_floating_point:
                why = f"The tensor “{name}” holds {found[name].dtype}: quantised weights are not read"
                raise _damaged(found[name].file, why)
        needed = (sum(self._places[stored].room for stored in part.sources) for part in parts)
        self._memory = torch.empty(max(needed), dtype=torch.uint8)  # of one part; the next one is read over it

    def read(self, part: ParameterSource) -> list[Tensor]:
        """The sources of a part, float32 on the CPU in official order; to be used up before the next part is read."""
        sources: list[Tensor] = []
        start = 0
        for stored in part.sources:
            place = self._places[stored]
            try:
                tensor = place.read(self._memory[start : start + place.n_bytes]).float()
            except (OSError, EOFError) as damage:
                raise _damaged(place.file, f"The tensor “{stored.names[0]}” cannot be read: {damage}") from damage
            if stored.axes is not None and self._channels_last:
                back = sorted(range(3), key=stored.axes.__getitem__)
                tensor = tensor.permute(
                    back
                ).contiguous()  # sums come out the same, to the last bit, from either layout
            sources.append(tensor)
            start += place.room
        return sources


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


def _found(files: Sequence[Path]) -> dict[str, Place]:
    """Return the place of every tensor in these files by name."""
    found: dict[str, Place] = {}
    for file in files:
        try:
            here = places(file)
        except DAMAGE as damage:
            kind = "safetensors file" if file.suffix == ".safetensors" else "PyTorch checkpoint"
            raise _damaged(file, f"It is not a whole {kind}: {damage}") from damage
        if twice := sorted(found.keys() & here.keys()):
            raise _damaged(file, f"The tensor “{twice[0]}” is also in {found[twice[0]].file.name}")
        found.update(here)
    return found


def _name(stored: StoredTensor, found: Mapping[str, Place], path: Path) -> str:
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


def _is_channels_last(names: Mapping[StoredTensor, str], found: Mapping[str, Place], path: Path) -> bool:
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


def _shape(stored: StoredTensor, channels_last: bool) -> tuple[int, ...]:
    return stored.channels_last_shape if channels_last else stored.shape


def _damaged(path: Path, why: str, n_more: int = 0, todo: str = "") -> BackendUnavailable:
    more = f" (and {n_more} more like it)" if n_more else ""
    return BackendUnavailable(
        f"The weights in “{path}” are not those of a SAM-Audio model.",
        f"{why}{more}.",
        todo or "Download the model again, with the config.json that belongs to it.",
    )
