"""The first decoder: libsndfile, by soundfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from separation.audio.decoding import mp3
from separation.audio.decoding.complaints import Complaints
from separation.audio.decoding.ffmpeg import frames_after
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
    """Decodes WAV and its relatives, AIFF, CAF, AU, FLAC, Ogg Vorbis and Opus, and MP3 by libsndfile.

    Args:
        file: is read from its start.
        block_samples: about how many samples a block has.
        like: of which the file is the rest: it has no header, and its samples are stored as there.

    Attributes:
        n_read: samples per channel that were given so far.

    Raises:
        NotReadableError: it finds no audio in the file.
    """

    def __init__(self, file: BoundedFile, block_samples: int, *, like: SoundfileReader | None = None):
        self.warnings: list[str] = []
        self.n_read = 0
        self._file, self._block_samples = file, block_samples
        self._complaints = Complaints()
        self._counted = mp3.counts_itself(file)
        file.instead = {} if like else mp3.with_true_size(file)
        file.seek(0)
        try:
            with interrupts_held(), self._complaints.caught():
                self._sound = _ForwardOnly(file, **(like._storage() if like else {}))
        except DECODER_ERRORS as error:
            self._complaints.close()
            raise NotReadableError(system_message(error)) from error
        except BaseException:
            self._complaints.close()
            raise
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

    def without_header(self, file: BoundedFile) -> SoundfileReader:
        """Return a reader of a file that is nothing but samples, stored as those of this one.

        Raises:
            NotReadableError: there is none.
        """
        return SoundfileReader(file, self._block_samples, like=self)

    def _storage(self) -> dict[str, Any]:
        sound, info = self._sound, self.info
        endian = sound.endian if sound.endian != "FILE" else "BIG" if info.format in _BIG_ENDIAN else "LITTLE"
        shape = {"samplerate": info.sample_rate, "channels": info.n_channels}
        return {"format": "RAW", "subtype": info.codec, "endian": endian, **shape}

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All samples; see `Reader`."""
        pieces = chain([self._first], self._pieces())
        for block in grouped(pieces, self._block_samples):
            self.n_read += block.shape[1]
            yield block
        if self.warnings:
            return
        if any(" error: " in line for line in self._complaints.lines()):
            self.warnings.append("The file is damaged; what cannot be decoded is silent or left out.")
        promised = self.info.format != "MP3" or self._counted  # else its length is only guessed from its bit rate
        if _header_promises_more(self._sound.extra_info) or (promised and ends_early(self.n_read, self.info)):
            self.warnings.append(cut_off(self.n_read / self.info.sample_rate))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        # Small reads: at a damaged place soundfile raises, and the rest of that read is lost.
        n_read = self._first.shape[1]
        plain = self.info.format != "FLAC" and self.info.codec.startswith(("PCM_", "FLOAT", "DOUBLE"))
        # libFLAC takes whatever lies behind the last frame, be it a tag, for a damaged frame.
        stop = self.info.n_samples if self.info.format == "FLAC" else None
        try:
            while n_read != stop:
                n_wanted = PCM_PIECE_SAMPLES if plain else PIECE_SAMPLES
                piece = self._read(n_wanted if stop is None else min(n_wanted, stop - n_read))
                if not piece.size:
                    return
                n_read += piece.shape[1]
                yield piece
        except DECODER_ERRORS as error:
            self.warnings.append(f"The file is damaged; what cannot be decoded is left out ({system_message(error)}).")
            # FFmpeg can resynchronise in a damaged FLAC.
            yield from frames_after(n_read, self._file, self.info, self._block_samples)

    def _read(self, n_samples: int) -> NDArray[np.float32]:
        with interrupts_held(), self._complaints.caught() if self._sound.format == "MP3" else nullcontext():
            frames: NDArray[np.float32] = self._sound.read(n_samples, dtype="float32", always_2d=True)
        return frames.T  # a view: what is written again as frames is not turned round twice

    def close(self) -> None:
        """Close libsndfile's file."""
        self._sound.close()
        self._complaints.close()


def _header_promises_more(log: str) -> bool:
    """Whether libsndfile's log of the header names a size beyond the end of the file, or an Ogg without its end."""
    stated_sizes = ((int(stated), int(real)) for stated, real in _SIZE_MISMATCH.findall(log))
    # Programs that write to a pipe cannot know the size and state the largest one; that is no damage.
    too_long = any(stated > real + 8 and stated < 0x7FFF0000 for stated, real in stated_sizes)
    return too_long or "lacks an end-of-stream bit" in log


_SIZE_MISMATCH: Final = re.compile(r"(\d+) \(should be (\d+)\)")
_UNKNOWN_FRAMES: Final = 2**62  # libsndfile's SF_COUNT_MAX is 2**63 - 1
_GUESSED_FORMATS: Final = ("HTK", "MPC2K")  # recognised by two bytes or by the file's length alone
_BIG_ENDIAN: Final = ("AIFF", "AU", "CAF")  # the others store samples little-endian unless they say so
