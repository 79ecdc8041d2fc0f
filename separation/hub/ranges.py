"""Fetches parts of large files by HTTP ranges, each of which has to come from the same version of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from separation.errors import BackendUnavailable
from separation.hub import transfer
from separation.hub.tensor_table import LENGTH_BYTES, TensorEntry, read_table, table_length


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A published file: where it is, its length, and the commit and checksum that every answer has to state."""

    name: str
    address: str
    n_bytes: int
    commit: str
    checksum: str


def tensor_table(remote: Remote, headers: Mapping[str, str]) -> dict[str, TensorEntry]:
    """Return the table of a safetensors file, fetching nothing else of it.

    Raises:
        BackendUnavailable: it has none, or the server does not send parts of files.
        Interrupted: the connection broke several times.
    """
    try:
        length = table_length(read(remote, 0, LENGTH_BYTES, headers), remote.n_bytes)
        return read_table(read(remote, LENGTH_BYTES, LENGTH_BYTES + length, headers), remote.n_bytes)
    except (ValueError, LookupError, TypeError, AttributeError) as damage:
        raise BackendUnavailable(
            f"{remote.name} is not fetched.",
            f"It is no safetensors file that can be read here: {damage}.",
            "Choose another source of this model.",
        ) from damage


def read(remote: Remote, start: int, stop: int, headers: Mapping[str, str]) -> bytes:
    """Return the bytes `start` to `stop` of a file; raise the errors of `tensor_table`."""
    content = bytearray()
    for pause_s in (*transfer.PAUSES_S, None):
        try:
            for block in blocks(remote, start + len(content), stop, headers):
                content += block
            if len(content) >= stop - start:
                return bytes(content)
        except transfer.Interrupted:
            if pause_s is None:
                raise
        for _ in transfer.pause(pause_s or 0.0, 0):
            pass
    raise transfer.Interrupted(
        f"{remote.name} was not read.", "The server closes the connection early.", "Try again later."
    )


def blocks(remote: Remote, start: int, stop: int, headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the bytes `start` to `stop` of a file as one connection gives them, which may be fewer.

    Raises:
        BackendUnavailable: the server sends another version of the file, or no parts of files.
        Interrupted: the connection broke.
    """
    ask = {**headers, "Accept-Encoding": "identity", "Range": f"bytes={start}-{stop - 1}"}
    with transfer.opened(remote.address, ask) as response:
        _require_same(remote, response, start, stop)
        arriving, left = response.iter_bytes(), stop - start
        while left and (block := transfer.next_block(arriving)):
            yield block[:left]
            left -= len(block[:left])


def _require_same(remote: Remote, response: Any, start: int, stop: int) -> None:
    """Raise unless the answer is this part of this version of the file."""
    said = response.headers.get("Content-Range", "")
    if response.status_code != 206 or said != f"bytes {start}-{stop - 1}/{remote.n_bytes}":
        raise BackendUnavailable(
            f"{remote.name} cannot be fetched in parts.",
            f"The server answered {response.status_code} with the range “{said}”.",
            "If HF_ENDPOINT names a mirror, try without it.",
        )
    answers = (*response.history, response)  # the hub says it before it redirects to its storage
    commits = {answer.headers["X-Repo-Commit"] for answer in answers if "X-Repo-Commit" in answer.headers}
    etags = {answer.headers["X-Linked-Etag"].strip('W/"') for answer in answers if "X-Linked-Etag" in answer.headers}
    if commits - {remote.commit} or etags - {remote.checksum}:
        raise BackendUnavailable(
            f"{remote.name} has changed while it was fetched.",
            f"Its revision is now {', '.join(sorted(commits)) or 'unknown'}.",
            "Try again: what arrived of the old one is not used.",
        )
