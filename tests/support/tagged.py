"""Files with tags and a cover, written and read by FFmpeg's libraries, soundfile or Mutagen and not by ours."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import av
import av.stream

SONG = {"title": "Café – Lied", "artist": "Ärtist; Other", "album": "Älbum", "date": "2019-05-01"}
MUSIC = {"bpm": "127", "key": "F#m"}
NAMES = {"bpm": ("bpm", "tbpm", "tmpo"), "key": ("initialkey", "tkey")}  # as FFmpeg reads them


def png(side: int = 2) -> bytes:
    """A picture with some colours in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(3 * side)) for y in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


COVER = png()


def tag(path: Path) -> Path:
    """Give a finished FLAC, MP3, Ogg or M4A all tags and a cover, and some that are nobody's business."""
    import mutagen
    from mutagen import id3
    from mutagen.flac import FLAC, Picture
    from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm

    if path.suffix == ".mp3":
        file: Any = id3.ID3()
        for frame, text in (("TIT2", "title"), ("TPE1", "artist"), ("TALB", "album"), ("TDRC", "date")):
            file.add(getattr(id3, frame)(encoding=3, text=[SONG[text]]))
        file.add(id3.TBPM(encoding=3, text=[MUSIC["bpm"]]))
        file.add(id3.TKEY(encoding=3, text=[MUSIC["key"]]))
        file.add(id3.COMM(encoding=3, lang="eng", desc="", text=["/home/somebody/music"]))
        file.add(id3.APIC(encoding=3, mime="image/png", type=3, desc="", data=COVER))
        file.save(path)
        return path
    if path.suffix == ".m4a":
        file = MP4(path)
        file["\xa9nam"], file["\xa9ART"] = [SONG["title"]], [SONG["artist"]]
        file["\xa9alb"], file["\xa9day"] = [SONG["album"]], [SONG["date"]]
        file["tmpo"], file["covr"] = [int(MUSIC["bpm"])], [MP4Cover(COVER, MP4Cover.FORMAT_PNG)]
        file["----:com.apple.iTunes:initialkey"] = [MP4FreeForm(MUSIC["key"].encode())]
        file.save()
        return path
    file = FLAC(path) if path.suffix == ".flac" else mutagen.File(path)
    for name, text in (SONG | {"bpm": MUSIC["bpm"], "initialkey": MUSIC["key"]}).items():
        file[name] = [text]
    file["location"], file["replaygain_track_gain"] = ["/home/somebody/music"], ["-7 dB"]
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", COVER
    if path.suffix == ".flac":
        file.add_picture(picture)
    else:
        import base64

        file["metadata_block_picture"] = [base64.b64encode(picture.write()).decode()]
    file.save()
    return path


def tags_of(path: Path) -> tuple[dict[str, str], bytes | None]:
    """What FFmpeg finds: the texts that are meant to be carried, and the cover."""
    with av.open(str(path)) as file:
        found = {name.lower(): text for one in (file, file.streams.audio[0]) for name, text in one.metadata.items()}
        covers = [one for one in file.streams.video if one.disposition & av.stream.Disposition.attached_pic]
        cover = next((bytes(packet) for packet in file.demux(covers[0]) if packet.size), None) if covers else None
    texts = {name: found[name] for name in SONG if name in found}
    texts |= {name: found[one] for name, names in NAMES.items() for one in names if one in found}
    return texts, cover


def everything(path: Path) -> str:
    """All tags of a file in one text, to look for what is not to be there."""
    return path.read_bytes().decode("latin-1") + path.read_bytes().decode("utf-16-le", "ignore")
