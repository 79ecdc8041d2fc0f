"""The artifact store: finished work under content keys, with a size limit, over diskcache.

An artifact is a manifest and some files. Its files are moved in first and its manifest is written last, in one SQLite
transaction together with the evictions it needs: a reader sees all of it or nothing, and the size limit holds however
many threads and processes share one store.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diskcache import Cache

from storage.disk import PlainDisk
from storage.errors import StorageError, system_errors
from storage.keys import content_key, file_digest
from storage.leftovers import ABANDONED_AFTER_S, hold, living_folder, sweep_files, sweep_scratch
from storage.manifest import Manifest, Output

DEFAULT_LIMIT_BYTES = 20 * 2**30
# Kinds that cost only their recomputation.
FIRST_TO_GO = frozenset({"chunk"})
ROOM = "Check that the folder may be written to and has room, or choose another."
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

    When a new artifact would pass `limit_bytes`, the artifacts that were not used for the longest time are evicted,
    those of a kind in `FIRST_TO_GO` before all others; pinned ones never are. Using means `get`; listing
    does not count.

    Args:
        folder: where everything lies; made if it is not there.
        limit_bytes: what all files together may take.
        version: of the program, for manifests.
        scratch: where files in the making lie; beside the artifacts unless given, so that keeping them is a rename.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        version: str = "",
        scratch: Path | None = None,
    ) -> None:
        self.limit_bytes = limit_bytes
        self._version = version
        self._scratch = scratch or folder / "scratch"
        self._swept = False
        with system_errors(f"The store at {folder} cannot be opened.", ROOM):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._cache = Cache(
                str(folder / "artifacts"),
                disk=PlainDisk,
                disk_min_file_size=2**30,  # text stays in the index, where transactions hold
                # Our own eviction below: diskcache's knows neither pins nor that an artifact's files belong together.
                eviction_policy="none",
                size_limit=2**62,
            )

    def key(self, kind: str, **parts: Any) -> str:
        """The key of an artifact of `kind` made from `parts`; see `storage.keys`."""
        return content_key(kind, **parts)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for files in the making; gone afterwards.

        Raises:
            StorageError: it cannot be made.
        """
        with ExitStack() as made:
            with system_errors("There is no place for files in the making.", ROOM):
                self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder = made.enter_context(living_folder(self._scratch))
            yield folder

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
        self._sweep_once()
        outputs: dict[str, Output] = {}
        with (
            system_errors(f"“{name}” could not be kept.", "Make room on the disk, or remove results from the library."),
            # While files are here that no manifest names yet, no `sweep` may take them for left behind.
            hold(Path(self._cache.directory), shared=True, wait=True),
        ):
            try:
                for file_name, path in files.items():
                    entry = f"file:{key}:{file_name}:{uuid.uuid4().hex}"
                    outputs[file_name] = Output(size_bytes=path.stat().st_size, sha256=file_digest(path), entry=entry)
                    self._cache.set(entry, path, tag=key)
                manifest = Manifest(
                    kind=kind,
                    name=name,
                    created=datetime.now(UTC).isoformat(timespec="microseconds"),
                    command=command,
                    version=self._version,
                    inputs=dict(inputs or {}),
                    config=dict(config or {}),
                    info=dict(info or {}),
                    outputs=outputs,
                )
                gone = self._publish(key, manifest)
            except BaseException:  # an interrupt, too, must not leave files behind
                for output in outputs.values():
                    # First the file: a full disk may refuse to change the index. The index may not name it yet.
                    self._disk.path_of(output.entry).unlink(missing_ok=True)
                self._drop_files(outputs)
                raise
            for old in gone:
                self._drop_files(old.outputs)
        # Not looked up again: another process may have evicted it already, which takes nothing from what was made.
        paths = {file_name: self._disk.path_of(output.entry) for file_name, output in outputs.items()}
        return Artifact(key=key, manifest=manifest, files=paths)

    def get(self, key: str) -> Artifact | None:
        """The artifact under `key`, or None. Counts as a use.

        Raises:
            StorageError: the index cannot be read, or someone put a pickle into it.
        """
        with system_errors("The store cannot be read.", ROOM):
            while (manifest := self._manifest(key)) is not None:
                try:
                    artifact = self._artifact(key, manifest)
                except KeyError:
                    if manifest == self._manifest(key):  # else it was replaced meanwhile: look again
                        log.warning("artifact %s lost a file and is dropped", key)
                        self.remove(key)
                else:
                    self._touch(key)
                    return artifact
            return None

    def list(self, kind: str | None = None) -> list[Artifact]:
        """All artifacts, or those of one kind, newest first. Does not count as a use."""
        found = []
        for key, manifest in self._manifests().items():
            if kind in (None, manifest.kind):
                try:
                    found.append(self._artifact(key, manifest))
                except KeyError:
                    continue  # removed by someone else meanwhile; `get` cleans up what is damaged
        return sorted(found, key=lambda artifact: artifact.manifest.created, reverse=True)

    def amend(self, key: str, manifest: Manifest) -> Artifact:
        """Replace the words of a manifest (its name, say); the files stay."""
        with system_errors(f"“{manifest.name}” could not be changed.", ROOM):
            self._write_manifest(key, manifest)
        return self._artifact(key, manifest)

    def remove(self, key: str) -> bool:
        """Forget an artifact and delete its files; False if there was none."""
        with system_errors("This could not be removed.", ROOM):
            with self._cache.transact():
                manifest = self._manifest(key)
                self._forget(key)
            if manifest:
                self._drop_files(manifest.outputs)
        return manifest is not None

    def pin(self, key: str, pinned: bool = True) -> None:
        """Protect an artifact from eviction, or stop protecting it."""
        with system_errors("This could not be pinned or unpinned.", ROOM):
            if pinned:
                self._cache.set(f"pin:{key}", 1)
            else:
                self._cache.delete(f"pin:{key}")

    def pinned(self, key: str) -> bool:
        """Whether it is protected from eviction."""
        return f"pin:{key}" in self._cache

    def used_s(self, key: str) -> float:
        """When it was last used, in seconds since 1970; 0 if that is not known."""
        with system_errors("The store cannot be read.", ROOM):
            seconds: float = self._cache.get(f"used:{key}", default=0.0)
            return seconds

    def discard(self, *kinds: str, unused_for_s: float | None = None, pinned: bool = False) -> tuple[Manifest, ...]:
        """Remove all of these kinds, or of every kind if none is named; returns the manifests of what went.

        Args:
            kinds: "recording", "result", ...
            unused_for_s: only what was not used for so many seconds.
            pinned: pinned ones too.
        """
        before_s = math.inf if unused_for_s is None else time.time() - unused_for_s

        def chosen(manifests: Mapping[str, Manifest]) -> tuple[str, ...]:
            return tuple(
                key
                for key, manifest in manifests.items()
                if (not kinds or manifest.kind in kinds)
                and self.used_s(key) < before_s
                and (pinned or not self.pinned(key))
            )

        return self._remove_chosen(chosen)

    def trim(self) -> tuple[Manifest, ...]:
        """Evict what is over the limit, as far as it is not pinned; returns the manifests of what went."""

        def over_limit(manifests: Mapping[str, Manifest]) -> tuple[str, ...]:
            total_bytes = sum(manifest.size_bytes for manifest in manifests.values())
            return self._first_to_go(manifests, total_bytes - self.limit_bytes)

        return self._remove_chosen(over_limit)

    def sweep(self) -> int:
        """Delete what killed processes left half-made, and artifacts that lost a file; returns the bytes freed.

        What a living process is making stays. While one is keeping an artifact just now, files in the store that no
        manifest names stay, too, unless they are a day old.
        """
        with (
            system_errors("The store could not be swept.", ROOM),
            hold(Path(self._cache.directory), shared=False, wait=False) as held,
        ):
            if held != "ours":
                return self._sweep(0, ABANDONED_AFTER_S)
            with self._cache.transact():
                for key, manifest in self._manifests().items():
                    if not all(self._disk.path_of(output.entry).exists() for output in manifest.outputs.values()):
                        log.warning("artifact %s lost a file and is dropped", key)
                        self._forget(key)
            return self._sweep(0, 0)

    def size_bytes(self) -> int:
        """What all artifacts take on disk."""
        return sum(manifest.size_bytes for manifest in self._manifests().values())

    def close(self) -> None:
        """Close this thread's connection to the index."""
        self._cache.close()

    def _publish(self, key: str, manifest: Manifest) -> tuple[Manifest, ...]:
        """In one transaction: make room, and let readers see the new artifact; returns the manifests that went."""
        with self._cache.transact():
            others = self._manifests()
            replaced = others.pop(key, None)
            evicted = self._to_evict(others, manifest.size_bytes)
            for old in evicted:
                log.info("evicting %s, %d bytes", old, others[old].size_bytes)
                self._forget(old)
            self._write_manifest(key, manifest)
            self._touch(key)
        return (*(others[old] for old in evicted), *([replaced] if replaced else []))

    def _to_evict(self, manifests: Mapping[str, Manifest], needed_bytes: int) -> tuple[str, ...]:
        """Keys of what has to go so that `needed_bytes` more fit the limit, in the order described above."""
        sizes = {key: manifest.size_bytes for key, manifest in manifests.items()}
        excess_bytes = sum(sizes.values()) + needed_bytes - self.limit_bytes
        pinned_bytes = sum(size_bytes for key, size_bytes in sizes.items() if self.pinned(key))
        if excess_bytes > sum(sizes.values()) - pinned_bytes:
            raise StorageError(
                f"There is no room for {needed_bytes / 2**20:.1f} MB more.",
                f"The store may take {self.limit_bytes / 2**20:.1f} MB, and {pinned_bytes / 2**20:.1f} MB are pinned.",
                "Raise the limit, or unpin results you no longer need.",
            )
        return self._first_to_go(manifests, excess_bytes)

    def _first_to_go(self, manifests: Mapping[str, Manifest], excess_bytes: int) -> tuple[str, ...]:
        """Keys of what has to go so that `excess_bytes` are freed, or all that may go if that is less."""
        chosen = []
        evictable = [key for key in manifests if not self.pinned(key)]
        for key in sorted(evictable, key=lambda key: (manifests[key].kind not in FIRST_TO_GO, self.used_s(key))):
            if excess_bytes <= 0:
                break
            chosen.append(key)
            excess_bytes -= manifests[key].size_bytes
        return tuple(chosen)

    def _remove_chosen(self, choose: Callable[[Mapping[str, Manifest]], tuple[str, ...]]) -> tuple[Manifest, ...]:
        """Choose and forget in one transaction, so that what another process pins or uses meanwhile is not lost."""
        with system_errors("This could not be removed.", ROOM):
            with self._cache.transact():
                manifests = self._manifests()
                gone = [key for key in choose(manifests) if key in manifests]
                for key in gone:
                    self._forget(key)
            for key in gone:
                self._drop_files(manifests[key].outputs)
        return tuple(manifests[key] for key in gone)

    @property
    def _disk(self) -> PlainDisk:
        disk = self._cache.disk
        assert isinstance(disk, PlainDisk)
        return disk

    def _sweep_once(self) -> None:
        """Before the first new artifact, delete what killed processes left half-made."""
        if not self._swept:
            self._swept = True
            with system_errors("The store could not be swept.", ROOM):
                self._sweep(ABANDONED_AFTER_S, ABANDONED_AFTER_S)

    def _sweep(self, scratch_age_s: float, file_age_s: float) -> int:
        kept = {output.entry for manifest in self._manifests().values() for output in manifest.outputs.values()}
        return sweep_files(self._cache, kept, file_age_s) + sweep_scratch(self._scratch, scratch_age_s)

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
        """The manifest under `key`; a damaged one counts as none, and the next `put` replaces it."""
        text = self._cache.get(f"manifest:{key}")
        if text is None:
            return None
        try:
            return Manifest.from_json(text)
        except StorageError as error:
            log.warning("artifact %s is passed over: %s", key, error)
            return None

    def _manifests(self) -> dict[str, Manifest]:
        """All that can be read, by key."""
        with system_errors("The store cannot be read.", ROOM):
            entries = [entry for entry in self._cache.iterkeys() if entry.startswith("manifest:")]
            keys = [entry.removeprefix("manifest:") for entry in entries]
            return {key: manifest for key in keys if (manifest := self._manifest(key))}

    def _write_manifest(self, key: str, manifest: Manifest) -> None:
        self._cache.set(f"manifest:{key}", manifest.to_json(), tag=key)

    def _touch(self, key: str) -> None:
        self._cache.set(f"used:{key}", time.time())

    def _forget(self, key: str) -> None:
        for entry in ("manifest", "used", "pin"):
            self._cache.delete(f"{entry}:{key}")

    def _drop_files(self, outputs: Mapping[str, Output]) -> None:
        for output in outputs.values():
            self._cache.delete(output.entry)
