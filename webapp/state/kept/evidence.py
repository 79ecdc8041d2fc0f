"""What the listening tests of this computer have found of single settings, for all pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from nicegui import Event as PageEvent

from separation.backends import registry
from separation.comparing.evidence import Evidence, evidence_of
from separation.request import Request
from separation.workflows import presets
from storage import StorageError
from webapp.state.blind_tests import BlindTests

log = logging.getLogger(__name__)


class ListeningEvidence:
    """The evidence of all tests; one that is deleted takes its evidence with it. Use it on the event loop only.

    Attributes:
        changed: is emitted when some evidence is new, other or gone.
    """

    def __init__(self, tests: BlindTests) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._tests = tests
        self._known: dict[str, tuple[Evidence, ...]] | None = None
        tests.changed.subscribe(self._test_changed)

    def about(self, setting: str, value: object, settled: Request) -> Iterator[Evidence]:
        """Yield what is known of a value of a setting, of the newest test first; see `Evidence.is_about`."""
        if self._known is None:
            self._known = {test_id: evidence for test_id in self._ids() if (evidence := self._of(test_id))}
        every = sorted((one for found in self._known.values() for one in found), key=lambda one: one.test.created)
        return (one for one in reversed(every) if one.is_about(setting, value, settled))

    def _ids(self) -> list[str]:
        try:
            return [test.id for test in self._tests.all()]
        except StorageError as error:  # settings can be chosen without
            log.warning("what listening tests have found is passed over: %s", error)
            return []

    def _of(self, test_id: str) -> tuple[Evidence, ...]:
        try:
            test = self._tests.get(test_id)
            if test is None or len(test.sides) != 2 or not all(side.made_with for side in test.sides):
                return ()  # without a look at all the answers
            return evidence_of(test, self._tests.listeners(test), preset_of)
        except StorageError as error:
            log.warning("what a listening test has found is passed over: %s", error)
            return ()

    def _test_changed(self, test_id: str) -> None:
        if self._known is None:
            return
        before, after = self._known.pop(test_id, ()), self._of(test_id)
        if after:
            self._known[test_id] = after
        if after != before:
            self.changed.emit()


def preset_of(request: Request) -> str:
    """Return the name of the preset of its backend that a request is, "" if it is none."""
    backend = registry.named(request.backend)
    if backend is None or not backend.profile.presets:
        return ""
    name = presets.name_of(request, backend)
    return "" if name == presets.CUSTOM else name
