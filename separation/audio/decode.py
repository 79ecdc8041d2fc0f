"""Decodes any audio or video file to samples, or raises one `AudioError` that says why it cannot."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from separation.audio.decoding.joined import JoinedReader
from separation.audio.decoding.reader import AudioInfo, NotReadableError, Reader, system_message
from separation.audio.encode import dbfs
from separation.audio.part import WHOLE, Part
from separation.audio.partial_file import GrowingFile
from separation.audio.waveform import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    Waveform,
)
from separation.errors import Action, AudioError

__all__ = [
    "AudioFile",
    "AudioInfo",
    "Decoded",
    "DecodedBlocks",
    "decode",
    "decode_blocks",
    "name_of",
    "probe",
    "unusable",
]

BLOCK_SAMPLES: Final = 65_536
LARGEST: Final = 1e10  # +200 dBFS; squares of larger ones, and sums of these, leave float32
SILENT: Final = "is silent from start to end."  # ends the warning of such a recording
LOUD_PEAK: Final = 4.0  # +12 dBFS: above it the file was hardly meant for a full scale of 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A whole decoded file in memory, with one sentence for each defect found in it."""

    waveform: Waveform
    warnings: tuple[str, ...]


def probe(path: Path | str | GrowingFile) -> AudioInfo:
    """Return what a file's header states, after decoding only its first samples.

    Raises:
        AudioError: no audio can be read from it.
    """
    with decode_blocks(path) as blocks:
        return blocks.info


def decode(path: Path | str) -> Decoded:
    """Decode a whole file into memory, at its own rate and with all its channels (up to 8).

    Raises:
        AudioError: no audio can be read from it.
    """
    with decode_blocks(path) as blocks:
        samples = np.concatenate([*blocks], axis=1)  # (channels, samples)
        return Decoded(waveform=Waveform(samples, blocks.info.sample_rate), warnings=tuple(blocks.warnings))


class DecodedBlocks:
    """A file, or a part of it, as blocks of float32, shape (channels, any length above 0), at its own rate, read once.

    Every sample that comes out is at most `LARGEST`: others, infinite ones and NaN become silence, and `warnings` says
    how many.

    Attributes:
        info: what the header says.
        warnings: one sentence each; complete when the last block has been read.
        name: of the file, as a sentence has it.
    """

    def __init__(self, reader: Reader, name: str, part: Part):
        self.info = reader.info
        self.warnings: list[str] = []
        self.name = name
        self._reader, self._part = reader, part

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        n_values = n_broken = 0
        peak = 0.0
        for block in self._part.cut(self._reader.blocks(), self.info.sample_rate):
            n_values += block.size
            usable = np.abs(block) <= LARGEST  # not so for NaN
            if not usable.all():
                n_broken += block.size - int(np.count_nonzero(usable))
                block = np.where(usable, block, np.float32(0))
            peak = max(peak, float(np.abs(block).max()))
            yield block
        if self._reader.trouble:
            raise _unreadable(self.name, self._reader.trouble)
        # Under half: a recording with accidents. Half and more: not a recording any more.
        if 2 * n_broken >= n_values:
            raise AudioError(
                f"{self.name} holds no usable audio.",
                f"{n_broken} of its {n_values} samples are infinite, nearly so, or not a number.",
                "Export it again from the program that made it.",
            )
        self.warnings += self._reader.warnings
        if n_broken:
            self.warnings.append(f"{n_broken} samples were infinite, nearly so, or not a number, and became silence.")
        if peak == 0:
            silent = "The recording" if self._part.is_whole else "This part of the recording"
            self.warnings.append(f"{silent} {SILENT}")
        if peak > LOUD_PEAK:
            self.warnings.append(f"The samples reach {dbfs(peak):+.0f} dBFS, far over full scale; they are kept so.")


@contextmanager
def decode_blocks(
    source: Path | str | GrowingFile, block_samples: int = BLOCK_SAMPLES, *, part: Part = WHOLE
) -> Iterator[DecodedBlocks]:
    """Open a file for reading by blocks of about `block_samples`: by libsndfile, or else by FFmpeg's libraries.

    One that is still arriving is read as its bytes come.

    Raises:
        AudioError: no audio can be read from it.
        SettingsError: there is no such audio track; while reading: the part begins after the end of the recording.
    """
    name = name_of(source)
    with source.open() if isinstance(source, GrowingFile) else _open_regular_file(Path(source)) as opened:
        if isinstance(source, GrowingFile) and source.size_bytes() == 0:
            raise _empty(name)
        try:
            _refuse_strangers(opened, name)
            reader = _open_reader(opened, name, block_samples, part.track)
        except OSError as error:
            raise _unreadable(name, f"Reading it failed ({error.strerror or error})") from error
        try:
            rate = reader.info.sample_rate
            if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
                raise AudioError(
                    f"{name} states a sample rate of {rate} Hz.",
                    f"Recordings have between {MIN_SAMPLE_RATE} and {MAX_SAMPLE_RATE} Hz; its header is damaged.",
                    "Export it again from the program that made it.",
                )
            yield DecodedBlocks(reader, name, part)
        finally:
            reader.close()


class AudioFile:
    """An `AudioSource` over a WAV that `convert` wrote; samples are read when asked for, by one thread at a time.

    Raises:
        AudioError: the file is not there or is not such a WAV.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            self._sound = soundfile.SoundFile(self.path.absolute())
        except (soundfile.SoundFileError, OSError) as error:
            raise unusable(
                _shown(self.path), f"It cannot be opened ({system_message(error)})", "Import the recording again."
            ) from error
        self.sample_rate: int = self._sound.samplerate
        self.n_channels: int = self._sound.channels
        self.n_samples: int = self._sound.frames

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, shape (n_channels, stop - start); silence outside the file.

        Raises:
            AudioError: the file changed or the disk failed since it was opened.
        """
        assert start <= stop, (start, stop)
        window = np.zeros((self.n_channels, stop - start), np.float32)
        first, last = max(start, 0), min(stop, self.n_samples)
        if first < last:
            try:
                self._sound.seek(first)
                frames = self._sound.read(last - first, dtype="float32", always_2d=True)  # (samples, channels)
            except (soundfile.SoundFileError, OSError) as error:
                raise unusable(
                    _shown(self.path), f"Reading failed ({system_message(error)})", "Import the recording again."
                ) from error
            window[:, first - start : first - start + len(frames)] = frames.T
        return window

    def close(self) -> None:
        """Close the file."""
        self._sound.close()

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _open_regular_file(path: Path) -> BinaryIO:
    name = name_of(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise unusable(name, "It is a folder", "Choose a file inside it.")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise unusable(name, "It is a device or a pipe", "Choose a file.")
        if path.stat().st_size == 0:
            raise _empty(name)
        return path.open("rb")
    except FileNotFoundError as error:
        raise _missing(path, name) from error
    except PermissionError as error:
        raise unusable(name, "This account may not read it", "Change its permissions, or copy it.") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise unusable(name, f"It cannot be opened ({reason})", "Check its name and folder.") from error


def _missing(path: Path, name: str) -> AudioError:
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(path), re.IGNORECASE):  # one letter would be a drive
        return unusable(name, "It is an address on the web, and only files are read", "Download it, and give the file.")
    if set(path.name) & set("*?["):
        return unusable(
            name,
            "There is no such file; it is a pattern that no shell has replaced by names of files",
            "Leave the quotes out and check its folder.",
            action=Action.take_folder(path.parent, path.name),
        )
    return unusable(name, "There is no such file", "Check its name and folder.")


def _open_reader(opened: BinaryIO, name: str, block_samples: int, track: int | None) -> JoinedReader:
    try:
        return JoinedReader(opened, block_samples, track)
    except NotReadableError as error:
        reason = "it holds text" if _is_text(opened) else str(error)
    raise unusable(
        name,
        f"No decoder gets sound out of it: {reason}",
        "Check that it plays elsewhere, and export it as WAV, FLAC or MP3.",
    )


def _refuse_strangers(file: BinaryIO, name: str) -> None:
    """Raise `AudioError` for other kinds of files: a decoder may find audio by chance in a large archive or picture."""
    head = file.read(16)
    for magic, kind in _STRANGERS.items():
        if head.startswith(magic):
            raise unusable(name, f"It is {kind}, not audio", "Choose an audio or video file.")


def _is_text(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(4096)
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else: the last letter was cut by our own reading
            return False
        text = head[: error.start].decode()
    return all(letter.isprintable() or letter.isspace() for letter in text)


def _shown(path: Path) -> str:
    """A kept file's name for a sentence; where it is kept is nobody's business."""
    return _quoted(path.name, 80)


def name_of(source: Path | str | GrowingFile) -> str:
    """Return what a file is called in sentences: the whole path as it was typed, or the name of one that is sent."""
    return _quoted(source.name, 80) if isinstance(source, GrowingFile) else _quoted(str(source), 240)


def _quoted(name: str, n_letters: int) -> str:
    """Return a name in quotes, its control characters visible, its middle left out where it is too long to read."""
    half = n_letters // 2
    return repr(name if len(name) <= n_letters else f"{name[:half]}…{name[-half:]}")


def unusable(name: str, why: str, todo: str, action: Action | None = None) -> AudioError:
    """Return the error of a file without usable audio; `why` is a sentence without its full stop."""
    return AudioError(f"{name} cannot be used as audio.", f"{why}.", todo, action=action)


def _unreadable(name: str, why: str) -> AudioError:
    return unusable(name, why, "Copy it to another place and try again.")


def _empty(name: str) -> AudioError:
    return unusable(name, "The file is empty", "Copy or download it again.")


# How files begin that people drop by mistake -> what to call them
_STRANGERS: Final = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive (or an office document)",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"MThd": "MIDI, which holds notes and no sound",
    b"\xf0\x7e": "a MIDI sample dump",  # libsndfile prints what it thinks of it to standard output
}
