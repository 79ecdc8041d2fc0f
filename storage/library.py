"""Recordings and results as the pages list them: a reading of the artifact store, with nothing kept beside it."""

from __future__ import annotations

from dataclasses import replace

from storage.artifacts import ArtifactStore
from storage.errors import StorageError
from storage.manifest import Artifact


class Library:
    """What a person has: recordings, and the results made from each."""

    def __init__(self, store: ArtifactStore) -> None:
        self.store = store

    def recordings(self) -> list[Artifact]:
        """Newest first."""
        return self.store.list("recording")

    def results(self, recording_key: str) -> list[Artifact]:
        """Results of one recording, newest first."""
        return self.store.list("result", source=recording_key)

    def open(self, key: str) -> Artifact:
        """A recording or result by key.

        Raises:
            StorageError: it is not there any more.
        """
        artifact = self.store.get(key)
        if artifact is None:
            raise StorageError(
                "This recording or result is not in the library any more.",
                "It was removed, or evicted to stay within the size limit.",
                "Upload the file again, or run again.",
            )
        return artifact

    def rename(self, key: str, name: str) -> Artifact:
        """Give it another display name; nothing else changes."""
        artifact = self.open(key)
        return self.store.amend(key, replace(artifact.manifest, name=name.strip() or artifact.name))

    def remove(self, key: str) -> bool:
        """Remove a recording or a result; False if it was not there.

        With a recording go its finished chunks, which nothing can go on from any more. Its results stay: they can still
        be found by its key, listened to and saved, but not be run again until the same file is brought again.
        """
        return self.store.remove(key)
