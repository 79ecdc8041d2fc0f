"""What is remembered beside the artifacts: jobs, drafts, notes, presets, benchmarks, tests, sessions, owners."""

from storage.records.benchmarks import BenchmarkTable
from storage.records.blind_tests import BlindTestTable
from storage.records.drafts import DraftTable
from storage.records.jobs import JobRecord, JobState, JobTable
from storage.records.notes import NoteTable
from storage.records.owners import OwnerTable
from storage.records.presets import PresetTable
from storage.records.sessions import SessionTable

__all__ = [
    "BenchmarkTable",
    "BlindTestTable",
    "DraftTable",
    "JobRecord",
    "JobState",
    "JobTable",
    "NoteTable",
    "OwnerTable",
    "PresetTable",
    "SessionTable",
]
