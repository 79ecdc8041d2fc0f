"""The first decoder: libsndfile, by soundfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from separation.audio.decoding.ffmpeg import PyAVReader
from separation.audio.decoding.reader import (
    DECODER_ERRORS,
    AudioInfo,
    BoundedFile,
    NotReadableError,
    cut_off,
    ends_early,
    grouped,
    system_message,
)
from separation.audio.interrupts import interrupts_held
from separation.audio.waveform import check_channels

PIECE_SAMPLES: Final = 4_096  # one read of libsndfile; FFmpeg's frames are about as long
PCM_PIECE_SAMPLES: Final = 65_536  # plain samples cannot be damaged so that decoding fails


class _ForwardOnly(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types, so its class is Any
    """A sound file on which soundfile never seeks.

    soundfile seeks to where it already is after every read. libsndfile's MP3 decoder starts afresh there, without the
    bits its next frames borrow from earlier ones: reading by blocks of 4096 samples was up to 0.35 of full scale off.
    """

    def seekable(self) -> bool:
        return False


class SoundfileReader:
    """Decodes WAV and its relatives, AIFF, CAF, AU, FLAC, Ogg Vorbis and Opus, and MP3 by libsndfile."""

    def __init__(self, file: BoundedFile, block_samples: int):
        self.warnings: list[str] = []
        self._file, self._block_samples = file, block_samples
        try:
            with interrupts_held():
                self._sound = _ForwardOnly(file)
        except DECODER_ERRORS as error:
            raise NotReadableError(system_message(error)) from error
        try:
            self.info = self._read_header()
            self._first = self._read(PIECE_SAMPLES)
        except DECODER_ERRORS as error:
            self.close()
            raise NotReadableError(system_message(error)) from error
        except BaseException:
            self.close()
            raise
        if not self._first.size:
            self.close()
            raise NotReadableError("it holds no audio samples")

    def _read_header(self) -> AudioInfo:
        sound = self._sound
        if sound.format in _GUESSED_FORMATS:
            raise NotReadableError(f"it only looks like {sound.format}")
        check_channels(sound.channels)  # before a block of 1 024 channels is allocated
        if sound.format == "OGG" and sound.channels > 2:
            raise NotReadableError("libsndfile leaves Ogg's own order of channels as it is")
        return AudioInfo(
            format=sound.format,
            codec=sound.subtype,
            sample_rate=sound.samplerate,
            n_channels=sound.channels,
            n_samples=sound.frames if 0 < sound.frames < _UNKNOWN_FRAMES else None,
            decoder="soundfile",
        )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All samples; see `Reader`."""
        n_read = 0
        pieces = chain([self._first], self._pieces())
        for block in grouped(pieces, self._block_samples):
            n_read += block.shape[1]
            yield block
        if self.warnings:
            return
        if _header_promises_more(self._sound.extra_info) or ends_early(n_read, self.info):
            self.warnings.append(cut_off(n_read / self.info.sample_rate))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        # Small reads: at a damaged place soundfile raises, and the rest of that read is lost.
        n_read = self._first.shape[1]
        plain = self.info.format != "FLAC" and self.info.codec.startswith(("PCM_", "FLOAT", "DOUBLE"))
        try:
            while (piece := self._read(PCM_PIECE_SAMPLES if plain else PIECE_SAMPLES)).size:
                n_read += piece.shape[1]
                yield piece
        except DECODER_ERRORS as error:
            self.warnings.append(f"The file is damaged; what cannot be decoded is left out ({system_message(error)}).")
            yield from self._beyond_damage(n_read)

    def _beyond_damage(self, n_read: int) -> Iterator[NDArray[np.float32]]:
        """Yield what FFmpeg, which can resynchronise in a damaged FLAC, decodes after the first `n_read` samples."""
        self._file.seek(0)
        try:
            rest = PyAVReader(self._file, self._block_samples)
        except NotReadableError:
            return  # the warning already reports the damage
        with closing(rest):
            if (rest.info.sample_rate, rest.info.n_channels) != (self.info.sample_rate, self.info.n_channels):
                return
            n_skip = n_read
            for block in rest.blocks():
                if block.shape[1] > n_skip:
                    yield block[:, n_skip:]
                n_skip = max(0, n_skip - block.shape[1])

    def _read(self, n_samples: int) -> NDArray[np.float32]:
        with interrupts_held():
            frames: NDArray[np.float32] = self._sound.read(n_samples, dtype="float32", always_2d=True)
        return frames.T  # a view: what is written again as frames is not turned round twice

    def close(self) -> None:
        """Close libsndfile's file."""
        self._sound.close()


def _header_promises_more(log: str) -> bool:
    """Whether libsndfile's log of the header names a size beyond the end of the file, or an Ogg without its end."""
    stated_sizes = ((int(stated), int(real)) for stated, real in _SIZE_MISMATCH.findall(log))
    # Programs that write to a pipe cannot know the size and state the largest one; that is no damage.
    too_long = any(stated > real + 8 and stated < 0x7FFF0000 for stated, real in stated_sizes)
    return too_long or "lacks an end-of-stream bit" in log


_SIZE_MISMATCH: Final = re.compile(r"(\d+) \(should be (\d+)\)")
_UNKNOWN_FRAMES: Final = 2**62  # libsndfile's SF_COUNT_MAX is 2**63 - 1
_GUESSED_FORMATS: Final = ("HTK", "MPC2K")  # recognised by two bytes or by the file's length alone
