"""Compares the tensors of files with those that the configuration asks for: names and shapes, before a value is read.

No framework is imported: the table of a file is checked so before the file is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from separation.errors import BackendUnavailable
from separation.models.sam_audio.checkpoint.stored import UNUSED, ParameterSource, StoredTensor

CODEC = "audio_codec."
# The first words of the codec's tensors, where a file holds the codec alone and leaves its name out.
OF_CODEC = re.compile(r"(encoder|decoder|quantizer|quantizer_in_proj|quantizer_out_proj)\.")


class Shaped(Protocol):
    """What is known of a tensor before it is read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in the file."""


Tensor = TypeVar("Tensor", bound=Shaped)


@dataclass(frozen=True, slots=True)
class MatchedTensors:
    """The tensors that a network is made of, by what they are called in the files, and the order of their axes."""

    names: Mapping[StoredTensor, str]
    channels_last: bool


def joined(tables: Mapping[str, Mapping[str, Tensor]], named: str) -> dict[str, Tensor]:
    """Return the tensors of several files by official name; the codec's may lack the prefix “audio_codec.”.

    Args:
        tables: name of a file to its tensors.
        named: what errors call the files together.

    Raises:
        BackendUnavailable: a tensor is there twice; named.
    """
    found: dict[str, Tensor] = {}
    place: dict[str, str] = {}
    for file, table in tables.items():
        for written, tensor in table.items():
            name = f"{CODEC}{written}" if OF_CODEC.match(written) else written
            if name in found:
                where = f"also in {Path(place[name]).name}" if place[name] != file else "there a second time"
                raise not_a_model(named, f"The tensor “{written}” is {where}")
            found[name], place[name] = tensor, file
    return found


def has_codec(names: Iterable[str]) -> bool:
    """Whether a file with tensors of these names holds the codec, with or without its prefix."""
    return any(name.startswith(CODEC) or OF_CODEC.match(name) for name in names)


def match(parts: Iterable[ParameterSource], found: Mapping[str, Shaped], named: str) -> MatchedTensors:
    """Find every tensor of `parts` among those of the files.

    Raises:
        BackendUnavailable: one is missing, unknown, or of another shape; named.
    """
    names = {stored: _name(stored, found, named) for part in parts for stored in part.sources}
    if unknown := sorted(found.keys() - set(names.values()) - {name for name in found if UNUSED.match(name)}):
        raise not_a_model(named, f"It holds a tensor “{unknown[0]}” this network does not know", len(unknown) - 1)
    return MatchedTensors(names, _is_channels_last(names, found, named))


def not_a_model(named: str, why: str, n_more: int = 0, todo: str = "") -> BackendUnavailable:
    """Return the error for files that are not those of a SAM-Audio model."""
    more = f" (and {n_more} more like it)" if n_more else ""
    return BackendUnavailable(
        f"The weights in “{named}” are not those of a SAM-Audio model.",
        f"{why}{more}.",
        todo or "Download the model again, with the config.json that belongs to it.",
    )


def _name(stored: StoredTensor, found: Mapping[str, Shaped], named: str) -> str:
    """The name under which the files have this tensor."""
    present = [name for name in stored.names if name in found]
    if not present:
        alias = f" (in conversions “{stored.names[1]}”)" if len(stored.names) > 1 else ""
        dropped = stored.names[0].startswith("align_masked_video.")
        raise not_a_model(
            named,
            f"The tensor “{stored.names[0]}”{alias} is missing",
            todo="Some conversions leave the video path out, which changes every result; official weights have it."
            if dropped
            else "",
        )
    if len(present) > 1:
        raise not_a_model(named, f"The tensor “{present[0]}” is there a second time, as “{present[1]}”")
    return present[0]


def _is_channels_last(names: Mapping[StoredTensor, str], found: Mapping[str, Shaped], named: str) -> bool:
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
    raise not_a_model(
        named,
        f"The tensor “{name}” has the shape {found[name].shape} where config.json asks for "
        f"{_shape(stored, fewest is wrong)}",
        len(fewest) - 1,
    )


def _shape(stored: StoredTensor, channels_last: bool) -> tuple[int, ...]:
    return stored.channels_last_shape if channels_last else stored.shape
