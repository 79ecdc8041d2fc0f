"""Compares downloaded weights with the checksums under which they were published, once for each version of a file.

Weights of which a bit has changed still load, and sound like something. What was compared is remembered in a small file
of the data folder: weights are read again when their size, time or inode has changed, and after a month, since rot
changes none of these.

Checksums are known of files in the hub's cache, which lie under theirs, of Demucs' files, whose names end with its
first digits, and of what this program has downloaded. Files that a person has put into a folder have none: these are
used as they are.
"""

from __future__ import annotations

import errno
import logging
import re
import time
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from separation.errors import Action, FileError, WeightsMissing
from separation.events import Event, EventStream, ModelLoading
from separation.hub import remembered, transfer

AGAIN_AFTER_S = 30 * 24 * 3600.0
MEMORY = "compared_weights.json"
CHECKSUM = "[0-9a-f]{64}|[0-9a-f]{40}"  # SHA-256 of large files, git's SHA-1 of small ones
IN_NAME = re.compile(r".+-([0-9a-f]{8,64})\.th")  # as Demucs' files are named: the beginning of the SHA-256
DAMAGED = "What is on the disk is not what was published"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """A version of a file, by size, time and inode, and what its last comparison found, at `when_s` since 1970."""

    checksum: str
    state: tuple[int, int, int]
    when_s: float
    whole: bool


def checksum_of(file: Path) -> str:
    """Return the checksum under which a file was published, or the beginning of it; "" if it is not known."""
    file = file.resolve()
    if file.parent.name == "blobs" and re.fullmatch(CHECKSUM, file.name):
        return file.name
    if in_name := IN_NAME.fullmatch(file.name):
        return in_name[1]
    known = _memory().get(str(file))
    return known.checksum if known else ""


def note(file: Path, checksum: str) -> None:
    """Remember a file that was compared with its checksum as it arrived."""
    _remember(file.resolve(), checksum, whole=True)


def is_damaged(file: Path) -> bool:
    """Whether the last comparison has found this version of a file damaged; reads only its state."""
    file = file.resolve()
    known = _memory().get(str(file))
    return known is not None and not known.whole and known.state == _state(file)


def compare(file: Path, model: str, *, again: bool = False) -> Generator[Event, None, bool | None]:
    """Return whether a file is what was published, None if nobody knows that; `ModelLoading` for each block it reads.

    Args:
        file: a file of weights.
        model: its name in the reports.
        again: read it even if this version was compared within the last month.
    """
    file = file.resolve()
    if not (checksum := checksum_of(file)):
        return None
    known = _memory().get(str(file))
    same = known is not None and known.state == _state(file) and known.checksum == checksum
    if known is not None and same and not again and 0 <= time.time() - known.when_s < AGAIN_AFTER_S:
        return known.whole
    whole = yield from _reads_as(file, checksum, model)
    _remember(file, checksum, whole=whole)
    return whole


def is_whole(file: Path, *, again: bool = False) -> bool:
    """Return `compare`'s answer; True also if nobody knows."""
    stream = EventStream(compare(file, file.name, again=again))
    for _ in stream:
        pass
    return stream.result is not False


def require_whole(files: Iterable[Path], model: str) -> Generator[Event, None, None]:
    """Compare files that are about to be loaded, yielding `ModelLoading` while they are read.

    Args:
        files: the weights of a model.
        model: its name in the catalogue and in the reports.

    Raises:
        WeightsMissing: one of them is damaged; named.
    """
    for file in files:
        if (yield from compare(file, model)) is False:
            raise damaged(file, model)


def damaged(file: Path, model: str) -> WeightsMissing:
    """Return the error that names a damaged file of a model of the catalogue."""
    what, why = f"The file {file.name} of {model} is damaged.", f"{DAMAGED} ({file})."
    return WeightsMissing(what, why, action=Action.download(model, again=True))


def _reads_as(file: Path, checksum: str, model: str) -> Generator[Event, None, bool]:
    steps = transfer.has_checksum(file, checksum)
    try:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return bool(end.value)
            yield ModelLoading(model=model)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return False  # a sector that cannot be read


def _remember(file: Path, checksum: str, *, whole: bool) -> None:
    """Note a comparison; forget files that are gone."""
    state = _state(file)
    if state is None:
        return
    kept = {path: known for path, known in _memory().items() if Path(path).exists()}
    kept[str(file)] = _Compared(checksum=checksum, state=state, when_s=time.time(), whole=whole)
    try:
        remembered.remember(MEMORY, {path: asdict(known) for path, known in kept.items()})
    except (OSError, FileError) as error:  # the next load compares it again
        log.info("that %s was compared cannot be remembered: %s", file, error)


def _memory() -> dict[str, _Compared]:
    try:
        return {
            path: _Compared(
                checksum=str(known["checksum"]),
                state=(int(known["state"][0]), int(known["state"][1]), int(known["state"][2])),
                when_s=float(known["when_s"]),
                whole=bool(known["whole"]),
            )
            for path, known in remembered.recall(MEMORY).items()
        }
    except (ValueError, LookupError, TypeError, AttributeError):  # it is damaged
        return {}


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns, about.st_ino
