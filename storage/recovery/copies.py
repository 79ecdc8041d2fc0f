"""A copy of each entry of the index, as a file beside those of the artifact: what an index is rebuilt from.

Copies are never read while the index is whole. One that cannot be written is left to the next sweep.
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

SUFFIX, IN_THE_MAKING = ".json", ".json-new"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """What the index holds of an artifact: its key, its manifest as JSON, its pin, and since when it is in the trash.

    Times are in seconds since 1970. `used_s` is the time of the file.
    """

    key: str
    manifest: str
    pinned: bool = False
    trashed_s: float = 0.0
    used_s: float = 0.0


class Copies:
    """The copies in the folder of an index; all methods may be called by any number of processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, key: str) -> Path:
        """Return the path of the copy of an artifact, whether or not it exists."""
        digest = sha256(f"manifest:{key}".encode()).hexdigest()[:32]
        return self._folder / digest[:2] / digest[2:4] / f"{digest[4:]}{SUFFIX}"

    def write(self, copy: Copy) -> None:
        """Write or replace a copy; say so in the log if that is not possible."""
        path = self.path_of(copy.key)
        text = {"key": copy.key, "pinned": copy.pinned, "trashed_s": copy.trashed_s, "manifest": copy.manifest}
        made = path.with_name(f"{uuid.uuid4().hex}{IN_THE_MAKING}")
        try:
            for folder in (path.parent.parent, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(text, file, ensure_ascii=False)
            os.utime(made, (copy.used_s, copy.used_s))
            made.replace(path)
        except OSError as error:
            log.info("the manifest of %s is not copied: %s", copy.key, error)
            with suppress(OSError):
                made.unlink(missing_ok=True)

    def use(self, key: str, when_s: float) -> None:
        """Note a use, in seconds since 1970."""
        with suppress(OSError):  # there is none, or the disk can only be read
            os.utime(self.path_of(key), (when_s, when_s))

    def remove(self, key: str) -> None:
        """Delete a copy, if there is one."""
        with suppress(OSError):
            self.path_of(key).unlink(missing_ok=True)

    def read(self, path: Path) -> Copy | None:
        """Return the copy in a file; None if it is damaged or gone."""
        try:
            values = json.loads(path.read_text("utf-8"))
            copy = Copy(
                key=str(values["key"]),
                manifest=str(values["manifest"]),
                pinned=bool(values["pinned"]),
                trashed_s=float(values["trashed_s"]),
                used_s=path.stat().st_mtime,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.info("the copy %s is passed over: %s", path, error)
            return None
        return copy if path == self.path_of(copy.key) else None

    def others(self, keys: Collection[str]) -> Iterator[Path]:
        """Yield the paths of all copies but those of these keys."""
        known = {self.path_of(key) for key in keys}
        for parent, _, names in os.walk(self._folder):
            for name in names:
                path = Path(parent, name)
                if path.suffix == SUFFIX and path not in known:
                    yield path

    def sweep(self, min_age_s: float) -> None:
        """Delete what killed processes left half-written, if it is so old."""
        for parent, _, names in os.walk(self._folder):
            for path in (Path(parent, name) for name in names if name.endswith(IN_THE_MAKING)):
                with suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime >= min_age_s:
                        path.unlink()
