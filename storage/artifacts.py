"""The artifact store: finished work under content keys, with a size limit, over diskcache.

An artifact is a manifest and some files. Its files are moved in first and its manifest is written last, in one SQLite
transaction, so a reader sees all of it or nothing. Several threads and processes may share one store.
"""

from __future__ import annotations

import logging
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diskcache import Cache

from storage.disk import PlainDisk
from storage.errors import StorageError
from storage.keys import content_key, file_digest
from storage.manifest import Manifest, Output

DEFAULT_LIMIT_BYTES = 20 * 2**30
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """Something finished: its key, its manifest, and where its files lie.

    The paths stay valid until the artifact is removed or evicted; a file already open stays readable even then.
    """

    key: str
    manifest: Manifest
    files: Mapping[str, Path]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.manifest.name

    @property
    def info(self) -> Mapping[str, Any]:
        """What there is to know of the content."""
        return self.manifest.info


class ArtifactStore:
    """Finished work by content key.

    When a new artifact would pass `limit_bytes`, the artifacts that were not used for the longest time are evicted;
    pinned ones never are. Using means `get`; listing does not count.

    Args:
        folder: where everything lies; made if it is not there.
        limit_bytes: what all files together may take.
        version: of the program, for manifests.
    """

    def __init__(self, folder: Path, *, limit_bytes: int = DEFAULT_LIMIT_BYTES, version: str = "") -> None:
        self.limit_bytes = limit_bytes
        self._version = version
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Our own eviction below: diskcache's knows neither pins nor that an artifact's files belong together.
            self._cache = Cache(str(folder / "artifacts"), disk=PlainDisk, eviction_policy="none", size_limit=2**62)
        except OSError as error:
            raise StorageError(
                f"The store at {folder} cannot be opened.",
                f"The system says: {error.strerror or error}.",
                "Check that the folder may be written to and has room, or choose another.",
            ) from error
        self._scratch = folder / "scratch"

    def key(self, kind: str, **parts: Any) -> str:
        """The key of an artifact of `kind` made from `parts`; see `storage.keys`."""
        return content_key(kind, **parts)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the store's own disk for files in the making; gone afterwards."""
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)

    def put(
        self,
        key: str,
        *,
        kind: str,
        name: str,
        files: Mapping[str, Path],
        command: str = "",
        inputs: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Keep finished files under `key`. They are moved, not copied: make them in `scratch`.

        Raises:
            StorageError: the disk is full, or the files are larger than everything that may be evicted. Nothing of
                the new artifact remains, and what was there before is untouched.
        """
        self._make_room(sum(path.stat().st_size for path in files.values()))
        outputs: dict[str, Output] = {}
        try:
            for file_name, path in files.items():
                size_bytes, sha256 = path.stat().st_size, file_digest(path)
                entry = f"file:{key}:{file_name}:{uuid.uuid4().hex}"
                self._cache.set(entry, path, tag=key)
                outputs[file_name] = Output(size_bytes=size_bytes, sha256=sha256, entry=entry)
            manifest = Manifest(
                kind=kind,
                name=name,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                command=command,
                version=self._version,
                inputs=dict(inputs or {}),
                config=dict(config or {}),
                info=dict(info or {}),
                outputs=outputs,
            )
            replaced = self._manifest(key)
            with self._cache.transact():
                self._write_manifest(key, manifest)
                self._touch(key)
        except OSError as error:
            self._drop_files(outputs)
            raise StorageError(
                f"“{name}” could not be kept.",
                f"The system says: {error.strerror or error}.",
                "Make room on the disk, or remove results from the library.",
            ) from error
        if replaced:
            self._drop_files(replaced.outputs)
        return self._artifact(key, manifest)

    def get(self, key: str) -> Artifact | None:
        """The artifact under `key`, or None. Counts as a use."""
        manifest = self._manifest(key)
        if manifest is None:
            return None
        try:
            artifact = self._artifact(key, manifest)
        except (KeyError, OSError):
            log.warning("artifact %s lost a file and is dropped", key)
            self.remove(key)
            return None
        self._touch(key)
        return artifact

    def list(self, kind: str | None = None) -> list[Artifact]:
        """All artifacts, or those of one kind, newest first. Does not count as a use."""
        found = []
        for key in self._keys("manifest"):
            manifest = self._manifest(key)
            if manifest and kind in (None, manifest.kind):
                try:
                    found.append(self._artifact(key, manifest))
                except (KeyError, OSError):
                    continue  # removed by someone else meanwhile; `get` cleans up what is damaged
        return sorted(found, key=lambda artifact: artifact.manifest.created, reverse=True)

    def amend(self, key: str, manifest: Manifest) -> Artifact:
        """Replace the words of a manifest (its name, say); the files stay."""
        self._write_manifest(key, manifest)
        return self._artifact(key, manifest)

    def remove(self, key: str) -> bool:
        """Forget an artifact and delete its files; False if there was none."""
        manifest = self._manifest(key)
        with self._cache.transact():
            for entry in ("manifest", "used", "pin"):
                self._cache.delete(f"{entry}:{key}")
        if manifest:
            self._drop_files(manifest.outputs)
        return manifest is not None

    def pin(self, key: str, pinned: bool = True) -> None:
        """Protect an artifact from eviction, or stop protecting it."""
        if pinned:
            self._cache.set(f"pin:{key}", 1)
        else:
            self._cache.delete(f"pin:{key}")

    def pinned(self, key: str) -> bool:
        """Whether it is protected from eviction."""
        return f"pin:{key}" in self._cache

    def size_bytes(self) -> int:
        """What all artifacts take on disk."""
        return sum(manifest.size_bytes for key in self._keys("manifest") if (manifest := self._manifest(key)))

    def close(self) -> None:
        """Close this thread's connection to the index."""
        self._cache.close()

    def _make_room(self, needed_bytes: int) -> None:
        """Evict what was not used for the longest time until `needed_bytes` more stay within the limit."""
        sizes = {key: manifest.size_bytes for key in self._keys("manifest") if (manifest := self._manifest(key))}
        taken_bytes = sum(sizes.values())
        oldest_first = sorted(sizes, key=lambda key: self._cache.get(f"used:{key}", default=0.0))
        evictable = (key for key in oldest_first if not self.pinned(key))
        while taken_bytes + needed_bytes > self.limit_bytes and (key := next(evictable, None)):
            log.info("evicting %s, %d bytes", key, sizes[key])
            self.remove(key)
            taken_bytes -= sizes[key]
        if taken_bytes + needed_bytes <= self.limit_bytes:
            return
        raise StorageError(
            f"There is no room for {needed_bytes / 2**20:.1f} MB more.",
            f"The store may take {self.limit_bytes / 2**20:.0f} MB, and {taken_bytes / 2**20:.1f} MB of it are pinned.",
            "Raise the limit, or unpin results you no longer need.",
        )

    def _artifact(self, key: str, manifest: Manifest) -> Artifact:
        return Artifact(
            key=key,
            manifest=manifest,
            files={name: self._path(output.entry) for name, output in manifest.outputs.items()},
        )

    def _path(self, entry: str) -> Path:
        with self._cache.read(entry) as file:
            return Path(file.name)

    def _manifest(self, key: str) -> Manifest | None:
        text = self._cache.get(f"manifest:{key}")
        return None if text is None else Manifest.from_json(text)

    def _write_manifest(self, key: str, manifest: Manifest) -> None:
        self._cache.set(f"manifest:{key}", manifest.to_json(), tag=key)

    def _touch(self, key: str) -> None:
        self._cache.set(f"used:{key}", time.time())

    def _drop_files(self, outputs: Mapping[str, Output]) -> None:
        for output in outputs.values():
            self._cache.delete(output.entry)

    def _keys(self, prefix: str) -> Iterator[str]:
        for entry in list(self._cache.iterkeys()):
            if entry.startswith(f"{prefix}:"):
                yield entry.removeprefix(f"{prefix}:")
