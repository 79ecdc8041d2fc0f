"""The artifact store: finished work under content keys, with a size limit, over diskcache.

An artifact is a manifest and some files. Its files are moved in first and its manifest is written last, in one SQLite
transaction together with the evictions it needs: a reader sees all of it or nothing, and the size limit holds however
many threads and processes share one store.

Two processes that make the same artifact at the same time do not disturb each other's readers: files of equal content
are not exchanged, and replaced files stay on disk for a while under a hidden key.
"""

from __future__ import annotations

import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diskcache import Timeout

from storage.damage import Checks, DamagedFiles, Remake
from storage.disk import PlainDisk
from storage.errors import ROOM, StorageError, no_room, system_errors
from storage.eviction import FIRST_TO_GO, TRASH_STAYS_S, first_to_go, outdated, to_evict, with_chunks
from storage.index import REPLACED
from storage.keys import content_key, file_digest
from storage.locks import hold
from storage.manifest import Artifact, Manifest, NewArtifact, Output
from storage.preferences import chosen_limit_bytes
from storage.private import private_home
from storage.reserve import open_index
from storage.schema import Listed, Row, Share
from storage.sweep import ABANDONED_AFTER_S, SCRATCH, scratch_in, sweep_artifacts, sweep_scratch

DEFAULT_LIMIT_BYTES = 20 * 10**9
MAKE_ROOM = "Make room on the disk of {}, or remove results from the library."
log = logging.getLogger(__name__)


class ArtifactStore:
    """Finished work by content key.

    When a new artifact would pass `limit_bytes`, the artifacts that were not used for the longest time are evicted,
    those of a kind in `FIRST_TO_GO` before all others; pinned ones never are. Using means `get`, not listing.
    Artifacts in the trash are only there for `restore`; they are evicted before all others, pinned or not, and leave
    the trash if the same artifact is kept again.

    Args:
        folder: where everything lies; made if it is not there.
        limit_bytes: the most that all files together may take; None for what was chosen for this folder, or 20 GB.
        version: of the program, for manifests.
        scratch: where files in the making lie; beside the artifacts unless given, so that keeping them is a rename.
        remake: makes damaged files again of the other files of their artifact.

    Attributes:
        folder: where everything lies, as given.
        scratch_folder: where files in the making lie; made when the first one is.
        damaged: what was found damaged and set aside.
        index_damages: what was found damaged of the index, oldest first.
        checks: finds it; `checks.all` looks at everything, `checks.on_damage` is told of each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int | None = None,
        version: str = "",
        scratch: Path | None = None,
        remake: Remake | None = None,
    ) -> None:
        self.limit_bytes = limit_bytes or chosen_limit_bytes(folder) or DEFAULT_LIMIT_BYTES
        self._version = version
        self.folder = folder
        self.scratch_folder = scratch or folder / SCRATCH
        self._swept = False
        with system_errors(f"The store at {folder} cannot be opened.", ROOM):
            private_home(folder)
            self._index = open_index(folder / "artifacts", FIRST_TO_GO | {REPLACED})
        self.index_damages = self._index.damages
        self.damaged = DamagedFiles(folder / "damaged")
        self._disk: PlainDisk = self._index.disk
        self.checks = Checks(self._index, self.damaged, remake)

    def key(self, kind: str, **parts: Any) -> str:
        """The key of an artifact of `kind` made from `parts`; see `storage.keys`."""
        return content_key(kind, **parts)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a temporary folder for files in the making.

        Raises:
            StorageError: it cannot be made.
        """
        with scratch_in(self.scratch_folder) as folder:
            yield folder

    def put(self, key: str, new: NewArtifact) -> Artifact:
        """Keep what is new under `key`. Its files are moved, not copied: make them in `scratch`.

        What is there already under that key is replaced, except for files that are the same byte for byte.

        Raises:
            StorageError: the disk is full, or the files are larger than everything that may be evicted. Nothing of
                the new artifact remains, and what was there before is untouched.
        """
        self._sweep_once()
        outputs: dict[str, Output] = {}
        with (
            self._index.errors(f"“{new.name}” could not be kept.", MAKE_ROOM.format(self.folder)),
            # Until a manifest names the new files, no `sweep` may take them for left-overs.
            hold(Path(self._index.directory), shared=True, wait=True),
        ):
            self.checks.whole(key, again=True)  # what is damaged must not stay in place of the same made anew
            try:
                for file_name, path in new.files.items():
                    entry = f"file:{key}:{file_name}:{uuid.uuid4().hex}"
                    outputs[file_name] = Output(size_bytes=path.stat().st_size, sha256=file_digest(path), entry=entry)
                    self._disk.move_in(path, entry)
                    self.checks.digests.note(outputs[file_name])
                manifest = Manifest(
                    kind=new.kind,
                    name=new.name,
                    created=datetime.now(UTC).isoformat(timespec="microseconds"),
                    command=new.command,
                    version=self._version,
                    inputs=dict(new.inputs),
                    config=dict(new.config),
                    info=dict(new.info),
                    outputs=outputs,
                )
                manifest, unneeded = self._publish(key, manifest)
            except BaseException:  # an interrupt, too, must not leave files behind
                self._drop_files(outputs.values())
                raise
            self._drop_files(unneeded)
        self.checks.lost.pop(key, None)
        # Not looked up again: another process may have evicted it already.
        return self._artifact(key, manifest)

    def get(self, key: str, *, read: bool = True) -> Artifact | None:
        """Return the artifact under `key`, or None if there is none, or it is damaged or in the trash. Counts as a use.

        Args:
            key: of the artifact.
            read: compare its files with their digests if this process has not yet; large ones take a while.

        Raises:
            StorageError: the index cannot be read, or someone put a pickle into it.
        """
        return self._found(key, (), read=read, again=False)

    def check(self, key: str, *files: str) -> Artifact | None:
        """Return the artifact as `get` does, after comparing these files, or all, with their digests anew."""
        return self._found(key, files, read=True, again=True)

    def list(self, kind: str | None = None, *, source: str | None = None, trashed: bool = False) -> list[Artifact]:
        """Return all artifacts, or those of one kind or recording, newest first. Does not count as a use.

        Args:
            kind: "recording", "result", ...
            source: key of the recording they were made from.
            trashed: those in the trash instead of all others.
        """
        with self._index.errors("The store cannot be read.", ROOM):
            keys = self._index.find(*(() if kind is None else (kind,)), source=source, trashed=trashed)
            found = [
                self._artifact(key, manifest)
                for key, manifest in self._index.manifests(keys).items()
                # The others are being removed by another process; `get` drops damaged ones.
                if manifest.kind != REPLACED and self.checks.present(manifest)
            ]
        return sorted(found, key=lambda artifact: artifact.manifest.created, reverse=True)

    def amend(self, key: str, manifest: Manifest) -> Artifact:
        """Replace the text of a manifest, such as its name; the files stay.

        Raises:
            StorageError: there is no such artifact any more.
        """
        with self._index.errors(f"“{manifest.name}” could not be changed.", ROOM), self._index.transact():
            current = self._index.manifest(key)
            if current is None or self._index.trashed(key):
                raise StorageError(f"“{manifest.name}” could not be changed.", "It was removed meanwhile.")
            manifest = replace(manifest, outputs=current.outputs)  # another process may have replaced them
            self._index.enter(key, manifest)
        return self._artifact(key, manifest)

    def remove(self, key: str) -> bool:
        """Remove an artifact and its files; return False if there was none.

        Removing a recording also removes the finished chunks that were made from it; results stay.
        """
        return bool(self._remove(lambda: [key]))

    def trash(self, *keys: str) -> tuple[str, ...]:
        """Put artifacts into the trash, a recording together with its results; return the keys of all of them.

        Finished chunks stay; they are evicted early anyway, and at the latest with their recording.
        """
        when_s = time.time()
        with self._index.errors("This could not be put into the trash.", ROOM), self._index.transact():
            return tuple(gone for key in keys for gone in self._index.trash(key, when_s))

    def restore(self, *keys: str) -> tuple[str, ...]:
        """Take artifacts out of the trash; return the keys of those restored, fewer if some are gone.

        Restoring a recording also restores the results that were trashed with it, and a result its recording.
        """
        when_s = time.time()
        with self._index.errors("This could not be taken out of the trash.", ROOM), self._index.transact():
            return tuple(back for key in keys for back in self._index.restore(key, when_s))

    def empty_trash(self, *, older_than_s: float = 0.0) -> tuple[Manifest, ...]:
        """Remove what has been in the trash for `older_than_s` seconds; return the removed manifests."""
        before_s = time.time() - older_than_s if older_than_s else float("inf")
        return self._remove(lambda: self._index.find(trashed_before_s=before_s))

    def pin(self, key: str, pinned: bool = True) -> None:
        """Protect an artifact from eviction, or stop protecting it."""
        with self._index.errors("This could not be pinned or unpinned.", ROOM):
            self._index.pin(key, pinned)

    def trashed(self, key: str) -> bool:
        """Whether it is in the trash."""
        with self._index.errors("The store cannot be read.", ROOM):
            return self._index.trashed(key)

    def pinned(self, key: str) -> bool:
        """Whether it is protected from eviction."""
        with self._index.errors("The store cannot be read.", ROOM):
            return self._index.pinned(key)

    def used_s(self, key: str) -> float:
        """Return the time of last use, in seconds since 1970; 0 if unknown."""
        with self._index.errors("The store cannot be read.", ROOM):
            return self._index.used_s(key)

    def discard(self, *kinds: str, unused_for_s: float | None = None, pinned: bool = False) -> tuple[Manifest, ...]:
        """Remove all artifacts of these kinds, or of every kind if none is named; return the removed manifests.

        Args:
            kinds: "recording", "result", ...; a recording's chunks are removed with it.
            unused_for_s: only artifacts that were not used for this many seconds, and none in the trash.
            pinned: remove pinned ones too; pins of artifacts in the trash never count.
        """
        before_s = None if unused_for_s is None else time.time() - unused_for_s
        trashed = None if before_s is None else False
        return self._remove(lambda: self._index.find(*kinds, before_s=before_s, pinned=pinned, trashed=trashed))

    def trim(self) -> tuple[Manifest, ...]:
        """Evict artifacts that are not pinned until the limit is met; return the evicted manifests."""
        return self._remove(lambda: first_to_go(self._index, self.size_bytes() - self.limit_bytes))

    def sweep(self) -> int:
        """Delete what killed processes left half-made, and artifacts that lost a file; return the bytes freed.

        Files that a living process is making stay. While any process is keeping an artifact, files in the store that no
        manifest names stay too, unless they are a day old.
        """
        with self._index.errors("The store could not be swept.", ROOM):
            freed_bytes = sweep_artifacts(self._index, self.checks)
            return freed_bytes + self.sweep_scratch() + self.damaged.clear(older_than_s=TRASH_STAYS_S)

    def sweep_scratch(self) -> int:
        """Delete files in the making whose process is gone, and nothing else; return the bytes freed."""
        return sweep_scratch(self.scratch_folder, 0)

    def size_bytes(self) -> int:
        """Return the bytes that all artifacts take on disk, with what was set aside."""
        with self._index.errors("The store cannot be read.", ROOM):
            return self._index.size_bytes() + self.damaged.share().size_bytes

    def usage(self, *, unused_for_s: float | None = None) -> dict[str, Share]:
        """Return the number and size of artifacts of each kind; the trash, and files set aside as "damaged", are kinds.

        Args:
            unused_for_s: count only what `discard` would remove with it; a recording's chunks count as chunks.
        """
        before_s = None if unused_for_s is None else time.time() - unused_for_s
        with self._index.errors("The store cannot be read.", ROOM):
            damaged = self.damaged.share() if before_s is None else Share(0, 0)
            return self._index.shares(before_s=before_s) | ({"damaged": damaged} if damaged.n else {})

    def rows(self, *kinds: str) -> tuple[Row, ...]:
        """Return the index rows of all artifacts of these kinds, including the trash, in no order."""
        with self._index.errors("The store cannot be read.", ROOM):
            return tuple(row for kind in kinds for row in self._index.rows(kind))

    def listed(self) -> Sequence[Listed]:
        """Return all artifacts but finished chunks and the trash, newest first, without looking at their files.

        It costs a fraction of `list`, as the index picks the names out of the manifests.
        """
        with self._index.errors("The store cannot be read.", ROOM):
            return self._index.listed()

    def manifest(self, key: str) -> Manifest | None:
        """Return the manifest of an artifact, in the trash or not; None if there is none. Does not count as a use."""
        with self._index.errors("The store cannot be read.", ROOM):
            return self._index.manifest(key)

    def close(self) -> None:
        """Close this thread's connection to the index."""
        self._index.close()

    def _publish(self, key: str, manifest: Manifest) -> tuple[Manifest, tuple[Output, ...]]:
        """Make room and publish the new artifact to readers, in one transaction.

        Returns:
            The published manifest, and outputs whose files no manifest names any more.
        """
        with self._index.transact():
            there = self._index.manifest(key)
            outputs = {
                name: self._same(there, name, output) or output  # so its readers keep their files
                for name, output in manifest.outputs.items()
            }
            unneeded = [output for output in manifest.outputs.values() if output not in outputs.values()]
            if there is not None:
                self._set_aside(there, outputs.values())
            manifest = replace(manifest, outputs=outputs)
            room = to_evict(self._index, manifest.size_bytes, self.limit_bytes, self.damaged, instead_of=key)
            going = [*outdated(self._index, but=key), *room]
            for old in self._index.forget(going):
                log.info("evicting %s “%s”, %d bytes", old.kind, old.name, old.size_bytes)
                unneeded += old.outputs.values()
            self._index.enter(key, manifest)
        return manifest, tuple(unneeded)

    def _same(self, there: Manifest | None, name: str, output: Output) -> Output | None:
        """Return the output of that name if it has the same content, else None."""
        before = there.outputs.get(name) if there is not None else None
        same = before and before.sha256 == output.sha256 and self.checks.digests.agrees(before, again=False)
        return before if same else None

    def _set_aside(self, replaced: Manifest, still_named: Iterable[Output]) -> None:
        """Keep files that are about to be replaced for a while, for readers that got their paths a moment ago."""
        left = {name: output for name, output in replaced.outputs.items() if output not in still_named}
        if left:
            self._index.enter(uuid.uuid4().hex, replace(replaced, kind=REPLACED, outputs=left))

    def _remove(self, choose: Callable[[], Iterable[str]]) -> tuple[Manifest, ...]:
        """Choose and remove artifacts in one transaction, so that what another process pins or uses meanwhile stays.

        Chunks are removed with their recording. Returns the removed manifests.
        """

        def forget() -> tuple[Manifest, ...]:
            with self._index.transact():
                return self._index.forget(with_chunks(self._index, choose()))

        with self._index.errors("This could not be removed.", ROOM):
            try:
                gone = forget()
            except (sqlite3.Error, Timeout) as error:
                if not no_room(error):
                    raise
                # The index cannot be written because the disk is full: deleting the files first makes room.
                going = self._index.manifests(with_chunks(self._index, choose())).values()
                self._drop_files(output for manifest in going for output in manifest.outputs.values())
                gone = forget()
            self._drop_files(output for manifest in gone for output in manifest.outputs.values())
        return tuple(manifest for manifest in gone if manifest.kind != REPLACED)

    def _sweep_once(self) -> None:
        """Before the first new artifact, delete what killed processes left; the store itself once a day."""
        if self._swept:
            return
        self._swept = True
        with self._index.errors("The store could not be swept.", ROOM):
            if self._index.get("tended", default=0.0) < time.time() - ABANDONED_AFTER_S:
                self.sweep()
                self._index.set("tended", time.time())
            else:
                self.sweep_scratch()

    def _artifact(self, key: str, manifest: Manifest) -> Artifact:
        paths = {name: self._disk.path_of(output.entry) for name, output in manifest.outputs.items()}
        return Artifact(key=key, manifest=manifest, files=paths)

    def _found(self, key: str, files: Collection[str], *, read: bool, again: bool) -> Artifact | None:
        with self._index.errors("The store cannot be read.", ROOM):
            if self._index.trashed(key) or self._index.manifest(key) is None:
                return None
            if (manifest := self.checks.whole(key, files, read=read, again=again)) is None:
                return None
            self._index.use(key, time.time())
            return self._artifact(key, manifest)

    def _drop_files(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self.checks.digests.forget(output)
            self._disk.path_of(output.entry).unlink(missing_ok=True)
