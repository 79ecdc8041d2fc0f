"""What the decoders have in common: the file they read, the interface they answer, what they say of a file.

No decoder opens files itself: each reads through a `BoundedFile`, which serves the file's bytes up to a budget. So a
file cannot make FFmpeg open another file or an address, and a decoder that never advances runs out of bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET
from typing import BinaryIO, Final, Literal, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

# What the two libraries raise about a broken file, beside errors of their own that derive from these.
_FARTHEST: Final = 2**40  # bytes; some systems take 2**44, some 2**32
DECODER_ERRORS: Final = (
    *(soundfile.SoundFileError, OSError, ValueError, TypeError, RuntimeError),
    *(ArithmeticError, LookupError, MemoryError, EOFError),
)


def decoder_errors(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """Return `DECODER_ERRORS`, the root of FFmpeg's own errors, some of which derive from nothing else, and `more`."""
    av = sys.modules.get("av")  # it is loaded where it is used, and not for every file
    return (*DECODER_ERRORS, *([] if av is None else [av.error.FFmpegError]), *more)


class NotReadableError(Exception):
    """This decoder finds no audio in this file; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioInfo:
    """The properties of an audio file as its header states them.

    Attributes:
        format: the container, such as "WAV" or "mov,mp4,m4a,3gp,3g2,mj2".
        codec: how the samples are stored, such as "PCM_16" or "aac".
        sample_rate: Hz.
        n_channels: as stored in the file.
        n_samples: per channel; None when the header does not say.
        decoder: which library reads it.
        tracks: what each audio track is, in words.
        track: the number of the one that is read, from 1 on.
    """

    format: str
    codec: str
    sample_rate: int
    n_channels: int
    n_samples: int | None
    decoder: Literal["soundfile", "pyav"]
    tracks: tuple[str, ...] = ("",)
    track: int = 1

    @property
    def duration_s(self) -> float | None:
        """Length in seconds; None when the header does not say."""
        return None if self.n_samples is None else self.n_samples / self.sample_rate


class Reader(Protocol):
    """An open file whose samples can be read once, from first to last; `trouble` as `BoundedFile` has it."""

    info: AudioInfo
    warnings: list[str]

    @property
    def trouble(self) -> str:
        """Why nothing more could be read; "" if nothing happened."""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield all samples as blocks of shape (channels, any length above 0); problems are added to `warnings`."""

    def close(self) -> None:
        """Close the decoder."""


@dataclass(slots=True)
class _State:
    """What the files share that are read from one: how many bytes may still be read, and why none can be any more."""

    budget: int
    trouble: str = ""


class BoundedFile:
    """A binary file with a budget of bytes, so that a decoder that rereads it endlessly reaches an end.

    The budget is generous: probing and scanning for the length read a file two or three times. Decoders call it
    from C, which exceptions cannot cross, so an error is kept in `trouble`.

    Attributes:
        size: in bytes.
        instead: bytes to give instead of those of the file, by their positions.
    """

    def __init__(self, file: BinaryIO, start: int = 0):
        self._file, self._start = file, start
        self.instead: dict[int, bytes] = {}
        self.size = file.seek(0, SEEK_END) - start
        self._state = _State(64 * self.size + 2**26)  # shared with the files `behind` it
        self.seek(0)

    @property
    def trouble(self) -> str:
        """Why it gives nothing any more, as a sentence without its full stop; "" if nothing happened."""
        return self._state.trouble

    def behind(self, start: int) -> BoundedFile:
        """Return what begins at the byte `start` as a file of its own, with the same budget and `trouble`."""
        rest = BoundedFile(self._file, self._start + start)
        rest._state = self._state
        return rest

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; none at the end of the file or of the budget, or if the disk fails."""
        if self._state.budget <= 0:
            self._state.trouble = "The decoder reads it over and over without coming to an end"
            return b""
        position = self.tell()
        try:
            data = self._file.read(size)
        except OSError as error:
            self._state.trouble = f"Reading it failed ({error.strerror or error})"
            return b""
        self._state.budget -= max(len(data), 1)
        for place, new in self.instead.items():
            first, last = max(place, position), min(place + len(new), position + len(data))
            if first < last:
                data = data[: first - position] + new[first - place : last - place] + data[last - position :]
        return data

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Seek as files do; where only a broken header wants to go becomes the start, or a place behind the end."""
        base = {SEEK_SET: 0, SEEK_CUR: self.tell(), SEEK_END: self.size}[whence]
        wanted = self._start + min(max(0, base + offset), _FARTHEST)
        try:
            return self._file.seek(wanted) - self._start
        except OSError:  # farther than this system's largest file: no exception may cross into C
            return self._file.seek(self._start + self.size) - self._start

    def tell(self) -> int:
        """The position in bytes."""
        return self._file.tell() - self._start


def grouped(pieces: Iterable[NDArray[np.float32]], n_samples: int) -> Iterator[NDArray[np.float32]]:
    """Join short pieces of shape (channels, length) to blocks of `n_samples` or a little more."""
    held: list[NDArray[np.float32]] = []
    n_held = 0
    for piece in pieces:
        held.append(piece)
        n_held += piece.shape[1]
        if n_held >= n_samples:
            yield np.concatenate(held, axis=1) if len(held) > 1 else piece
            held, n_held = [], 0
    if held:
        yield np.concatenate(held, axis=1)


def ends_early(n_read: int, info: AudioInfo) -> bool:
    """Whether a tenth of a second or more is missing; codecs round their length to frames of up to 50 ms."""
    return info.n_samples is not None and n_read < info.n_samples - 0.1 * info.sample_rate


def cut_off(duration_s: float) -> str:
    """Return the warning that the file ends after so many seconds, before what its header promises."""
    return f"The file is cut off: its header promises more than the {duration_s:.2f} s that are there."


def system_message(error: BaseException) -> str:
    """Return the library's error message without the names of Python objects and the paths of files."""
    words = re.sub(r"<[^>]*>|\[Errno \d+\]", "", str(error))
    words = re.sub(r"""(['"])[^'"]*[/\\].*\1( returned \d+)?""", "", words)
    words = re.sub(r"Error opening\s*:?", "", words).strip(" :'.")
    return words or "the data cannot be decoded"
