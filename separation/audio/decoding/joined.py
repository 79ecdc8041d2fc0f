"""Reads a file to its last byte: what its first decoder gives, and then what lies behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from separation.audio.decoding.ffmpeg import PyAVReader, frames_after
from separation.audio.decoding.reader import BoundedFile, NotReadableError
from separation.audio.decoding.rest import Rest, rest_of
from separation.audio.decoding.sndfile import SoundfileReader
from separation.audio.part import no_track
from separation.audio.waveform import resample_blocks, to_channels
from separation.errors import SettingsError
from separation.formatted import clock, size

WORTH_TAKING_S = 0.1  # less is what the decoders make of a file's last frame


class JoinedReader:
    """The whole sound of a file, which may be several files laid end to end; a `Reader`.

    Attributes:
        info: what the header of the first says.
        warnings: complete when all blocks were read.
        trouble: why reading the file came to an end, as `BoundedFile` has it.

    Raises:
        NotReadableError: neither decoder finds audio in it.
        SettingsError: it has no such audio track.
    """

    def __init__(self, opened: BinaryIO, block_samples: int, track: int | None = None) -> None:
        self.warnings: list[str] = []
        self._block_samples, self._track = block_samples, track
        self._reader, self._file = _first_that_reads(BoundedFile(opened), block_samples, track)
        self.info = self._reader.info

    @property
    def trouble(self) -> str:
        """Why nothing more could be read; "" if nothing happened."""
        return self._file.trouble

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All samples; see `Reader`."""
        n_yielded = 0
        while True:
            for block in self._alike(n_yielded):
                n_yielded += block.shape[1]
                yield block
            self.warnings += self._reader.warnings
            rest = None if self.trouble else rest_of(self._file, self._reader.info, self._reader.n_read)
            if rest is None:
                return
            if rest.kind == "file" and self._open_next(rest):
                continue
            n_before = n_yielded
            for block in self._others(rest):
                n_yielded += block.shape[1]
                yield block
            self.warnings.append(self._about(rest, n_before, n_yielded - n_before))
            return

    def _alike(self, n_before: int) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of the file at hand at the rate and with the channels of the first."""
        info, first = self._reader.info, self.info
        if (info.sample_rate, info.n_channels) == (first.sample_rate, first.n_channels):
            yield from self._reader.blocks()
            return
        at = clock(n_before / first.sample_rate, 2)
        self.warnings.append(
            f"From {at} on it has {info.sample_rate} Hz and {info.n_channels} channels; "
            f"this was brought to {first.sample_rate} Hz and {first.n_channels}."
        )
        mixed = (to_channels(block, first.n_channels) for block in self._reader.blocks())
        yield from resample_blocks(mixed, first.n_channels, info.sample_rate, first.sample_rate)

    def _open_next(self, rest: Rest) -> bool:
        """Go on with the file that begins there; whether its sound can follow that of the first."""
        try:
            behind = self._file.behind(rest.start)
            reader, file = _first_that_reads(behind, self._block_samples, self._reader.info.track)
        except (NotReadableError, SettingsError):
            return False
        if reader.info.n_channels != self.info.n_channels > 2:  # nothing says which channel is which
            reader.close()
            return False
        self._reader.close()
        self._reader, self._file = reader, file
        return True

    def _others(self, rest: Rest) -> Iterator[NDArray[np.float32]]:
        """Yield what the other decoder, or the same one without the header, finds behind what the first one gave."""
        reader = self._reader
        if not isinstance(reader, SoundfileReader) or reader.info.sample_rate != self.info.sample_rate:
            return
        if rest.kind == "samples":
            with (
                suppress(NotReadableError),
                closing(reader.without_header(self._file.behind(rest.start))) as more,
            ):
                yield from more.blocks()
            return
        self._file.seek(0)
        found = frames_after(reader.n_read, self._file, reader.info, self._block_samples)
        first = next(found, None)
        if first is not None and first.shape[1] > WORTH_TAKING_S * self.info.sample_rate:
            yield first
            yield from found

    def _about(self, rest: Rest, n_before: int, n_more: int) -> str:
        if n_more:
            stated_s, more_s = n_before / self.info.sample_rate, n_more / self.info.sample_rate
            return f"Its header states {stated_s:.2f} s of sound; the {more_s:.2f} s behind them are used too."
        n_bytes = self._file.size - rest.start
        return f"The last {size(n_bytes)} of the file are not used: no decoder gets sound out of them."

    def close(self) -> None:
        """Close the decoder."""
        self._reader.close()


def _first_that_reads(
    file: BoundedFile, block_samples: int, track: int | None
) -> tuple[SoundfileReader | PyAVReader, BoundedFile]:
    """Return the first decoder that finds audio in the file, and the file that it reads."""
    try:
        reader = SoundfileReader(file, block_samples)
    except NotReadableError:
        file = file.behind(0)
        return PyAVReader(file, block_samples, track), file  # FFmpeg knows more kinds of files, so its reason counts
    if track not in (None, 1):
        reader.close()
        raise no_track(track, "The file has 1 audio track.")
    return reader, file
