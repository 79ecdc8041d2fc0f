"""Recordings on their way in: seen, heard and worked on while they are sent and decoded."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any
from uuid import uuid4

from nicegui import Event as PageEvent

from separation.results.runs import Decoding

TOLD_EVERY_S = 0.25
REMEMBERED_S = 60.0  # after the end: pages go on asking for it until they have heard of the recording
ID = re.compile(r"[0-9a-f]{32}")


class Upload:
    """One of them. It looks like a recording: it has a key, a name, and `info` once its header is read.

    Attributes:
        key: how its page calls it; the recording's own is known only at the end.
        name: what people call it.
        info: sample_rate, n_channels and n_samples, which may be what the header promises; empty at first.
        decoding: how far it is, and where; None at first.
        recording: the key it is kept under at the end.
    """

    def __init__(self, key: str, name: str, changed: PageEvent[Upload]) -> None:
        self.key, self.name = key, name
        self.info: dict[str, Any] = {}
        self.decoding: Decoding | None = None
        self.recording = ""
        self._changed, self._loop, self._told_s = changed, asyncio.get_running_loop(), 0.0

    def take(self, decoding: Decoding) -> None:
        """More of it is decoded; called by the thread that does so."""
        self.info = {
            "sample_rate": decoding.sample_rate,
            "n_channels": decoding.n_channels,
            "n_samples": max(decoding.n_expected or 0, decoding.n_ready),
        }
        self.decoding = decoding
        if decoding.n_ready == decoding.n_expected or time.monotonic() > self._told_s + TOLD_EVERY_S:
            self._told_s = time.monotonic()
            self._loop.call_soon_threadsafe(self._changed.emit, self)


class Uploads:
    """Those of this server. All of it on the event loop.

    Attributes:
        changed: more of one is there.
    """

    def __init__(self) -> None:
        self.changed: PageEvent[Upload] = PageEvent()
        self._known: dict[str, Upload] = {}

    def begin(self, key: str, name: str) -> Upload:
        """A recording begins to arrive; its page may have chosen a key, 32 hexadecimal digits that are not taken."""
        if not ID.fullmatch(key) or key in self._known:
            key = uuid4().hex
        self._known[key] = Upload(key, name, self.changed)
        return self._known[key]

    def get(self, key: str) -> Upload | None:
        """The one of that key, if it is arriving, or has just arrived."""
        return self._known.get(key)

    def end(self, upload: Upload, recording: str = "") -> None:
        """It is in the library now, under the key `recording`, or it will never be."""
        upload.recording = recording
        if recording:
            asyncio.get_running_loop().call_later(REMEMBERED_S, self._known.pop, upload.key, None)
        else:
            del self._known[upload.key]
