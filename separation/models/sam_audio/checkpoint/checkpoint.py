"""Loads checkpoint files into a network: all names and shapes are checked first, then parts are read one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from separation.models.sam_audio.checkpoint.files import CheckpointFiles
from separation.models.sam_audio.checkpoint.names import joined, match, not_a_model
from separation.models.sam_audio.checkpoint.stored import ParameterSource
from separation.models.sam_audio.checkpoint.tensor_files import DAMAGE, Place, places
from separation.models.sam_audio.pytorch.int8 import Int8Linear


def fill(
    network: nn.Module,
    parts: Sequence[ParameterSource],
    files: CheckpointFiles,
    device: torch.device,
    dtypes: Mapping[str, Any],
    int8: re.Pattern[str] | None = None,
) -> None:
    """Give every parameter of `network`, built on the meta device, its values.

    Memory holds the parameters loaded so far and the stored tensors of one part.

    Args:
        network: the module whose parameters `parts` name.
        parts: one for each parameter.
        files: that hold the tensors.
        device: where the parameters go.
        dtypes: precision by the first word of the parameter's name.
        int8: linear layers without bias whose weights' names match become `Int8Linear`.

    Raises:
        BackendUnavailable: a file is damaged, or a tensor is missing, unknown, or of another shape; named.
    """
    empty = dict(network.named_parameters())
    assert empty.keys() == {part.parameter for part in parts}
    tensors = _Tensors(parts, files)
    # All that is kept is allocated before anything is read: memory taken in turns is left full of holes, a third of it.
    for name, parameter in empty.items():
        owner, _, leaf = name.rpartition(".")
        if int8 is not None and int8.search(name):
            network.set_submodule(owner, Int8Linear(*parameter.shape))
        else:
            values = torch.empty(parameter.shape, dtype=dtypes[name.split(".")[0]], device=device)
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

    def __init__(self, parts: Sequence[ParameterSource], files: CheckpointFiles) -> None:
        found = joined({str(file): _places(file) for file in files.weights}, files.named)
        matched = match(parts, found, files.named)
        self._channels_last = matched.channels_last
        self._places = {stored: found[name] for stored, name in matched.names.items()}
        for name in matched.names.values():
            if not found[name].dtype.is_floating_point:
                why = f"The tensor “{name}” holds {found[name].dtype}: quantised weights are not read"
                raise not_a_model(str(found[name].file), why)
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
                raise not_a_model(
                    str(place.file), f"The tensor “{stored.names[0]}” cannot be read: {damage}"
                ) from damage
            if stored.axes is not None and self._channels_last:
                back = sorted(range(3), key=stored.axes.__getitem__)
                tensor = tensor.permute(
                    back
                ).contiguous()  # sums come out the same, to the last bit, from either layout
            sources.append(tensor)
            start += place.room
        return sources


def _places(file: Path) -> dict[str, Place]:
    try:
        return places(file)
    except DAMAGE as damage:
        kind = "safetensors file" if file.suffix == ".safetensors" else "PyTorch checkpoint"
        raise not_a_model(str(file), f"It is not a whole {kind}: {damage}") from damage
