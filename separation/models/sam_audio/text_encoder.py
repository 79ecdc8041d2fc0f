"""The text encoder of SAM-Audio on this computer and on the hub: T5's encoder without its decoder.

The published file holds both, and more than half of it is never read. Imports no framework.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from separation.errors import BackendUnavailable
from separation.events import Event, ModelLoading
from separation.hub import cache as hub
from separation.hub import compared, remembered, tensors
from separation.hub.tensor_table import FLOATS, TensorEntry

# The encoder that the published models name.
PUBLISHED = hub.Source(
    repository="t5-base",
    needed=("config.json", "tokenizer.json", "model.safetensors"),
    also=("tokenizer_config.json", "special_tokens_map.json", "spiece.model", "generation_config.json"),
    watched=True,
)
NAME = PUBLISHED.repository
SIZE_GB = 0.44  # of the encoder; 0.89 with the decoder
WEIGHTS = "model.safetensors"
EMBEDDING = "shared.weight"
ALSO_EMBEDDING = "encoder.embed_tokens.weight"  # as files without a decoder call it


def own_folder() -> Path:
    """Return where this program keeps the encoder; other programs would take it for a damaged T5."""
    return remembered.place("models") / f"{NAME}-encoder"


def find(name: str, beside: Path | None = None) -> Path | None:
    """Return the folder of a text encoder with weights and tokenizer, none of them found damaged; or None.

    Args:
        name: as a model's configuration has it.
        beside: the folder of that configuration, which may hold it; None if there is none.
    """
    if beside is not None and (beside / name).is_dir():
        return beside / name
    if name == NAME and _is_whole(own_folder()):
        return own_folder()
    folder = hub.snapshot(name)
    # Another program may have fetched other formats of it than we would.
    weights = any(hub.cached(name, file) for file in (WEIGHTS, "pytorch_model.bin"))
    tokenizer = any(hub.cached(name, file) for file in ("tokenizer.json", "spiece.model"))
    return folder if weights and tokenizer and hub.cached(name, "config.json") is not None else None


def files_of(name: str, beside: Path) -> tuple[Path, ...]:
    """Return the files of an encoder that can be compared with what was published; none of one beside the model."""
    folder = find(name, beside)
    if folder is None or folder == beside / name:
        return ()
    return files_in(folder)


def files_in(folder: Path) -> tuple[Path, ...]:
    """Return the files of an encoder's folder, damaged or not."""
    known = (*PUBLISHED.needed, *PUBLISHED.also, "pytorch_model.bin")
    return tuple(file for name in sorted(known) if (file := folder / name).is_file())


def damaged(name: str) -> tuple[Path, ...]:
    """Return the files of an encoder that were found damaged."""
    own = files_in(own_folder()) if name == NAME else ()
    return (*filter(compared.is_damaged, own), *hub.damaged_files(name))


def fetch() -> Generator[Event, None, None]:
    """Download the published encoder, yielding `ModelLoading`; raises the errors of `hub.cache.download`."""
    folder = own_folder()
    described = replace(PUBLISHED, needed=PUBLISHED.needed[:-1])
    for _ in hub.download(described, NAME):
        yield ModelLoading(model=NAME)  # two small files, of another total
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in hub.files_in_cache(described):
        shutil.copyfile(file, folder / file.name)
        compared.note(folder / file.name, compared.checksum_of(file))
    t5 = json.loads((folder / "config.json").read_bytes())
    if not (folder / WEIGHTS).is_file() or compared.is_damaged(folder / WEIGHTS):
        yield from tensors.fetch(PUBLISHED, NAME, folder / WEIGHTS, lambda table: _chosen(table, t5))


def bytes_here() -> int:
    """Return the bytes that the published encoder takes up on this computer, finished or not."""
    own = own_folder().iterdir() if own_folder().is_dir() else ()
    return hub.on_disk(NAME) + sum(file.stat().st_size for file in own if file.is_file())


def remove() -> int:
    """Delete the published encoder from this computer, for other programs too; returns the bytes freed."""
    n_bytes = bytes_here()
    hub.remove(NAME)
    shutil.rmtree(own_folder(), ignore_errors=True)
    return n_bytes - bytes_here()


def shapes(t5: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return all tensors of a T5 encoder by name, with the shapes that its configuration leads to.

    Raises:
        KeyError, TypeError: it is not the configuration of a T5.
    """
    dim, inner, hidden = int(t5["d_model"]), int(t5["d_kv"]) * int(t5["num_heads"]), int(t5["d_ff"])
    gated = str(t5.get("feed_forward_proj", "relu")).startswith("gated-")
    found: dict[str, tuple[int, ...]] = {EMBEDDING: (int(t5["vocab_size"]), dim)}
    for block in range(int(t5["num_layers"])):
        attention, forward = f"encoder.block.{block}.layer.0", f"encoder.block.{block}.layer.1"
        for matrix in "qkv":
            found[f"{attention}.SelfAttention.{matrix}.weight"] = (inner, dim)
        found[f"{attention}.SelfAttention.o.weight"] = (dim, inner)
        if block == 0:
            buckets = int(t5.get("relative_attention_num_buckets", 32))
            found[f"{attention}.SelfAttention.relative_attention_bias.weight"] = (buckets, int(t5["num_heads"]))
        found[f"{attention}.layer_norm.weight"] = found[f"{forward}.layer_norm.weight"] = (dim,)
        for matrix in ("wi_0", "wi_1") if gated else ("wi",):
            found[f"{forward}.DenseReluDense.{matrix}.weight"] = (hidden, dim)
        found[f"{forward}.DenseReluDense.wo.weight"] = (dim, hidden)
    found["encoder.final_layer_norm.weight"] = (dim,)
    return found


def _chosen(table: Mapping[str, TensorEntry], t5: Mapping[str, Any]) -> tensors.Chosen:
    """Return the published tensors of the encoder with their names here.

    Raises:
        BackendUnavailable: one is missing, or of another shape or type; named.
    """
    try:
        wanted = shapes(t5)
    except (LookupError, TypeError, ValueError, AttributeError) as unknown:
        raise _another(f"Its config.json is not that of a T5 ({type(unknown).__name__}: {unknown})") from unknown
    chosen = {}
    for name, shape in wanted.items():
        there = name if name in table or name != EMBEDDING else ALSO_EMBEDDING
        if there not in table:
            raise _another(f"The tensor “{name}” is missing")
        entry = table[there]
        if entry.shape != shape:
            raise _another(f"The tensor “{name}” has the shape {entry.shape} where config.json asks for {shape}")
        if entry.dtype not in FLOATS:
            raise _another(f"The tensor “{name}” holds {entry.dtype}")
        chosen[there] = name
    return chosen


def _another(why: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"What {NAME} publishes is not the text encoder of SAM-Audio.",
        f"{why}.",
        "It was not fetched. A newer version of this program may know where it went.",
    )


def _is_whole(folder: Path) -> bool:
    files = (folder / name for name in PUBLISHED.needed)
    return all(file.is_file() and not compared.is_damaged(file) for file in files)
