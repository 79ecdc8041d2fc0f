"""The library: recordings and results as the pages list them, read from the artifact store."""

from __future__ import annotations

from dataclasses import replace

from storage.artifacts import ArtifactStore
from storage.errors import StorageError
from storage.manifest import Artifact, Manifest

NEWEST = 200  # enough to learn from; a library has thousands


class Library:
    """A view of the store as recordings, and the results made from each."""

    def __init__(self, store: ArtifactStore) -> None:
        self.store = store
        self._sources: dict[str, str] = {}

    def recordings(self) -> list[Artifact]:
        """Return all recordings, newest first."""
        return self.store.list("recording")

    def results(self, recording_key: str) -> list[Artifact]:
        """Return the results of one recording, newest first."""
        return self.store.list("result", source=recording_key)

    def source(self, key: str) -> str:
        """Return the key of the recording that a result was made from; "" if the key is of no result.

        Raises:
            StorageError: the store cannot be read.
        """
        if key not in self._sources and (manifest := self.store.manifest(key)) is not None:
            self._sources[key] = source_of(manifest)  # it never changes: what is kept under a key is made in one way
        return self._sources.get(key, "")

    def open(self, key: str) -> Artifact:
        """Return a recording or result by key.

        Raises:
            StorageError: it is not there any more.
        """
        artifact = self.store.get(
            key, read=False
        )  # pages open it on the event loop; what reads its files compares them
        if artifact is None:
            raise self.gone()
        return artifact

    @staticmethod
    def gone() -> StorageError:
        """Return the error of what is not there."""
        return StorageError(
            "This recording or result is not in the library any more.",
            "It was removed, or evicted to stay within the size limit.",
            "Upload the file again, or run again.",
        )

    def rename(self, key: str, name: str) -> Artifact:
        """Give it another display name; nothing else changes."""
        artifact = self.open(key)
        return self.store.amend(key, replace(artifact.manifest, name=name.strip() or artifact.name))

    def remove(self, key: str) -> bool:
        """Remove a recording or a result; return False if it was not there.

        A recording's finished chunks are removed with it, as no run can continue from them. Its results stay: they can
        still be found by its key, played and saved, but not be run again until the same file is imported again.
        """
        return self.store.remove(key)


def newest(store: ArtifactStore, kind: str, n: int = NEWEST) -> list[Manifest]:
    """Return the manifests of the artifacts of a kind that were written last, the last first; no others are read.

    What is in the trash is left out.

    Raises:
        StorageError: the store cannot be read.
    """
    rows = sorted((row for row in store.rows(kind) if not row.trashed_s), key=lambda row: row.written_s, reverse=True)
    return [manifest for row in rows[:n] if (manifest := store.manifest(row.key)) is not None]


def source_of(manifest: Manifest) -> str:
    """Return the key of the recording that something was made from; "" if it was made from none."""
    return manifest.inputs.get("recording", "")
