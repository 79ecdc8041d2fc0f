"""What pages remember beside the artifacts: jobs, drafts, notes, presets, and blind tests with their answers."""

from storage.records.blind_tests import BlindTestTable
from storage.records.drafts import DraftTable
from storage.records.jobs import JobRecord, JobState, JobTable
from storage.records.notes import NoteTable
from storage.records.presets import PresetTable

__all__ = ["BlindTestTable", "DraftTable", "JobRecord", "JobState", "JobTable", "NoteTable", "PresetTable"]
