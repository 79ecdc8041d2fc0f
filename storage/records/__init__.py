"""What pages remember beside the artifacts: jobs, drafts, notes, presets, benchmarks, blind tests and answers."""

from storage.records.benchmarks import BenchmarkTable
from storage.records.blind_tests import BlindTestTable
from storage.records.drafts import DraftTable
from storage.records.jobs import JobRecord, JobState, JobTable
from storage.records.notes import NoteTable
from storage.records.presets import PresetTable

__all__ = [
    "BenchmarkTable",
    "BlindTestTable",
    "DraftTable",
    "JobRecord",
    "JobState",
    "JobTable",
    "NoteTable",
    "PresetTable",
]
