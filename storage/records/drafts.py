"""Drafts: unfinished requests for a recording, kept so that no reload and no restart loses them."""

from __future__ import annotations

from pathlib import Path

from storage.records.json_table import RecordingTable


class DraftTable(RecordingTable):
    """Drafts by recording, and under the names of parts what else pages keep of it, such as its mixer.

    Args:
        home: the data folder.
    """

    forgotten_after_s = 365 * 24 * 3600.0

    def __init__(self, home: Path) -> None:
        super().__init__(home, "drafts", "drafts")
