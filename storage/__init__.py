"""The database: content-addressed artifacts with manifests, and the library that pages list."""

from storage.artifact_list import ArtifactList, Entry
from storage.artifacts import ArtifactStore
from storage.errors import StorageError
from storage.library import Library
from storage.manifest import Artifact
from storage.private import data_folder

__all__ = [
    "Artifact",
    "ArtifactList",
    "ArtifactStore",
    "Entry",
    "Library",
    "StorageError",
    "data_folder",
]
