"""Fetches single tensors of a published safetensors file into a file of their own.

The hub states the digest of whole files only. So every part has to come from one revision (`ranges`), the digest of
each tensor is recorded when it is first fetched, and from then on it has to be the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from separation.errors import BackendUnavailable
from separation.events import Event, ModelLoading
from separation.hub import account, cache, compared, digests, ranges, transfer
from separation.hub.cache import Source
from separation.hub.ranges import Remote
from separation.hub.tensor_table import LENGTH_BYTES, TensorEntry

# Published name of a tensor to its name here, chosen from the table of the published file.
Chosen = Mapping[str, str]


def fetch(
    source: Source, model: str, target: Path, choose: Callable[[Mapping[str, TensorEntry]], Chosen]
) -> Generator[Event, None, None]:
    """Fetch the tensors that `choose` names from the last file of a source, unless they are there; resumable.

    Args:
        source: a watched source.
        model: its name in the reports.
        target: the file to make; what arrives before it is whole lies beside it.
        choose: given all tensors of the file, returns those that are wanted; it may raise.

    Raises:
        WeightsMissing, BackendUnavailable: the errors of `cache.download`; a tensor differs from the one fetched first.
    """
    folder = target.parent
    with account.network_errors(source.repository, model, folder, gated=False):
        headers, (commit, files) = account.headers(model), cache.published(source)
        cache.check_digests(source, model, commit, files)
        remote = cache.remote(source, commit, next(file for file in files if file.name == source.needed[-1]))
        table = ranges.tensor_table(remote, headers)
        chosen = choose(table)
        names = sorted(chosen, key=lambda name: table[name].start)
        beginning = _beginning([(chosen[name], table[name]) for name in names])
        pieces = _joined([(table[name].start, table[name].stop) for name in names])
        total_bytes = len(beginning) + sum(stop - start for start, stop in pieces)
        part = folder / f"{remote.checksum}{cache.PARTIAL}"
        transfer.make_room(folder, total_bytes - transfer.length(part))
        with transfer.only_here(folder / f"{target.name}.lock"):
            for n_bytes in _filled(part, beginning, pieces, remote, headers):
                yield ModelLoading(model=model, done_bytes=n_bytes, total_bytes=total_bytes)
            lengths = {chosen[name]: table[name].stop - table[name].start for name in names}
            whole, each = _digests(part, len(beginning), lengths)
            yield ModelLoading(model=model, done_bytes=total_bytes, total_bytes=total_bytes)
            _check(source.repository, remote, each, part)
            part.replace(target)
        compared.note(target, whole)
        now = {file.name: file.checksum for file in files}
        digests.record(source.repository, commit, now | {_key(remote, name): digest for name, digest in each.items()})


def _filled(
    part: Path, beginning: bytes, pieces: Sequence[tuple[int, int]], remote: Remote, headers: Mapping[str, str]
) -> Generator[int, None, None]:
    """Append what is missing of a file to `part`, yielding its length; connections that break are resumed."""
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if transfer.length(part) < len(beginning):
        part.write_bytes(beginning)
    position = len(beginning)
    end_of_all = position + sum(stop - start for start, stop in pieces)
    for start, stop in pieces:
        end = position + stop - start
        n_failures = 0
        while (before := transfer.length(part)) < end:
            yield before
            try:
                with part.open("ab", buffering=0) as file:
                    for block in ranges.blocks(remote, start + before - position, stop, headers):
                        transfer.write(file, block)
                        yield file.tell()
                failure = "the server closed the connection early"
            except transfer.Interrupted as broken:
                failure = broken.why
            done = transfer.length(part)
            if done < end:
                n_failures = 0 if done > before else n_failures + 1
                if n_failures > len(transfer.PAUSES_S):
                    raise transfer.interrupted(done, end_of_all, failure)
                yield from transfer.pause(transfer.PAUSES_S[max(n_failures - 1, 0)], done)
        position = end
    yield transfer.length(part)


def _beginning(entries: Sequence[tuple[str, TensorEntry]]) -> bytes:
    """Return length and table of a safetensors file in which these tensors follow each other."""
    table, position = {}, 0
    for name, entry in entries:
        end = position + entry.stop - entry.start
        table[name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [position, end]}
        position = end
    written = json.dumps({"__metadata__": {"format": "pt"}, **table}).encode()
    written += b" " * (-len(written) % 8)  # values begin at a multiple of 8, as the format asks for
    return len(written).to_bytes(LENGTH_BYTES, "little") + written


def _joined(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return places in a file with those that touch as one, so that each is one request."""
    joined: list[tuple[int, int]] = []
    for start, stop in places:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        elif stop > start:
            joined.append((start, stop))
    return joined


def _digests(file: Path, start: int, lengths: Mapping[str, int]) -> tuple[str, dict[str, str]]:
    """Return the SHA-256 of a file, and of each of the tensors that follow each other in it from `start` on."""
    whole, each = hashlib.sha256(), {}
    with file.open("rb") as opened:
        whole.update(opened.read(start))
        for name, n_bytes in lengths.items():
            digest, left = hashlib.sha256(), n_bytes
            while left and (block := opened.read(min(left, transfer.BLOCK))):
                whole.update(block)
                digest.update(block)
                left -= len(block)
            each[name] = digest.hexdigest()
    return whole.hexdigest(), each


def _check(repository: str, remote: Remote, each: Mapping[str, str], part: Path) -> None:
    """Compare tensors with those that were first fetched of this very file."""
    if digests.digest_of(repository, remote.name) != remote.checksum:
        return  # another version, which a person has accepted
    for name, digest in each.items():
        if digests.digest_of(repository, _key(remote, name)) not in ("", digest):
            part.unlink()
            raise BackendUnavailable(
                f"What arrived for {remote.name} is not what was fetched first, and was deleted.",
                f"The tensor “{name}” differs, though the file is said to be the same.",
                "Try again; if that does not help, something between you and the server changes downloads.",
            )


def _key(remote: Remote, tensor: str) -> str:
    return f"{remote.name}#{tensor}"
