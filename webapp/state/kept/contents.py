"""What recordings hold, music or talk, for pages: listened to in a thread, and said when it is known."""

from __future__ import annotations

import logging

from nicegui import Event as PageEvent

from separation.audio.content import Content
from separation.errors import PlaygroundError
from separation.metrics.musical import content_of
from separation.results.kept import Recording
from separation.results.partial import Sound
from webapp.state.runner import Runner

log = logging.getLogger(__name__)


class Contents:
    """What recordings hold. Pages never wait for it.

    Attributes:
        changed: is emitted on the event loop when it is known of one more.
    """

    def __init__(self) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._known: dict[str, Content | None] = {}
        self._asked: set[str] = set()
        self._runner = Runner("contents")

    def of(self, recording: Sound | None) -> Content | None:
        """Return what a recording holds; None as long as that is not known, as of one that is still arriving."""
        if not isinstance(recording, Recording):
            return None
        if recording.key not in self._asked:
            self._asked.add(recording.key)
            self._runner.submit(lambda: self._listen(recording))
        return self._known.get(recording.key)

    def _listen(self, recording: Recording) -> None:
        try:
            self._known[recording.key] = content_of(recording.audio)
        except PlaygroundError as error:  # a run says so
            log.warning("a recording cannot be listened to: %s", error)
            return
        self._runner.tell(self.changed.emit)
