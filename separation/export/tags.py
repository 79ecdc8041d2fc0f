"""What a recording says of itself (title, artist, album, date, tempo, key, cover), written into files made from it."""

from __future__ import annotations

import base64
import errno
import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from separation.errors import FileError

TEXTS: Final = ("title", "artist", "album", "date", "bpm", "key")
COVERS: Final = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}  # how they begin
_ID3: Final = {"title": "TIT2", "artist": "TPE1", "album": "TALB", "date": "TDRC", "bpm": "TBPM", "key": "TKEY"}
_VORBIS: Final = {name: {"key": "initialkey"}.get(name, name) for name in TEXTS}
_MP4: Final = {"title": "\xa9nam", "artist": "\xa9ART", "album": "\xa9alb", "date": "\xa9day"}
_INFO: Final = {"title": b"INAM", "artist": b"IART", "album": b"IPRD", "date": b"ICRD"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tags:
    """The tags of a recording; "" or None for what it does not say.

    Attributes:
        title: of the song.
        artist: who made it.
        album: it is from.
        date: as its file has it: a year, or an ISO date.
        bpm: beats per minute, as its file has them.
        key: the musical key.
        cover: a JPEG or PNG file.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    date: str = ""
    bpm: str = ""
    key: str = ""
    cover: Path | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Return what is said in words, by the names in `TEXTS`."""
        return {name: text for name in TEXTS if (text := getattr(self, name))}

    def __bool__(self) -> bool:
        return bool(self.texts) or self.cover is not None

    def of_sound(self, name: str) -> Tags:
        """Return the tags of one sound of the recording; where there are none, a sound has none."""
        return replace(self, title=f"{self.title} ({name})" if self.title else name) if self else self


NO_TAGS: Final = Tags()


def cover_type(data: bytes) -> str | None:
    """Return the MIME type of a cover by its first bytes; None for what not every player shows."""
    return next((kind for magic, kind in COVERS.items() if data.startswith(magic)), None)


def write_tags(path: Path, extension: str, tags: Tags) -> None:
    """Write tags into a finished WAV, FLAC, MP3, Ogg Vorbis or M4A file that nobody else reads yet.

    Args:
        path: of the file.
        extension: of its format, with its dot.
        tags: nothing is written if they are empty.

    Raises:
        FileError: the file, or the cover, cannot be read or written.
    """
    if not tags:
        return
    import mutagen

    try:
        cover = b"" if tags.cover is None else tags.cover.read_bytes()
        _WRITERS[extension](path, tags.texts, cover)
    except (OSError, mutagen.MutagenError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise FileError(
            "The tags could not be written.",
            f"The system says: {getattr(cause, 'strerror', None) or cause}.",
            "Check that the folder has room, or leave the tags out.",
        ) from error


NO_SIZE: Final = 0xFFFFFFFF  # of a WAV that is as long as its file


def _write_wav(path: Path, texts: Mapping[str, str], cover: bytes) -> None:
    """Append an INFO list, which few fields fit into, and an ID3 chunk, which has all; also to an RF64 file."""
    info = b"".join(_chunk(_INFO[name], text.encode() + b"\0") for name, text in texts.items() if name in _INFO)
    id3 = io.BytesIO()
    _id3(texts, cover).save(id3, padding=lambda _: 0)
    chunks = (_chunk(b"LIST", b"INFO" + info) if info else b"") + _chunk(b"id3 ", id3.getvalue())
    with path.open("r+b") as file:
        large = file.read(4) == b"RF64"
        # An even number of bytes: whoever wrote it has padded it.
        if file.seek(0, io.SEEK_END) + len(chunks) - 8 >= NO_SIZE and not large:
            raise OSError(errno.EFBIG, "a WAV of this size has no room for tags")
        file.write(chunks)
        n_bytes = file.tell() - 8
        file.seek(20 if large else 4)  # in a ds64 chunk, which comes first (EBU Tech 3306)
        file.write(struct.pack("<Q" if large else "<I", n_bytes))


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _write_mp3(path: Path, texts: Mapping[str, str], cover: bytes) -> None:
    _id3(texts, cover).save(path)


def _id3(texts: Mapping[str, str], cover: bytes) -> Any:
    from mutagen import id3

    made = id3.ID3()
    for name, text in texts.items():
        made.add(getattr(id3, _ID3[name])(encoding=id3.Encoding.UTF8, text=[text]))
    if cover:
        made.add(id3.APIC(encoding=id3.Encoding.UTF8, mime=cover_type(cover), type=3, desc="Cover", data=cover))
    return made


def _write_flac(path: Path, texts: Mapping[str, str], cover: bytes) -> None:
    from mutagen.flac import FLAC

    file = FLAC(path)
    _say_vorbis(file, texts)
    if cover:
        file.add_picture(_picture(cover))
    file.save()


def _write_ogg(path: Path, texts: Mapping[str, str], cover: bytes) -> None:
    from mutagen.oggvorbis import OggVorbis

    file = OggVorbis(path)
    _say_vorbis(file, texts)
    if cover:
        file["metadata_block_picture"] = [base64.b64encode(_picture(cover).write()).decode("ascii")]
    file.save()


def _say_vorbis(file: Any, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        file[_VORBIS[name]] = [text]


def _picture(cover: bytes) -> Any:
    from mutagen.flac import Picture

    picture = Picture()
    picture.type, picture.mime, picture.data = 3, cover_type(cover) or "", cover  # 3: the front cover
    return picture


_WRITERS: Final = {".wav": _write_wav, ".mp3": _write_mp3, ".flac": _write_flac, ".ogg": _write_ogg}
