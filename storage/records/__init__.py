"""What pages remember beside the artifacts: records of jobs, and drafts."""

from storage.records.drafts import DraftTable
from storage.records.jobs import JobRecord, JobState, JobTable

__all__ = ["DraftTable", "JobRecord", "JobState", "JobTable"]
