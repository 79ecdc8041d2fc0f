"""What is kept: content-addressed artifacts, their manifests, the library the pages list, and the records of jobs."""

from storage.artifacts import ArtifactStore
from storage.catalogue import Catalogue, Entry
from storage.drafts import DraftBook
from storage.errors import StorageError
from storage.home import data_folder
from storage.jobs import JobBook, JobRecord, JobState
from storage.library import Library
from storage.manifest import Artifact

__all__ = [
    "Artifact",
    "ArtifactStore",
    "Catalogue",
    "DraftBook",
    "Entry",
    "JobBook",
    "JobRecord",
    "JobState",
    "Library",
    "StorageError",
    "data_folder",
]
