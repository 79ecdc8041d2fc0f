"""What lies behind the sound that a decoder found in a file: another file, more samples, or nothing of note.

Radio streams are recorded as one Ogg after another in one file, podcasts are MP3s laid end to end, and a recorder that
lost its power never wrote the true length into its WAV. Decoders stop at the end that the first header states.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from separation.audio.decoding import mp3
from separation.audio.decoding.reader import AudioInfo, BoundedFile

MIN_BYTES: Final = 1_024  # less is not worth a word: the end of a buffer, a mark that a program left
NO_SIZE: Final = 0xFFFFFFFF  # of a WAV that is as long as its file
# Of one sample; what is not here is not plain.
PLAIN_BYTES: Final = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
    "ULAW": 1,
    "ALAW": 1,
}


@dataclass(frozen=True, slots=True)
class Rest:
    """The bytes behind the sound that was found.

    Attributes:
        start: the first of them.
        kind: whether a file begins there, or samples go on that the header does not count, or neither.
    """

    start: int
    kind: Literal["file", "samples", "unknown"]


def rest_of(file: BoundedFile, info: AudioInfo, n_read: int) -> Rest | None:
    """Return what lies behind the `n_read` samples that a decoder gave; None if it is nothing of note.

    Args:
        file: as the decoder left it.
        info: what the decoder said of it.
        n_read: per channel.
    """
    stopped = min(file.tell(), file.size)
    head = _at(file, 0, 12)
    if head[:4] in _CHUNKED:
        return _behind_chunks(file, head, info, n_read)
    if head[4:8] == b"ftyp":
        return _behind_atoms(file)
    if info.decoder != "soundfile":  # FFmpeg reads other files to their ends, from one Ogg into the next
        return None
    if info.format == "OGG":
        return _next_file(file, max(_first_pages(file), stopped - _READ_AHEAD), b"OggS\0\2")
    if info.format == "FLAC":
        first = mp3.behind_first_tags(file)
        start = max(first + len(_FLAC), stopped - _READ_AHEAD)
        return _next_file(file, start, _FLAC) or _kind_of(file, stopped, plain=False)
    if info.format == "AU":
        first = int.from_bytes(_at(file, 4, 4), "little" if head[:4] == b"dns." else "big")
        width = _width(info)
        return _kind_of(file, first + n_read * width, plain=True) if width else _kind_of(file, stopped, plain=False)
    return _kind_of(file, stopped, plain=False) if info.format == "MP3" else None


def _behind_chunks(file: BoundedFile, head: bytes, info: AudioInfo, n_read: int) -> Rest | None:
    """Walk the chunks of WAV, AIFF and CAF: what follows the samples and is no chunk is more samples."""
    samples_at, end, unsized = 0, 0, False
    if head[8:12] == b"AVI ":  # one film may be many RIFFs
        return None
    for name, start, stop in _chunks(file, head[:4]):
        if name in _CHUNKED:
            return Rest(start, "file")
        if name in (b"data", b"SSND"):
            unsized = head[:4] == b"RIFF" and stop - start >= NO_SIZE
            samples_at = start + {b"RI": 0, b"RF": 0, b"BW": 0, b"FO": 8, b"ca": 4}[head[:2]]
        end = stop
    if not samples_at or info.decoder != "soundfile":
        return None
    width = _width(info)
    if unsized and width and file.size - end >= MIN_BYTES:
        return Rest(samples_at + n_read * width, "samples")
    rest = _kind_of(file, end, plain=bool(width))
    # From the first sample that was not read: a length that is too small may end within one.
    return Rest(samples_at + n_read * width, "samples") if rest is not None and rest.kind == "samples" else rest


def _chunks(file: BoundedFile, kind: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, where its content starts, and where it stops; last, where another file starts."""
    order: Literal["little", "big"] = "big" if kind in (b"FORM", b"RIFX", b"caff") else "little"
    position, n_header = (8, 12) if kind == b"caff" else (12, 8)
    while position + n_header <= file.size:
        header = _at(file, position, n_header)
        name, size = header[:4], int.from_bytes(header[4:], order)
        if name in _CHUNKED:
            yield name, position, position
            return
        if not (name.isascii() and name.decode().isprintable()):
            return
        if name == b"data" and kind in (b"RF64", b"BW64"):
            size = int.from_bytes(_at(file, 28, 8), order)  # in the chunk "ds64", which comes first
        start = position + n_header
        if start + size > file.size:  # cut off, or it is no chunk at all
            if name in (b"data", b"SSND"):
                yield name, start, file.size
            return
        position = start + size
        # An odd length is rounded up to an even one; not every program does so.
        if size % 2 and kind != b"caff" and not _is_name(_at(file, position, 4)):
            position += 1
        yield name, start, position


def _behind_atoms(file: BoundedFile) -> Rest | None:
    """Walk the atoms of an MP4: the second that names the kind of file begins another file."""
    position, n_found = 0, 0
    while position + 8 <= file.size:
        header = _at(file, position, 16)
        size, name = int.from_bytes(header[:4], "big"), header[4:8]
        if not _is_name(name):
            return _kind_of(file, position, plain=False)
        if name == b"moof":  # it comes in fragments, and FFmpeg reads on through them
            return None
        if name == b"ftyp" and n_found:
            return Rest(position, "file")
        if size == 1:
            size = int.from_bytes(header[8:], "big")
        if size == 0:  # up to the end of the file
            return None
        position, n_found = position + max(size, 8), n_found + 1
    return None


def _first_pages(file: BoundedFile) -> int:
    """Return where the pages end with which the streams of an Ogg begin: there are several if it holds a film."""
    position = 0
    while (header := _at(file, position, 27))[:4] == b"OggS" and len(header) == 27 and header[5] & 2:
        position += 27 + header[26] + sum(_at(file, position + 27, header[26]))
    return position


def _next_file(file: BoundedFile, start: int, magic: bytes) -> Rest | None:
    """Return the file that begins with these bytes, from `start` on."""
    position, before = start, b""
    file.seek(position)
    while block := file.read(_BLOCK):
        found = (before + block).find(magic)
        if found >= 0:
            return Rest(position - len(before) + found, "file")
        position += len(block)
        before = (before + block)[1 - len(magic) :]
    return None


def _kind_of(file: BoundedFile, start: int, *, plain: bool) -> Rest | None:
    """Return what begins at `start`, apart from tags and zeros; `plain` samples may go on there."""
    begin = _behind_zeros(file, mp3.behind_tags(file, start))
    if mp3.before_tags(file) - begin < MIN_BYTES:
        return None
    head = _at(file, begin, 12)
    if head.startswith(_BEGINNINGS) or (not plain and mp3.is_first_frame(file, begin)):
        return Rest(begin, "file")
    if plain and not (begin == start and _is_name(head[:4])):  # else a chunk that is cut off
        return Rest(start, "samples")
    return Rest(begin, "unknown")


def _is_name(four: bytes) -> bool:
    """Whether four bytes may name a chunk."""
    return four.replace(b" ", b"").isalnum()


def _width(info: AudioInfo) -> int:
    """Return the bytes of one sample of all channels; 0 if they are not stored plainly."""
    return info.n_channels * PLAIN_BYTES.get(info.codec, 0)


def _behind_zeros(file: BoundedFile, start: int) -> int:
    file.seek(start)
    while block := file.read(_BLOCK):
        if kept := len(block.lstrip(b"\0")):
            return start + len(block) - kept
        start += len(block)
    return start


def _at(file: BoundedFile, position: int, n_bytes: int) -> bytes:
    file.seek(position)
    return file.read(n_bytes)


_BLOCK: Final = 2**16
_READ_AHEAD: Final = 2**18  # more than a decoder does, and than a page of Ogg takes
_FLAC: Final = b"fLaC\0\0\0\x22"  # and its first block, which has this length
_CHUNKED: Final = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff")
_BEGINNINGS: Final = (*_CHUNKED, b"OggS", _FLAC[:4], b"ID3", b".snd", b"dns.", b"\x1a\x45\xdf\xa3")
