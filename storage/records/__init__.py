"""What pages remember beside the artifacts: records of jobs, drafts, and blind tests with their answers."""

from storage.records.blind_tests import BlindTestTable
from storage.records.drafts import DraftTable
from storage.records.jobs import JobRecord, JobState, JobTable

__all__ = ["BlindTestTable", "DraftTable", "JobRecord", "JobState", "JobTable"]
