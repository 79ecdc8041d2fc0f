"""Downloads published Demucs weights, only on request, and deletes them.

The files come from the server that Demucs' own list names and go to the torch hub cache, where every version of Demucs
looks for them. Each name contains the beginning of the file's SHA-256, which has to agree.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from separation.errors import BackendUnavailable, PlaygroundError
from separation.events import Event, ModelLoading
from separation.hub import cache as hub
from separation.hub import transfer
from separation.models.demucs import weights as demucs_weights
from separation.models.demucs.weights import LEGACY_ROOT_URL, torch_hub_folder


def fetch(model: str, *, root_url: str = LEGACY_ROOT_URL) -> Generator[Event, None, None]:
    """Download the missing files of a published model, reporting bytes over the whole model.

    Closing the generator stops the download; what arrived of a file is kept, and the next call goes on from there.

    Args:
        model: a published name or signature.
        root_url: the server's folder; another one holds a mirror.

    Raises:
        SettingsError: there is no such model.
        BackendUnavailable: the server cannot be reached, or sent something else than the published file, or the disk
            is full.
    """
    missing = demucs_weights.find_demucs(model).missing
    addresses = [root_url + demucs_weights.published_files()[signature] for signature in missing]
    yield ModelLoading(model=model)
    sizes = {address: _size_of(address) for address in addresses}
    folder, total_bytes, done_bytes = torch_hub_folder(), sum(sizes.values()), 0
    transfer.make_room(folder, total_bytes - sum(transfer.length(_part(folder / _name(it))) for it in addresses))
    for address, n_bytes in sizes.items():
        path = folder / _name(address)
        with transfer.only_here(folder / ".locks" / f"{path.name}.lock"):
            try:
                for arrived in transfer.fetch(address, _part(path), n_bytes, {}):
                    yield ModelLoading(model=model, done_bytes=done_bytes + arrived, total_bytes=total_bytes)
            except PlaygroundError:
                raise
            except OSError as refused:  # huggingface_hub's, whose connections these are
                raise _unreachable(address, refused) from refused
            for _ in transfer.verify(_part(path), path.name, n_bytes, path.stem.rsplit("-", 1)[1]):
                yield ModelLoading(model=model, done_bytes=done_bytes + n_bytes, total_bytes=total_bytes)
            _part(path).replace(path)
        done_bytes += n_bytes


def on_disk(model: str) -> int:
    """Return the bytes that a published model takes up on this computer, half-finished downloads included."""
    return hub.on_disk(demucs_weights.hub_repository(model)) + sum(map(transfer.length, _files_of(model)))


def files_here(model: str) -> tuple[Path, ...]:
    """Return the whole files of a published model in either cache, damaged or not."""
    signatures = dict.fromkeys(demucs_weights.find_demucs(model).bag.signatures)
    source = hub.Source(
        repository=demucs_weights.hub_repository(model), needed=tuple(f"{one}.safetensors" for one in signatures)
    )
    return (
        *hub.files_in_cache(source),
        *(file for file in _files_of(model) if file.suffix == ".th" and file.is_file()),
    )


def remove(model: str) -> int:
    """Delete a published model from both caches, half-finished downloads too; returns the bytes freed."""
    n_bytes = sum(map(transfer.length, _files_of(model)))
    for path in _files_of(model):
        path.unlink(missing_ok=True)
    return n_bytes + hub.remove(demucs_weights.hub_repository(model))


def _files_of(model: str) -> list[Path]:
    """Return the paths of a model's files in the torch hub cache, finished or not, whether or not they exist."""
    signatures = dict.fromkeys(demucs_weights.find_demucs(model).bag.signatures)
    paths = [torch_hub_folder() / _name(demucs_weights.published_files()[signature]) for signature in signatures]
    return [file for path in paths for file in (path, _part(path))]


def _name(address: str) -> str:
    return address.rsplit("/", 1)[-1]


def _part(path: Path) -> Path:
    return path.with_suffix(".part")


def _size_of(address: str) -> int:
    try:
        return transfer.size_of(address)
    except Exception as failure:  # httpx's or its successor's own kinds, by version of huggingface_hub
        raise _unreachable(address, failure) from failure


def _unreachable(address: str, failure: Exception) -> BackendUnavailable:
    reason = (str(failure).splitlines() or [type(failure).__name__])[0].rstrip(".")
    return BackendUnavailable(
        "The Demucs weights could not be downloaded.",
        f"{address} did not answer as it should ({reason}).",
        f"Connect to the internet and try again, or copy the files from another computer into {torch_hub_folder()}.",
    )
