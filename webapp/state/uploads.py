"""Recordings that are being uploaded and decoded; they can be played and worked on meanwhile."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from nicegui import Event as PageEvent

from separation.results.kept import AUDIO
from separation.results.partial import PartialAudio
from webapp.access.sessions import Session, owner

ANNOUNCE_S = 0.25  # the least time between two announcements of an upload's progress
ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """The state of one upload.

    Attributes:
        key: the key of the upload, which addresses use too; that of the recording is known only at the end.
        name: its name for people.
        audio: the decoded part; None before its header is read.
        by: whose it is.
        recording: the key of the recording in the library; "" before the end.
    """

    key: str
    name: str
    by: Session = field(default_factory=owner, compare=False)
    audio: PartialAudio | None = None
    recording: str = ""


class Uploads:
    """The uploads since this server started; the address of an upload stays valid for its recording.

    `begin` and `end` are called on the event loop, `take` by the decoding thread, and the others from any thread.

    Attributes:
        changed: is emitted with an upload when more of it is decoded, or when it is in the library.
    """

    def __init__(self) -> None:
        self.changed: PageEvent[Upload] = PageEvent()
        self._known: dict[str, Upload] = {}
        self._announced_s: dict[str, float] = {}  # by upload, when its progress was last announced
        self._ended: dict[str, threading.Event] = {}  # for each upload under way
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, key: str, name: str, by: Session | None = None) -> Upload:
        """Start an upload of a visitor, or the host; its page may choose the key: 32 hexadecimal digits, not in use."""
        self._loop = asyncio.get_running_loop()
        if not ID.fullmatch(key) or key in self._known:
            key = uuid4().hex
        self._known[key], self._ended[key] = Upload(key=key, name=name, by=by or owner()), threading.Event()
        return self._known[key]

    def get(self, key: str) -> Upload | None:
        """Return the upload of that key, under way or finished, or None."""
        return self._known.get(key)

    def resolve(self, key: str) -> str:
        """Return the key of the recording that an upload has become; any other key is returned unchanged."""
        upload = self._known.get(key)
        return key if upload is None or not upload.recording else upload.recording

    def partial(self, key: str) -> Mapping[str, PartialAudio]:
        """Return the audio decoded so far while the upload is under way; see `webapp.routes.media.InTheMaking`."""
        upload = self._known.get(key)
        return {} if upload is None or upload.audio is None or upload.recording else {AUDIO: upload.audio}

    def wait(self, key: str, timeout_s: float) -> bool:
        """Wait until the upload is finished or has failed; see `webapp.routes.media.InTheMaking`."""
        ended = self._ended.get(key)
        return ended is None or ended.wait(timeout_s)

    def take(self, key: str, audio: PartialAudio) -> None:
        """Note that more of an upload is decoded; called by the decoding thread."""
        assert self._loop is not None
        upload = self._known[key] = replace(self._known[key], audio=audio)
        if audio.n_ready == audio.n_expected or time.monotonic() > self._announced_s.get(key, 0.0) + ANNOUNCE_S:
            self._announced_s[key] = time.monotonic()
            self._loop.call_soon_threadsafe(self.changed.emit, upload)

    def end(self, key: str, recording: str = "") -> None:
        """Finish an upload: it is in the library under the key `recording`, or, if that is "", it has failed."""
        self._announced_s.pop(key, None)
        if recording:
            self._known[key] = replace(self._known[key], recording=recording)
            self.changed.emit(self._known[key])
        else:
            del self._known[key]
        self._ended.pop(key).set()
