"""The database: content-addressed artifacts with manifests, the library that pages list, drafts and job records."""

from storage.artifacts import ArtifactStore
from storage.catalogue import Catalogue, Entry
from storage.drafts import DraftTable
from storage.errors import StorageError
from storage.home import data_folder
from storage.jobs import JobRecord, JobState, JobTable
from storage.library import Library
from storage.manifest import Artifact

__all__ = [
    "Artifact",
    "ArtifactStore",
    "Catalogue",
    "DraftTable",
    "Entry",
    "JobRecord",
    "JobState",
    "JobTable",
    "Library",
    "StorageError",
    "data_folder",
]
