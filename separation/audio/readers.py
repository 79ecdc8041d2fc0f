"""The two audio decoders behind one interface: libsndfile (soundfile) and FFmpeg's libraries (PyAV).

Neither opens files itself: both read through a `BoundedFile`, which serves the file's bytes up to a budget. So a file
cannot make FFmpeg open another file or an address, and a decoder that never advances runs out of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET
from itertools import chain
from typing import Any, BinaryIO, Final, Literal, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from separation.audio.interrupts import interrupts_held
from separation.audio.waveform import check_channels

# What the two libraries raise about a broken file, beside errors of their own that derive from these.
DECODER_ERRORS: Final = (
    *(soundfile.SoundFileError, OSError, ValueError, TypeError, RuntimeError),
    *(ArithmeticError, LookupError, MemoryError, EOFError),
)

PIECE_SAMPLES: Final = 4_096  # one read of libsndfile; FFmpeg's frames are about as long
PCM_PIECE_SAMPLES: Final = 65_536  # plain samples cannot be damaged so that decoding fails
MAX_STREAMS: Final = 16  # audio tracks tried
MAX_SILENT_PACKETS: Final = 100_000  # in a row; the longest real run is a few priming packets


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
    """

    format: str
    codec: str
    sample_rate: int
    n_channels: int
    n_samples: int | None
    decoder: Literal["soundfile", "pyav"]

    @property
    def duration_s(self) -> float | None:
        """Length in seconds; None when the header does not say."""
        return None if self.n_samples is None else self.n_samples / self.sample_rate


class Reader(Protocol):
    """An open file whose samples can be read once, from first to last."""

    info: AudioInfo
    warnings: list[str]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield all samples as blocks of shape (channels, any length above 0); problems are added to `warnings`."""

    def close(self) -> None:
        """Close the decoder."""


class BoundedFile:
    """A binary file with a budget of bytes, so that a decoder that rereads it endlessly reaches an end.

    The budget is generous: probing and scanning for the length read a file two or three times. Decoders call it
    from C, which exceptions cannot cross, so an error is kept in `trouble`.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self.trouble = ""
        self.size = file.seek(0, SEEK_END)
        self._budget = 64 * self.size + 2**26
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; none at the end of the file or of the budget, or if the disk fails."""
        if self._budget <= 0:
            self.trouble = "The decoder reads it over and over without coming to an end"
            return b""
        try:
            data = self._file.read(size)
        except OSError as error:
            self.trouble = f"Reading it failed ({error.strerror or error})"
            return b""
        self._budget -= max(len(data), 1)
        return data

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Seek as files do; a position before the start, which only a broken header asks for, becomes the start."""
        base = {SEEK_SET: 0, SEEK_CUR: self._file.tell(), SEEK_END: self.size}[whence]
        return self._file.seek(max(0, base + offset))

    def tell(self) -> int:
        """The position in bytes."""
        return self._file.tell()


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
            raise NotReadableError(_system_message(error)) from error
        try:
            self.info = self._read_header()
            self._first = self._read(PIECE_SAMPLES)
        except DECODER_ERRORS as error:
            self.close()
            raise NotReadableError(_system_message(error)) from error
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
        if _header_promises_more(self._sound.extra_info) or _ends_early(n_read, self.info):
            self.warnings.append(_cut_off(n_read / self.info.sample_rate))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        # Small reads: at a damaged place soundfile raises, and the rest of that read is lost.
        n_read = self._first.shape[1]
        plain = self.info.format != "FLAC" and self.info.codec.startswith(("PCM_", "FLOAT", "DOUBLE"))
        try:
            while (piece := self._read(PCM_PIECE_SAMPLES if plain else PIECE_SAMPLES)).size:
                n_read += piece.shape[1]
                yield piece
        except DECODER_ERRORS as error:
            self.warnings.append(f"The file is damaged; what cannot be decoded is left out ({_system_message(error)}).")
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


class PyAVReader:
    """Decodes video files, m4a, webm, wma, raw AAC and AC-3 and all other formats by FFmpeg's libraries."""

    def __init__(self, file: BoundedFile, block_samples: int):
        self.warnings: list[str] = []
        self._block_samples = block_samples
        self._container = open_container(file)
        n_streams = len(self._container.streams.audio)
        if n_streams == 0:
            self.close()
            raise NotReadableError("it has no audio track")
        reason = ""
        for index in range(min(n_streams, MAX_STREAMS)):
            if index:  # a decoder that failed leaves the container in the middle of the file
                self.close()
                file.seek(0)
                self._container = open_container(file)
            try:
                self._frames = self._decoded(self._container.streams.audio[index])
                first = next(self._frames, None)
                if first is not None:
                    self._first = first
                    self.info = self._read_header(self._container.streams.audio[index], first)
                    return
                reason = "its data cannot be decoded" if self.warnings else "it holds no audio samples"
            except DECODER_ERRORS as error:
                reason = _system_message(error)
            except BaseException:
                self.close()
                raise
            self.warnings.clear()
        self.close()
        raise NotReadableError(reason)

    def _read_header(self, stream: Any, first: Any) -> AudioInfo:
        n_channels = len(first.layout.channels)
        check_channels(n_channels)
        container = self._container
        # Where the length is only guessed from the bit rate it is worth nothing.
        duration_s = None
        if container.format.name in _FORMATS_WITH_LENGTH:
            if stream.duration and stream.time_base:
                duration_s = float(stream.duration * stream.time_base)
            elif container.duration and len(container.streams) == 1:
                duration_s = container.duration / 1e6  # FFmpeg's AV_TIME_BASE
        n_samples = round(duration_s * first.sample_rate) if duration_s and duration_s > 0 else None
        if container.format.name == "caf" and stream.codec_context.name.startswith("pcm_"):
            n_samples = stream.frames or None  # exact, where its duration is a guess
        return AudioInfo(
            format=container.format.name,
            codec=stream.codec_context.name,
            sample_rate=first.sample_rate,  # HE-AAC's header states half of it
            n_channels=n_channels,
            n_samples=n_samples,
            decoder="pyav",
        )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All samples; see `Reader`."""
        n_read = 0
        for block in grouped(self._pieces(), self._block_samples):
            n_read += block.shape[1]
            yield block
        if _ends_early(n_read, self.info):
            self.warnings.append(_cut_off(n_read / self.info.sample_rate))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        shape = (self.info.sample_rate, self.info.n_channels)
        for frame in chain([self._first], self._frames):
            if (frame.sample_rate, len(frame.layout.channels)) != shape:
                self.warnings.append("The rate or the number of channels changes; only what comes before is used.")
                return
            yield _frame_samples(frame)

    def _decoded(self, stream: Any) -> Iterator[Any]:
        """Yield the frames of one stream that hold samples. Damaged packets are skipped, with one warning for all."""
        n_silent = n_damaged = 0
        packets = self._container.demux(stream)
        try:
            while n_silent < MAX_SILENT_PACKETS and (packet := next(packets, None)) is not None:
                n_silent += 1
                try:
                    frames = packet.decode()
                except EOFError:
                    break
                except DECODER_ERRORS:
                    n_damaged += 1
                    continue
                for frame in frames:
                    if frame.samples:
                        n_silent = 0
                        yield frame
        except DECODER_ERRORS as error:
            self.warnings.append(f"The file is damaged and was read up to there ({_system_message(error)}).")
        if n_damaged:
            self.warnings.append(f"The file is damaged; pieces left out because they cannot be decoded: {n_damaged}.")

    def close(self) -> None:
        """Close FFmpeg's container."""
        self._container.close()


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


def open_container(file: BoundedFile) -> Any:
    """Open a file with FFmpeg, so that FFmpeg reads nothing else; raise `NotReadableError` if it cannot."""
    import av  # on demand: it loads some 40 MB of libraries that a WAV never needs

    options = {
        # Playlists, subtitles and pictures are not audio, and playlists name other files.
        "format_whitelist": _AV_FORMATS,
        "protocol_whitelist": "none",
    }
    try:
        return av.open(file, options=options, metadata_errors="replace")
    except DECODER_ERRORS as error:
        raise NotReadableError(_system_message(error)) from error


def _frame_samples(frame: Any) -> NDArray[np.float32]:
    """Return a decoded frame as float32 of shape (channels, samples), whatever its sample format."""
    samples = frame.to_ndarray()  # planar: (channels, samples); packed: (1, samples * channels)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, len(frame.layout.channels)).T
    if samples.dtype == np.uint8:
        samples = samples.astype(np.float32) / 128 - 1
    elif np.issubdtype(samples.dtype, np.integer):
        samples = samples / -float(np.iinfo(samples.dtype).min)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, which the caller looks for
        return np.ascontiguousarray(samples, np.float32)


def _header_promises_more(log: str) -> bool:
    """Whether libsndfile's log of the header names a size beyond the end of the file, or an Ogg without its end."""
    stated_sizes = ((int(stated), int(real)) for stated, real in _SIZE_MISMATCH.findall(log))
    # Programs that write to a pipe cannot know the size and state the largest one; that is no damage.
    too_long = any(stated > real + 8 and stated < 0x7FFF0000 for stated, real in stated_sizes)
    return too_long or "lacks an end-of-stream bit" in log


def _ends_early(n_read: int, info: AudioInfo) -> bool:
    """Whether a tenth of a second or more is missing; codecs round their length to frames of up to 50 ms."""
    return info.n_samples is not None and n_read < info.n_samples - 0.1 * info.sample_rate


def _cut_off(duration_s: float) -> str:
    return f"The file is cut off: its header promises more than the {duration_s:.2f} s that are there."


def _system_message(error: BaseException) -> str:
    """Return the library's error message without the names of Python objects."""
    words = re.sub(r"<[^>]*>|Error opening\s*:?|\[Errno \d+\]", "", str(error)).strip(" :'.")
    return words or "the data cannot be decoded"


_SIZE_MISMATCH: Final = re.compile(r"(\d+) \(should be (\d+)\)")
_UNKNOWN_FRAMES: Final = 2**62  # libsndfile's SF_COUNT_MAX is 2**63 - 1
_GUESSED_FORMATS: Final = ("HTK", "MPC2K")  # recognised by two bytes or by the file's length alone
_FORMATS_WITH_LENGTH: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "asf", "caf", "flac", "avi", "aiff", "wav")
_AV_FORMATS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mxf,ogg,oma,rm,shn,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
