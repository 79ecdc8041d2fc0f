"""Writes tracks that can be played while they are made: files grow by one finished chunk at a time.

Unlike those of `separation.encode`, which appear only when complete, these files have their final names from the start;
if a run ends early, they hold everything finished until then and can be played.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from separation.audio.encode import FORMATS, FloatWavWriter, dbfs
from separation.audio.files import NOTHING_READ, FilesRead, new_file, writing, written_into
from separation.audio.names import plain_names
from separation.errors import FileError, SettingsError
from separation.events import ChunkFinished, Event, Planned, TracksOpened
from separation.export.libsndfile import CodecWriter
from separation.export.tags import Tags, write_tags

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The others are complete only at their end, or written by encoders that hold seconds back.
STREAMABLE = ("wav32f", "wav16", "wav24", "flac")
MAX_WAV_SIZE = 0xFFFFFFFF  # players take it as “until the file ends”


class StreamedTracks:
    """Writes the tracks of a run from its events.

    Args:
        folder: where the files go; existing ones of a track's name are replaced when its first audio arrives.
        format: one of `STREAMABLE`.
        sample_rate: Hz of the mixture, and so of the tracks.
        read: files that no track may replace.

    Raises:
        SettingsError: the format cannot grow; it lists those that can.
    """

    def __init__(self, folder: Path, format: str, sample_rate: int, read: FilesRead = NOTHING_READ) -> None:
        if format not in STREAMABLE:
            raise SettingsError(
                f"Files of the format {format} cannot be played while they are written.",
                "It is finished only at its end.",
                f"Choose one of: {', '.join(STREAMABLE)}; or leave streaming off.",
            )
        self.paths: dict[str, Path] = {}
        self._folder, self._format, self._sample_rate, self._read = folder, format, sample_rate, read
        self._files: dict[str, StreamedFile] = {}
        self._n_expected = 0

    def take(self, event: Event) -> None:
        """Append the audio of an event; only `Planned`, `TracksOpened` and `ChunkFinished` have an effect."""
        if isinstance(event, Planned):
            self._begin_anew()
            names = zip(event.stems, plain_names(event.stems), strict=True)
            self.paths = {stem: self._folder / f"{name}{FORMATS[self._format].extension}" for stem, name in names}
        elif isinstance(event, TracksOpened):
            self._n_expected = event.n_expected
        elif isinstance(event, ChunkFinished):
            if not self._files:
                self._open(event.audio)
            for stem, samples in event.audio.items():
                self._files[stem].write(samples)

    @property
    def n_samples(self) -> int:
        """How many samples each of the files holds; after a failure it is certain once they are closed."""
        return min((file.n_samples for file in self._files.values()), default=0)

    def notes(self) -> dict[str, str]:
        """Return notes on changes that the format made to the sound, for the tracks where it made any."""
        return {stem: file.note for stem, file in self._files.items() if file.note}

    def _begin_anew(self) -> None:
        """Start over on a second `Planned`, which comes from a run repeated with other settings: replace the tracks."""
        self.close()
        self._files = {}

    def _open(self, audio: Mapping[str, NDArray[np.float32]]) -> None:
        self._read.refuse(*self.paths.values())
        refuse_passages(self.paths.values())
        for stem, path in self.paths.items():
            self._files[stem] = StreamedFile(path, self._format, len(audio[stem]), self._sample_rate, self._n_expected)

    def tag(self, tags: Tags) -> None:
        """Write the tags of the recording into the closed files; each is replaced by one that has them.

        Raises:
            FileError: a file cannot be written; it stays as it is.
        """
        if not tags:
            return
        for stem, path in self.paths.items():
            with new_file(path, self._read) as part:
                shutil.copyfile(path, part)
                write_tags(part, path.suffix, tags.of_sound(stem))

    def close(self) -> None:
        """Finish the files.

        Raises:
            FileError: one of them could not be written to its end; it can be played as far as `n_samples` says.
        """
        with ExitStack() as closing_all:
            for file in self._files.values():
                closing_all.callback(file.close)

    def __enter__(self) -> StreamedTracks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def refuse_passages(paths: Iterable[Path]) -> None:
    """Refuse places where no file can grow.

    Raises:
        FileError: a device or a FIFO lies there, or what cannot be written into at all.
    """
    for path in paths:
        if written_into(path):
            raise FileError(
                f"{str(path)!r} cannot be played while it is written.",
                "A device or a FIFO is there, and the beginning of the file changes as it grows.",
                "Leave streaming off, or choose another folder.",
            )


class StreamedFile:
    """One audio file whose header is true after every `write`; its samples are those that `encode` writes.

    Raises:
        FileError: it cannot be written.
    """

    def __init__(self, path: Path, format: str, n_channels: int, sample_rate: int, n_expected: int = 0) -> None:
        self._path, self._format = path, format
        self._n_clipped, self._peak = 0, 0.0
        with self._writing():
            self._writer: _StreamedFloatWav | CodecWriter = (
                _StreamedFloatWav(path, n_channels, sample_rate)
                if format == "wav32f"
                else CodecWriter(path, format, FORMATS[format].label, n_channels, sample_rate, n_expected=n_expected)
            )

    @property
    def note(self) -> str:
        """Return a note for the user about the file, or ""."""
        if not self._n_clipped:
            return ""
        return f"{self._n_clipped} samples over full scale were clipped (peak {dbfs(self._peak):+.1f} dBFS)."

    @property
    def n_samples(self) -> int:
        """How many samples the file holds, per channel."""
        return self._writer.n_samples

    def write(self, block: NDArray[np.float32]) -> None:
        """Append a block of shape (channels, any length)."""
        with self._writing():
            self._writer.write(block)
            if self._format in ("wav16", "wav24"):
                _update_sizes(self._path)
        if self._format != "wav32f":
            level = np.abs(block)
            self._n_clipped += int(np.count_nonzero(level > 1))
            self._peak = max(self._peak, float(level.max(initial=0)))

    def close(self) -> None:
        """Finish the file."""
        with self._writing():
            try:
                self._writer.close()
            finally:
                if self._format in ("wav16", "wav24"):  # after a failure there may be more than was said
                    _update_sizes(self._path)

    def _writing(self) -> AbstractContextManager[None]:
        return writing(repr(self._path.name), self._path.parent)


class _StreamedFloatWav(FloatWavWriter):
    def __init__(self, path: Path, n_channels: int, sample_rate: int) -> None:
        super().__init__(path, n_channels, sample_rate)
        self._path = path

    def close(self) -> None:
        """Write the sizes into the header, and cut off what a failure left behind them."""
        try:
            super().close()
        finally:
            length = len(self._header()) + 4 * self._n_channels * self.n_samples
            if self._path.stat().st_size > length:
                os.truncate(self._path, length)

    def write(self, block: NDArray[np.float32]) -> None:
        before = self.n_samples
        try:
            super().write(block)
            self._file.seek(0)
            self._file.write(self._header())
            self._file.seek(0, os.SEEK_END)
            self._file.flush()
        except (FileError, OSError):
            self.n_samples = before  # which is what the header says
            raise


def _update_sizes(path: Path) -> None:
    """Write a WAV's current sizes into its header; libsndfile, which writes the samples, does so only on closing."""
    with path.open("r+b") as file:
        large = file.read(4) == b"RF64"
        n_bytes = file.seek(0, os.SEEK_END)
        at, name, frame_bytes = 12, b"", 1
        while name != b"data":
            file.seek(at)
            name, size = struct.unpack("<4sI", file.read(8))
            if name == b"fmt ":
                (frame_bytes,) = struct.unpack("<12xH", file.read(14))
            start, at = at, at + 8 + size + size % 2
        if large:
            data_bytes = n_bytes - start - 8
            file.seek(20)  # in the chunk ds64, which comes first
            file.write(struct.pack("<QQQ", n_bytes - 8, data_bytes, data_bytes // frame_bytes))
            return
        for where, size in ((4, n_bytes - 8), (start + 4, n_bytes - start - 8)):
            file.seek(where)
            file.write(struct.pack("<I", min(size, MAX_WAV_SIZE)))
