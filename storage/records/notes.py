"""Notes that people pin to times of a recording, kept as long as the recording."""

from __future__ import annotations

from pathlib import Path

from storage.records.json_table import RecordingTable


class NoteTable(RecordingTable):
    """Notes by recording, each a part under its own id, so that two who change different ones lose neither.

    Args:
        home: the data folder.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "notes", "notes")
