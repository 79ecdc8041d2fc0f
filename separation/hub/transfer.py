"""Downloads large files: in pieces, resumed where they broke off, and verified by checksum.

The connections are `huggingface_hub`'s: its proxies and certificates, its offline switch (`HF_HUB_OFFLINE`).
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from separation.errors import BackendUnavailable
from separation.formatted import size

BLOCK = 1 << 20
TIMEOUT_S = 30.0  # without a byte
REPORT_S = 0.1  # between two reports
PAUSES_S = (1.0, 2.0, 4.0, 8.0)  # before each new attempt, as long as no byte arrives
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
SPARE_BYTES = 100 << 20  # a disk filled to the last byte breaks other programs


class Interrupted(BackendUnavailable):
    """A connection broke off and retries failed; the received part is kept."""


class Busy(BackendUnavailable):
    """Another program, or another download of this one, is fetching the same file."""


def fetch(address: str, part: Path, n_bytes: int, headers: Mapping[str, str]) -> Generator[int, None, None]:
    """Append the missing rest of a file of `n_bytes` to `part`, yielding its length a few times a second.

    A broken connection is resumed where it broke. Closing the generator stops the download; `part` stays, and the next
    call continues from there.

    Raises:
        Interrupted: no byte arrived in several attempts.
        BackendUnavailable: the disk is full.
        HfHubHTTPError: the server refuses; `OfflineModeIsEnabled`: this program may not connect.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    n_failures = 0
    yield length(part)
    while (before := length(part)) < n_bytes:
        try:
            yield from _attempt(address, part, headers)
            failure = "the server closed the connection early"
        except Interrupted as broken:
            failure = broken.why
        done = length(part)
        if done >= n_bytes:
            break
        n_failures = 0 if done > before else n_failures + 1
        if n_failures > len(PAUSES_S):
            raise interrupted(done, n_bytes, failure)
        yield from pause(PAUSES_S[max(n_failures - 1, 0)], done)
    yield length(part)


def interrupted(done: int, n_bytes: int, failure: str) -> Interrupted:
    """Return the error of a download that no byte arrives of any more."""
    return Interrupted(
        "The download was interrupted.",
        f"After {done} of {n_bytes} bytes: {failure}.",
        "What arrived is kept: run it again to continue from there.",
    )


def size_of(address: str) -> int:
    """Return the size in bytes that the server states for an address.

    Raises:
        Exception: whatever the connection raises, or `KeyError` if the server does not say.
    """
    from huggingface_hub import get_session

    answer = get_session().head(address, follow_redirects=True, timeout=TIMEOUT_S)
    _raise_for_status(answer)
    return int(answer.headers["Content-Length"])


def verify(part: Path, name: str, n_bytes: int, checksum: str) -> Generator[None, None, None]:
    """Read a finished file and compare it with its checksum; a file that differs is deleted.

    Args:
        part: the file.
        name: what to call it in the error.
        n_bytes: its length.
        checksum: SHA-256 in hexadecimal, or the beginning of it; or, with 40 digits, git's SHA-1 of a blob.

    Raises:
        BackendUnavailable: it is not the published file.
    """
    found = yield from _checksum(part, n_bytes, git=len(checksum) == 40)
    if length(part) == n_bytes and found.startswith(checksum):
        return
    arrived = f"{length(part)} bytes with the checksum {found[: len(checksum)]}"
    part.unlink()
    raise BackendUnavailable(
        f"What arrived for {name} is not the published file, and was deleted.",
        f"It should be {n_bytes} bytes with the checksum {checksum}; it was {arrived}.",
        "Try again; if that does not help, something between you and the server changes downloads.",
    )


def has_checksum(file: Path, checksum: str) -> Generator[None, None, bool]:
    """Read a file; return whether it has this checksum, of the kinds that `verify` knows; yield after each block."""
    found = yield from _checksum(file, length(file), git=len(checksum) == 40)
    return found.startswith(checksum)


def make_room(folder: Path, n_bytes: int) -> None:
    """Make sure, before anything is fetched, that `n_bytes` fit on the disk of `folder`.

    Raises:
        BackendUnavailable: they do not.
    """
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    free_bytes = shutil.disk_usage(existing).free
    if n_bytes and n_bytes + SPARE_BYTES > free_bytes:
        raise BackendUnavailable(
            "There is not enough room for this download.",
            f"It needs {size(n_bytes)}, and the disk of {folder} has {size(free_bytes)} free.",
            "Make room, or keep models elsewhere (HF_HOME for those of the hub, TORCH_HOME for Demucs).",
        )


@contextlib.contextmanager
def only_here(lock: Path) -> Iterator[None]:
    """Hold a lock, so that two programs never write to one file.

    Raises:
        Busy: another program holds it.
    """
    from filelock import FileLock, Timeout  # comes with huggingface_hub, which locks the same files

    lock.parent.mkdir(parents=True, exist_ok=True)
    # A generator may be closed by another thread than the one that started it.
    holder = FileLock(lock, timeout=0, thread_local=False)
    try:
        holder.acquire()
    except Timeout as taken:
        raise Busy(
            "This file is being downloaded already.",
            f"Another program holds {lock}.",
            "Wait until it has finished, or stop it.",
        ) from taken
    try:
        yield
    finally:
        holder.release()


def length(path: Path) -> int:
    """Bytes of a file; 0 if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _attempt(address: str, part: Path, headers: Mapping[str, str]) -> Generator[int, None, None]:
    """Append the bytes of one connection to `part`, until it ends or breaks (`Interrupted`)."""
    start = length(part)
    ask = {**headers, "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    # Unbuffered: what counts as done is on the disk, and closing a file cannot fail for bytes still to be written.
    with opened(address, ask) as response, part.open("ab", buffering=0) as file:
        if start and response.status_code != 206:  # a server that knows no ranges sends the whole file again
            file.truncate(0)
        blocks = response.iter_bytes()
        reported_s = 0.0
        while block := next_block(blocks):
            write(file, block)
            if time.monotonic() - reported_s > REPORT_S:
                yield file.tell()
                reported_s = time.monotonic()


def write(file: FileIO, block: bytes) -> None:
    """Write all of a block; `BackendUnavailable` if the disk is full."""
    left = memoryview(block)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as full:
        raise BackendUnavailable(
            "The download could not be written.",
            f"The system says: {full.strerror}.",
            "What arrived is kept: make room and run it again to continue.",
        ) from full


@contextlib.contextmanager
def opened(address: str, headers: Mapping[str, str]) -> Iterator[Any]:
    """Open a connection; `Interrupted` if it breaks, or the server asks for patience."""
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    with contextlib.ExitStack() as stack:
        try:
            # It forgets the token where a redirect leads to another server.
            stream = get_session().stream("GET", address, headers=headers, follow_redirects=True, timeout=TIMEOUT_S)
            response = stack.enter_context(stream)
            _raise_for_status(response)
        except HfHubHTTPError as refused:
            if refused.response.status_code in TRANSIENT:
                raise Interrupted("", f"the server answered {refused.response.status_code}") from refused
            raise
        except OfflineModeIsEnabled:
            raise
        except Exception as broken:  # httpx's or its successor's own kinds, by version of huggingface_hub
            raise Interrupted("", _reason(broken)) from broken
        yield response


def _raise_for_status(response: Any) -> None:
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]  # re-exported lazily

    hf_raise_for_status(response)


def next_block(blocks: Iterator[bytes]) -> bytes:
    """Return the next bytes of a connection, b"" at its end; `Interrupted` if it breaks."""
    try:
        return next(blocks, b"")
    except Exception as broken:  # as in `opened`
        raise Interrupted("", _reason(broken)) from broken


def _reason(failure: Exception) -> str:
    return str(failure).rstrip(".") or type(failure).__name__


def pause(seconds: float, done: int) -> Generator[int, None, None]:
    """Wait in short steps, yielding `done` after each, so that a caller can stop meanwhile."""
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(left_s, 0.2))
        yield done


def _checksum(file: Path, n_bytes: int, *, git: bool) -> Generator[None, None, str]:
    """Return a file's SHA-256 in hexadecimal, or git's SHA-1 of a blob of `n_bytes`; yield after each block."""
    digest = hashlib.sha1(b"blob %d\0" % n_bytes, usedforsecurity=False) if git else hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(16 * BLOCK):
            digest.update(block)
            yield
    return digest.hexdigest()
