"""Writes sound through libsndfile's encoders, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from separation.errors import FileError, lasting
from separation.export.sink import Sink

# name of the format -> container, subtype and options of libsndfile
OPTIONS: Final[Mapping[str, tuple[str, str, dict[str, object]]]] = {
    "wav16": ("WAV", "PCM_16", {}),
    "wav24": ("WAV", "PCM_24", {}),
    "flac": ("FLAC", "PCM_24", {}),
    "mp3": ("MP3", "MPEG_LAYER_III", {"bitrate_mode": "CONSTANT", "compression_level": 0.0}),
    "ogg": ("OGG", "VORBIS", {"compression_level": 0.3}),  # Vorbis quality 7, about 224 kbit/s in stereo
}

WIDTHS: Final = {"wav16": 2, "wav24": 3}  # bytes of a sample
RF64_FROM_BYTES: Final = 4_000_000_000  # a WAV's sizes are 32-bit; stay clear of 2**32 and the header


class CodecWriter:
    """One open output file of libsndfile; turns float blocks into what its format stores.

    Args:
        path: of the file.
        format: one of `OPTIONS`.
        label: what errors call the format.
        n_channels: of the file.
        sample_rate: Hz.
        dither_seed: of the noise that is added before rounding to 16 bits.
        n_expected: how many samples the file is going to have, about; a WAV beyond 32-bit sizes is an RF64 (EBU Tech
            3306). One that grows so large unexpectedly states no size: all that follows its header is sound.

    Attributes:
        n_samples: that the file holds for certain, per channel; complete once it is closed.

    Raises:
        FileError: the file cannot be written; also `write` and `close`. A FLAC then ends with its last whole frame, and
            says so.
    """

    def __init__(
        self,
        path: Path,
        format: str,
        label: str,
        n_channels: int,
        sample_rate: int,
        dither_seed: int = 0,
        n_expected: int = 0,
    ) -> None:
        self.n_samples = 0
        self._format, self._label, self._folder = format, label, path.parent
        self._dither = np.random.default_rng(dither_seed)
        container, subtype, options = OPTIONS[format]
        if n_expected * n_channels * WIDTHS.get(format, 0) >= RF64_FROM_BYTES:
            container = "RF64"
        try:
            self._sink = _FlacSink(path) if format == "flac" else Sink(path)
        except OSError as error:
            raise _failure(label, path.parent, error) from error
        try:
            self._file = soundfile.SoundFile(
                self._sink, "w", sample_rate, n_channels, subtype, format=container, **options
            )
        except soundfile.SoundFileError as error:
            self._sink.close()
            raise _failure(label, path.parent, self._sink.error or error) from error

    def write(self, block: NDArray[np.float32]) -> None:
        """Append a block of shape (channels, any length)."""
        try:
            self._file.write(self._quantised(block.T))
        except (soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that everything was taken
            raise _failure(self._label, self._folder, self._sink.error or error) from error
        if self._sink.error is not None:  # not every encoder tells
            raise _failure(self._label, self._folder, self._sink.error)
        self.n_samples += block.shape[1]

    def close(self) -> None:
        """Finish the file."""
        if self._sink.closed:
            return
        try:
            self._file.close()
            if self._sink.error is not None:
                raise _failure(self._label, self._folder, self._sink.error)
        except soundfile.SoundFileError as error:
            raise _failure(self._label, self._folder, self._sink.error or error) from error
        finally:
            if self._sink.error is not None and isinstance(self._sink, _FlacSink):
                with suppress(OSError, IndexError):  # or there is not even a header
                    self.n_samples = min(self.n_samples, self._sink.end())
            self._sink.close()

    def _quantised(self, frames: NDArray[np.float32]) -> NDArray[np.int16] | NDArray[np.int32] | NDArray[np.float32]:
        """Frames of shape (samples, channels) as the integers, or the clipped floats, that the codec receives."""
        if self._format == "wav16":
            # Triangular noise of +-1 LSB makes the rounding error independent of the signal
            # (Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither", JAES 1992).
            noise = self._dither.random((*frames.shape, 2)).sum(axis=-1) - 1
            codes16: NDArray[np.float64] = np.rint(frames * 2.0**15 + noise).clip(-(2**15), 2**15 - 1)
            return codes16.astype(np.int16)
        if self._format in ("wav24", "flac"):
            # libsndfile takes 24 bits from the top of 32
            codes24: NDArray[np.float32] = np.rint(frames * 2.0**23).clip(-(2**23), 2**23 - 1)
            return codes24.astype(np.int32) * np.int32(256)
        return frames.clip(-1, 1)

    def __enter__(self) -> CodecWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is None:
            self.close()
            return
        with suppress(FileError):  # the first failure is the one to tell
            self.close()


class _FlacSink(Sink):
    """A FLAC file, which knows its whole frames: the encoder writes each of them at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._n_frames = 0

    def write(self, data: Any) -> int:
        """See `Sink.write`."""
        n_written = super().write(data)
        self._n_frames += bytes(data[:2]) == b"\xff\xf8" and n_written > 0
        return n_written

    def end(self) -> int:
        """Write into a file that was cut off how many samples it holds, per channel; return how many."""
        self.seek(0)
        head = self.read(26)  # “fLaC”, and the beginning of STREAMINFO (RFC 9639, section 8.2)
        n_samples = self._n_frames * int.from_bytes(head[10:12])  # all blocks but the last are of this size
        self.patch(21, bytes([head[21] & 0xF0 | n_samples >> 32]) + (n_samples & 0xFFFFFFFF).to_bytes(4))
        return n_samples


def _failure(label: str, folder: Path, error: Exception) -> FileError:
    said = f"The system says: {error.strerror}." if isinstance(error, OSError) else f"The encoder says: {error}"
    return FileError(
        f"The {label} file could not be written.",
        said,
        f"Check that {str(lasting(folder))!r} exists, may be written to, and has room.",
    )
