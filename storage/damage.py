"""Finds damaged files by their digests, sets them aside, says so, and makes them again where that is possible.

Sizes show bytes that are lost, not bytes that have changed, as disks, memory and cables change them without a word.
Each process compares a file with its digest once, and again when its size, time or inode has changed. Rot changes none
of them: where it matters, a file is compared in any case.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from diskcache import Timeout

from storage.disk import PlainDisk
from storage.errors import no_room
from storage.index import REPLACED, Index
from storage.keys import file_digest
from storage.locks import hold
from storage.manifest import Manifest, Output
from storage.private import private_folder, restrict
from storage.schema import Share

Outcome = Literal["whole", "damaged", "mended", "unknown"]
# Makes a damaged file of an artifact again, given its kind, its whole files, the file's name, and where to write it.
# “spared”: the artifact can do without it; “lost”: it cannot be made of the others.
Remake = Callable[[str, Mapping[str, Path], str, Path], Literal["made", "spared", "lost"]]
REMEDIES = {
    "recording": "It is made again when its file is brought again.",
    "result": "It is made again when the same is asked for.",
    "chunk": "The next run that needs it computes it again.",
    "comparison": "Its listening test can be made again; the answers stay.",
}
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """An artifact that was found damaged.

    Attributes:
        key: of the artifact.
        kind: "recording", "result", "chunk" or "comparison".
        name: its name for people.
        files: the names of its damaged files.
        folder: where they were set aside; None if there is nothing left of them.
        mended: what became of each file that was made again ("made") or left out ("spared"); if empty, the artifact is
            not there any more.
    """

    key: str
    kind: str
    name: str
    files: tuple[str, ...]
    folder: Path | None
    mended: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.todo}"

    @property
    def what(self) -> str:
        """What happened."""
        return f"The kept {self.kind} “{self.name}” is damaged."

    @property
    def why(self) -> str:
        """How that shows, and where the damaged files are."""
        files = ", ".join(f"“{file}”" for file in self.files)
        aside = "is gone" if self.folder is None else f"was set aside in {self.folder}"
        return f"What is on the disk is not what was written ({files}); it {aside}."

    @property
    def todo(self) -> str:
        """What becomes of the artifact, or what to do."""
        if not self.mended:
            return REMEDIES.get(self.kind, "")
        sentences = {"made": "It was made again from the sound.", "spared": "It goes on without that file."}
        return " ".join(sentences[how] for how in dict.fromkeys(self.mended.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """An artifact that was compared with its digests; "unknown" if an earlier version kept none."""

    key: str
    manifest: Manifest
    outcome: Outcome


class DamagedFiles:
    """The folder of damaged files that were set aside. They stay for a month, for a person to look at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with suppress(OSError):  # made beforehand: a full disk has no room for it, while moving a file takes none
            private_folder(folder)

    def take(self, path: Path, key: str, kind: str) -> bool:
        """Move a file here, which takes no room on the disk; return False if it is gone, or had to be deleted."""
        target = self.folder / f"{kind}-{key[:16]}-{uuid.uuid4().hex[:8]}"
        try:
            path.replace(target)
            target.touch()  # it is damaged since now
            return True
        except OSError as error:
            if path.exists():  # else it is lost, or another process was faster
                log.warning("%s cannot be set aside and is deleted: %s", path, error)
                path.unlink(missing_ok=True)
            return False

    def share(self) -> Share:
        """Return the number of files and their bytes."""
        sizes = [about.st_size for _, about in self._files()]
        return Share(len(sizes), sum(sizes))

    def clear(self, *, older_than_s: float = 0.0) -> int:
        """Delete what was set aside so many seconds ago; return its bytes."""
        freed_bytes = 0
        for path, about in self._files():
            if time.time() - about.st_mtime >= older_than_s:
                if path.is_dir():  # it lay where the index should be
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                freed_bytes += about.st_size
        return freed_bytes

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):  # another process clears it
                yield path, path.stat()


class Digests:
    """Remembers which files this process has compared with their digests; safe for any number of threads."""

    def __init__(self, disk: PlainDisk) -> None:
        self._disk = disk
        self._whole: dict[str, tuple[int, int, int]] = {}
        self._busy: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def note(self, output: Output) -> None:
        """Remember a file whose digest was computed as it was written."""
        state = self._state(output)
        if state is not None:
            self._whole[output.entry] = state

    def forget(self, output: Output) -> None:
        """Remember a file no longer."""
        self._whole.pop(output.entry, None)

    def compared(self, output: Output) -> bool:
        """Whether the file was compared, and has kept its size, time and inode since."""
        return not output.sha256 or self._whole.get(output.entry) == (self._state(output) or ())

    def agrees(self, output: Output, *, again: bool) -> bool:
        """Whether a file is as it was written; read it if it was not compared, or if `again`.

        A file without a digest agrees if it has the right size.
        """
        state = self._state(output)
        if state is None or state[0] != output.size_bytes:
            return False
        if not again and self.compared(output):
            return True
        with self._lock:
            busy = self._busy.setdefault(output.entry, threading.Lock())
        with busy:  # another thread may be reading it
            try:
                if not again and self.compared(output):
                    return True
                whole = self._reads_the_same(output)
            finally:
                self._busy.pop(output.entry, None)
        if whole:
            self._whole[output.entry] = state
        return whole

    def _reads_the_same(self, output: Output) -> bool:
        try:
            return not output.sha256 or file_digest(self._disk.path_of(output.entry)) == output.sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False  # a sector that cannot be read

    def _state(self, output: Output) -> tuple[int, int, int] | None:
        """Return size, time and inode of a file, or None if it is not there."""
        try:
            about = self._disk.path_of(output.entry).stat()
        except FileNotFoundError:
            return None
        return about.st_size, about.st_mtime_ns, about.st_ino


class Checks:
    """Gives out the manifests of whole artifacts only; damaged ones are set aside or mended, and said.

    Args:
        index: where the manifests are.
        damaged: where damaged files go.
        remake: makes some files again.

    Attributes:
        on_damage: called with everything that is found damaged, in any thread.
        found: what was found damaged so far, oldest first.
        lost: what was found damaged and has not been made again, by key.
    """

    def __init__(self, index: Index, damaged: DamagedFiles, remake: Remake | None) -> None:
        self._index, self._damaged, self._remake = index, damaged, remake
        self._disk: PlainDisk = index.disk
        self.found: list[Damage] = []
        self.lost: dict[str, Damage] = {}
        self.digests = Digests(self._disk)
        self._unwritten: dict[str, str] = {}  # when what was set aside on a full disk was made
        self.on_damage: Callable[[Damage], object] = lambda damage: log.warning("%s", damage)

    def present(self, manifest: Manifest) -> bool:
        """Whether all files of an artifact are there with all their bytes."""
        return all(self._disk.has(output.entry, output.size_bytes) for output in manifest.outputs.values())

    def whole(
        self, key: str, files: Collection[str] = (), *, read: bool = True, again: bool = False, mend: bool = True
    ) -> Manifest | None:
        """Return the manifest of an artifact if its files are whole, otherwise deal with the damage.

        Args:
            key: of the artifact, in the trash or not.
            files: those to look at, by name; all if there are none.
            read: compare digests, not only sizes.
            again: read also what was compared already.
            mend: make damaged files again, and keep whole ones for their readers; a sweep, which holds the folder of
                the index, does neither.
        """
        return self._looked_at(key, files, read, again, mend)[0]

    def all(self) -> Iterator[Checked]:
        """Compare every file of every artifact, the trash too, and yield each artifact.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._index.errors("The store cannot be checked.", "Check its folder, and the disk it is on."):
            for key in self._index.find():
                before = self._index.manifest(key)
                if before is not None and before.kind != REPLACED:
                    after, damaged = self._looked_at(key, (), read=True, again=True, mend=True)
                    if after is not None or damaged:  # else another process has removed it meanwhile
                        yield Checked(key=key, manifest=before, outcome=_outcome(after, damaged))

    def compared(self, manifest: Manifest) -> bool:
        """Whether this process has compared all files of an artifact with their digests."""
        return all(map(self.digests.compared, manifest.outputs.values()))

    def _looked_at(
        self, key: str, files: Collection[str], read: bool, again: bool, mend: bool
    ) -> tuple[Manifest | None, bool]:
        """Return the manifest if the artifact is whole now, and whether damage was found."""
        damaged = False
        for _ in range(3):  # it may have been mended, or replaced by another process
            manifest = self._index.manifest(key)
            if manifest is None:
                return None, damaged
            bad = [
                name
                for name, output in manifest.outputs.items()
                if (not files or name in files) and not self._agrees(output, read, again)
            ]
            if not bad:
                return manifest, damaged
            if (mended := self._mended(key, manifest, bad, read, again)) is not None:
                return mended, True
            with hold(Path(self._index.directory), shared=True, wait=True) if mend else nullcontext():
                damaged = self._deal_with(key, manifest, bad, mend) or damaged
        return None, damaged

    def _mended(self, key: str, manifest: Manifest, bad: list[str], read: bool, again: bool) -> Manifest | None:
        """Return the manifest with what its copy says of these files, if they are whole by that; mend the index."""
        copy = self._index.copied(key)
        if copy is None or copy.created != manifest.created:
            return None
        right = {
            name: copy.outputs[name] for name in bad if copy.outputs.get(name) not in (None, manifest.outputs[name])
        }
        if len(right) < len(bad) or not all(self._agrees(output, read, again) for output in right.values()):
            return None
        mended = replace(manifest, outputs={**manifest.outputs, **right})
        try:
            with self._index.transact():
                if (now := self._index.manifest(key)) is not None and now.outputs == manifest.outputs:
                    log.warning("the index is wrong about %s, and is mended by the copy of its manifest", key)
                    self._index.rewrite(key, mended)
        except (sqlite3.Error, Timeout) as error:
            if not no_room(error):
                raise
        return mended

    def _agrees(self, output: Output, read: bool, again: bool) -> bool:
        if read:
            return self.digests.agrees(output, again=again)
        return self._disk.has(output.entry, output.size_bytes)

    def _deal_with(self, key: str, manifest: Manifest, bad: list[str], mend: bool) -> bool:
        """Set damaged files aside and mend or drop their artifact; return False if another process was faster."""
        remade, how = self._remade(manifest, bad) if mend else (None, {})
        aside = False
        try:
            with self._index.transact():
                if (now := self._index.manifest(key)) is None or now.outputs != manifest.outputs:
                    return False
                aside = self._set_aside(key, manifest, bad)
                if remade is not None:
                    self._index.rewrite(key, replace(manifest, outputs=remade))
                else:
                    self._index.lose(key)
                    left = {name: output for name, output in manifest.outputs.items() if name not in bad}
                    if left and mend:  # for readers that were handed them
                        self._index.enter(uuid.uuid4().hex, replace(manifest, kind=REPLACED, outputs=left))
        except (sqlite3.Error, Timeout) as error:
            if not no_room(error):
                raise
            aside = self._set_aside(key, manifest, bad) or aside  # without its files the artifact is not found either
            if manifest.created == self._unwritten.get(key):
                return True  # it was said
            self._unwritten[key] = manifest.created
            how = {}
        if manifest.kind != REPLACED:
            self._tell(
                Damage(
                    key=key,
                    kind=manifest.kind,
                    name=manifest.name,
                    files=tuple(bad),
                    folder=self._damaged.folder if aside else None,
                    mended=how,
                )
            )
        return True

    def _tell(self, damage: Damage) -> None:
        self.found.append(damage)
        if not damage.mended:
            self.lost[damage.key] = damage
        self.on_damage(damage)

    def _set_aside(self, key: str, manifest: Manifest, bad: list[str]) -> bool:
        """Set damaged files aside; return whether there was anything left of them."""
        for name in bad:
            self.digests.forget(manifest.outputs[name])
        paths = [self._disk.path_of(manifest.outputs[name].entry) for name in bad]
        return sum(self._damaged.take(path, key, manifest.kind) for path in paths) > 0  # each of them is taken

    def _remade(self, manifest: Manifest, bad: list[str]) -> tuple[dict[str, Output] | None, dict[str, str]]:
        """Return the outputs with the damaged ones made again or left out, and what became of these; None if lost."""
        if self._remake is None:
            return None, {}
        outputs = {name: output for name, output in manifest.outputs.items() if name not in bad}
        if not all(self.digests.agrees(output, again=False) for output in outputs.values()):
            return None, {}
        whole = {name: self._disk.path_of(output.entry) for name, output in outputs.items()}
        how: dict[str, str] = {}
        for name in bad:
            entry = f"file:remade:{name}:{uuid.uuid4().hex}"
            try:
                target = self._disk.place_of(entry)
                how[name] = self._remake(manifest.kind, whole, name, target)
                if how[name] == "made":
                    restrict(target)
                    size_bytes, sha256 = target.stat().st_size, file_digest(target)
                    outputs[name] = Output(size_bytes=size_bytes, sha256=sha256, entry=entry)
                    self.digests.note(outputs[name])
            except Exception as failure:  # of a decoder or the disk, whose errors are not ours
                log.info("%s of “%s” cannot be made again: %s", name, manifest.name, failure)
                how[name] = "lost"  # what there is of it is left to the next sweep
        return (None, {}) if "lost" in how.values() else (outputs, how)


def _outcome(after: Manifest | None, damaged: bool) -> Outcome:
    if after is None:
        return "damaged"
    if damaged:
        return "mended"
    return "whole" if all(output.sha256 for output in after.outputs.values()) else "unknown"
