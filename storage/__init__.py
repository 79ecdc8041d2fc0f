"""What is kept: content-addressed artifacts, their manifests, and the library the pages list."""

from storage.artifacts import Artifact, ArtifactStore
from storage.errors import StorageError
from storage.home import data_folder
from storage.library import Library

__all__ = ["Artifact", "ArtifactStore", "Library", "StorageError", "data_folder"]
