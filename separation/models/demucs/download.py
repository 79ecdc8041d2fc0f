"""Fetching published Demucs weights, only ever when a person asked for it.

The files come from the server that Demucs' own list names and go where every version of Demucs looks for them, the
torch hub cache. Each name carries the beginning of its SHA-256, and nothing is kept that does not agree with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

from separation.errors import BackendUnavailable
from separation.events import Event, ModelLoading
from separation.models.demucs import weights as demucs_weights
from separation.models.demucs.weights import LEGACY_ROOT_URL

BLOCK = 1 << 18
TIMEOUT_S = 30.0  # without a byte


def fetch(model: str, *, root_url: str = LEGACY_ROOT_URL) -> Generator[Event, None, None]:
    """Download what is missing of a published model, reporting bytes over the whole model.

    Closing the generator stops the download and leaves nothing half-made behind.

    Args:
        model: a published name or signature.
        root_url: the server's folder; another one holds a mirror.

    Raises:
        SettingsError: there is no such model.
        BackendUnavailable: the server cannot be reached, or sent something else than the published file.
    """
    missing = demucs_weights.find(model).missing
    addresses = [root_url + demucs_weights.published_files()[signature] for signature in missing]
    yield ModelLoading(model=model)
    total_bytes = sum(_size_of(address) for address in addresses)
    done_bytes = 0
    for address in addresses:
        for n_bytes in _download(address, demucs_weights.torch_hub_folder() / address.rsplit("/", 1)[1]):
            done_bytes += n_bytes
            yield ModelLoading(model=model, done_bytes=done_bytes, total_bytes=max(total_bytes, done_bytes))


def _download(address: str, path: Path) -> Generator[int, None, None]:
    """Stream one file to its place, yielding the bytes of each block; the name's checksum decides if it is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    digest = hashlib.sha256()
    try:
        with _opened(address) as answer, part.open("wb") as file:
            while block := _read(answer, address):
                file.write(block)
                digest.update(block)
                yield len(block)
        checksum = path.stem.rsplit("-", 1)[1]
        if not digest.hexdigest().startswith(checksum):
            raise BackendUnavailable(
                f"What arrived for {path.name} is not the published file.",
                f"Its SHA-256 should begin with {checksum} and begins with {digest.hexdigest()[:8]}.",
                "Try again; if that does not help, something between you and the server changes downloads.",
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _Answer(Protocol):
    def read(self, n_bytes: int) -> bytes: ...


@contextlib.contextmanager
def _opened(address: str, method: str = "GET") -> Generator[http.client.HTTPResponse, None, None]:
    # Only the published list's server or the mirror a person named is ever asked, and the checksum decides.
    request = urllib.request.Request(address, method=method)  # noqa: S310 - see above
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - see above
    except (OSError, http.client.HTTPException) as failure:
        raise _unreachable(address, failure) from failure
    with answer:
        yield answer


def _read(answer: _Answer, address: str) -> bytes:
    try:
        return answer.read(BLOCK)
    except (OSError, http.client.HTTPException) as failure:
        raise _unreachable(address, failure) from failure


def _size_of(address: str) -> int:
    with _opened(address, "HEAD") as answer:
        return int(answer.headers.get("Content-Length", 0))


def _unreachable(address: str, failure: Exception) -> BackendUnavailable:
    reason = failure.reason if isinstance(failure, urllib.error.URLError) else failure
    return BackendUnavailable(
        "The Demucs weights could not be downloaded.",
        f"{address} did not answer as it should ({reason}).",
        "Connect to the internet and try again, or copy the files from another computer into "
        f"{demucs_weights.torch_hub_folder()}.",
    )
