"""The files that were brought together, as one value, with the functions that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from separation.results.kept import Recording


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtFile:
    """One of several files.

    Attributes:
        name: its name for people.
        upload: the key of its upload; "" if it came from the library.
        recording: the recording that it has become; None before.
        refused: why it was not taken; "" if it was, or may be.
    """

    name: str
    upload: str = ""
    recording: Recording | None = None
    refused: str = ""

    @property
    def id(self) -> str:
        """What names it in the list, as long as it is there."""
        return self.upload or self.key

    @property
    def key(self) -> str:
        """The key of its recording; "" before there is one."""
        return self.recording.key if self.recording is not None else ""

    @property
    def is_coming(self) -> bool:
        """Whether it waits for its upload, or is being sent or read."""
        return self.recording is None and not self.refused


Files = tuple[BroughtFile, ...]


def from_library(recordings: Sequence[Recording]) -> Files:
    """Return the list of recordings that are there already."""
    return tuple(BroughtFile(name=one.name, recording=one) for one in recordings)


def arrived(files: Files, upload: str, recording: Recording) -> Files:
    """Return the list after an upload has become a recording; one that was in it already is there once."""
    again = any(one.key == recording.key for one in files)
    kept = (one for one in files if not (again and one.upload == upload))
    return tuple(
        replace(one, recording=recording, name=recording.name) if one.upload == upload else one for one in kept
    )


def refused(files: Files, upload: str, why: str) -> Files:
    """Return the list after a file was not taken."""
    return tuple(replace(one, refused=why) if one.upload == upload else one for one in files)


def without(files: Files, id: str) -> Files:
    """Return the list without a file."""
    return tuple(one for one in files if one.id != id)


def find(files: Files, id: str) -> BroughtFile | None:
    """Return the file that an id, an upload or a recording names, or None."""
    return next((one for one in files if id and id in (one.id, one.key)), None)
