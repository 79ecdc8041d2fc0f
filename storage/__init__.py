"""The database: content-addressed artifacts with manifests, the library that pages list, drafts and job records."""

from storage.artifact_list import ArtifactList, Entry
from storage.artifacts import ArtifactStore
from storage.drafts import DraftTable
from storage.errors import StorageError
from storage.jobs import JobRecord, JobState, JobTable
from storage.library import Library
from storage.manifest import Artifact
from storage.private import data_folder

__all__ = [
    "Artifact",
    "ArtifactList",
    "ArtifactStore",
    "DraftTable",
    "Entry",
    "JobRecord",
    "JobState",
    "JobTable",
    "Library",
    "StorageError",
    "data_folder",
]
