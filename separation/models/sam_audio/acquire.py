"""Fetches a published SAM-Audio model from the first of its sources that gives it. Imports no framework."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from separation.errors import Action, PlaygroundError, WeightsMissing
from separation.events import Event, ModelLoading
from separation.hub import cache as hub
from separation.hub import token as hub_token
from separation.hub.account import NotPublished
from separation.hub.tensor_table import FLOATS, LENGTH_BYTES, TensorEntry, read_table, table_length
from separation.models.sam_audio import sources
from separation.models.sam_audio.checkpoint.names import has_codec, joined, match, not_a_model
from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.sources import CODEC_NAME, Publisher


def fetch(model: str, name: str) -> Generator[Event, None, None]:
    """Download a model, without its text encoder and without a codec that is apart, yielding `ModelLoading`.

    A source that has not let this computer in, or does not hold the model, is passed over for the next; any other
    failure ends the download, so that a damaged file or a broken connection is never answered with another file.

    Args:
        model: such as "small".
        name: what the reports call it.

    Raises:
        WeightsMissing: no source gives it.
        BackendUnavailable: a source cannot be reached, holds something else, or the disk is full.
    """
    refusals: list[PlaygroundError] = []
    tried = sources.publishers(model)
    for publisher in tried:
        if publisher.gated and hub_token.origin() is None and len(tried) > 1:
            continue
        try:
            yield from _fetch_from(publisher, model, name)
            return
        except (WeightsMissing, NotPublished) as refused:
            refusals.append(refused)
    if len(refusals) == 1:
        raise refusals[0]
    locked = next((refused for refused in refusals if isinstance(refused, WeightsMissing)), None)
    raise WeightsMissing(
        f"None of the sources gives SAM-Audio {model}.",
        " ".join(f"{refused.what} {refused.why}" for refused in refusals)
        or "None of those that publish it is among the sources that are tried.",
        "" if locked is None else locked.todo,
        action=Action.choose_sources() if locked is None else locked.action,
    )


def _fetch_from(publisher: Publisher, model: str, name: str) -> Generator[Event, None, None]:
    source = publisher.source(model)
    if any(file.endswith(".safetensors") for file in source.needed):
        yield ModelLoading(model=name)
        yield from _checked(source, name)
    yield from hub.download(source, name, gated=publisher.gated)


def _checked(source: hub.Source, name: str) -> Generator[Event, None, None]:
    """Fetch the configuration and the table of a file, and compare them, before the file itself is fetched.

    Raises:
        BackendUnavailable: a tensor is missing, unknown, of another shape or of another type; named.
    """
    config_name, weights = source.needed[0], source.needed[1:]
    tables = hub.tensor_tables(source, name)
    named = f"{source.repository}/{weights[0]}"
    _require_floats(tables, named)
    if not has_codec(tensor for table in tables.values() for tensor in table):
        tables |= _codec_tables()
    for _ in hub.download(replace(source, needed=(config_name,)), name):
        yield ModelLoading(model=name)  # a few bytes, of another total
    config = hub.cached(source.repository, config_name)
    assert config is not None  # it has just arrived
    match(parts(read_config(config)), joined(tables, named), named)


def _codec_tables() -> dict[str, dict[str, TensorEntry]]:
    """Return the codec's table, from this computer if it is here."""
    if (snapshot := hub.find_snapshot(sources.CODEC)) is None:
        return hub.tensor_tables(sources.CODEC, CODEC_NAME)
    return {name: _table(snapshot / name) for name in sources.CODEC.needed}


def _table(file: Path) -> dict[str, TensorEntry]:
    n_bytes = file.stat().st_size
    with file.open("rb") as opened:
        return read_table(opened.read(table_length(opened.read(LENGTH_BYTES), n_bytes)), n_bytes)


def _require_floats(tables: dict[str, dict[str, TensorEntry]], named: str) -> None:
    for table in tables.values():
        for name, entry in table.items():
            if entry.dtype not in FLOATS:
                raise not_a_model(named, f"The tensor “{name}” holds {entry.dtype}: quantised weights are not read")
