"""Reads the tags and the cover of a file that becomes a recording."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from separation.audio.decoding.ffmpeg import open_container
from separation.audio.decoding.reader import BoundedFile, NotReadableError, decoder_errors
from separation.audio.files import private
from separation.export.tags import cover_type

MAX_LETTERS: Final = 500  # of one text; titles of whole chapters have less
MAX_COVER_BYTES: Final = 2**24 - 1000  # what a FLAC can hold
# What FFmpeg calls them, which names by the container what it has no name of its own for.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title",),
    "artist": ("artist",),
    "album": ("album",),
    "date": ("date", "year"),
    "bpm": ("bpm", "tbpm", "tmpo"),
    "key": ("initialkey", "initial_key", "tkey", "key"),
}
_CHUNKS_WITH_TAGS: Final = (b"LIST", b"id3 ", b"ID3 ")


def read_tags(source: Path, cover: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the texts in a file's tags by the names in `separation.export.tags.TEXTS`, and warnings.

    Other tags are left out: much of what programs write there is about the file and not the music, such as how loud it
    is, or where it lay.

    Args:
        source: any file that `separation.decode` takes.
        cover: where the cover is put, if there is one.

    Raises:
        FileError: the cover cannot be written.
    """
    if not _may_have_tags(source):
        return {}, ()
    try:
        with source.open("rb") as file, open_container(BoundedFile(file)) as container:
            streams = [container, *container.streams.audio[:1]]  # Ogg has them on the stream
            said = {name.lower(): text for one in streams for name, text in one.metadata.items()}
            if "mp4" in container.format.name:
                said |= {"tmpo": _mp4_tempo(source)}
            picture = next(_covers(container), b"")
    except decoder_errors(NotReadableError):  # libsndfile reads some that FFmpeg does not, none of which has any
        return {}, ()
    texts = {}
    for name, names in _NAMES.items():
        text = next((clean for one in names if (clean := _printable(said.get(one, "")))), "")
        if text:
            texts[name] = text
    if picture and (cover_type(picture) is None or len(picture) > MAX_COVER_BYTES):
        return texts, ("The cover is left out: it is no JPEG or PNG of less than 17 MB.",)
    if picture:
        private(cover).write_bytes(picture)
    return texts, ()


def _covers(container: object) -> Iterator[bytes]:
    import av.stream

    for stream in container.streams.video:  # type: ignore[attr-defined]  # PyAV ships no types
        if stream.disposition & av.stream.Disposition.attached_pic:
            yield from (bytes(packet) for packet in container.demux(stream) if packet.size)  # type: ignore[attr-defined]


def _mp4_tempo(source: Path) -> str:
    """Return the beats per minute in an MP4 file, the one field of ours that FFmpeg passes over; "" without any."""
    import mutagen
    from mutagen.mp4 import MP4

    try:
        return str(MP4(source)["tmpo"][0])
    except (mutagen.MutagenError, LookupError, TypeError, ValueError, struct.error):
        return ""


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()[:MAX_LETTERS]


def _may_have_tags(source: Path) -> bool:
    """Whether FFmpeg has to look, whose libraries take 40 MB that most WAVs do not need."""
    with source.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":  # an RF64 does not state its sizes here
            return True
        while len(chunk := file.read(8)) == 8:
            if chunk[:4] in _CHUNKS_WITH_TAGS:
                return True
            (size,) = struct.unpack("<I", chunk[4:])
            file.seek(size + size % 2, 1)
    return False
