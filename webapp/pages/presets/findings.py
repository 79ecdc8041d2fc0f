"""What listening tests have found, as lines at the settings of which they speak."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from separation.comparing.evidence import Evidence
from separation.comparing.heard import sound_words
from separation.request import Request
from webapp.components.settings.settings import SettingField, SettingGroup, SettingNote
from webapp.routes.listening import compare_address
from webapp.state.kept.evidence import ListeningEvidence

MOST = 3  # lines at a setting; the newest tests are shown


def with_findings(groups: Sequence[SettingGroup], settled: Request, evidence: ListeningEvidence) -> list[SettingGroup]:
    """Return the groups with what was found of the values that are set, below each control."""

    def noted(field: SettingField) -> SettingField:
        found = evidence.about(field["name"], field["value"], settled)
        notes = [_note(one) for one in islice(found, MOST)]
        return {**field, "notes": notes} if notes else field

    return [{**group, "fields": [noted(field) for field in group["fields"]]} for group in groups]


def _note(one: Evidence) -> SettingNote:
    return SettingNote(
        words=f"{one.words}.",
        link=f"Test of {sound_words(one.test.stem)} of “{one.test.recording_name}”",
        href=compare_address(one.test),
    )
