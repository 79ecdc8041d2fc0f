"""What an MP3 says of itself before its sound: tags, and the frame that counts the others (Xing, Info or VBRI)."""

from __future__ import annotations

from typing import Final

from separation.audio.decoding.reader import BoundedFile


def behind_tags(file: BoundedFile, start: int) -> int:
    """Return where the tags end that begin at `start`, if any: those that are written behind the sound."""
    while (size := _size_of_first(file, start)) and start + size <= file.size:
        start += size
    return start


def before_tags(file: BoundedFile) -> int:
    """Return where the tags begin with which the file ends; its size if there are none."""
    end = file.size
    while 0 < (size := _size_of_last(file, end)) <= end:
        end -= size
    return end


def _size_of_first(file: BoundedFile, start: int) -> int:
    """Return how many bytes the tag has that begins at `start`; 0 if there is none."""
    file.seek(start)
    head = file.read(32)
    if head[:3] == b"TAG":
        return 128
    return _ape_size(head, 0x20) if head[:8] == b"APETAGEX" and len(head) == 32 else 0


def _size_of_last(file: BoundedFile, end: int) -> int:
    """Return how many bytes the tag has that ends at `end`; 0 if there is none."""
    file.seek(max(0, end - 128))
    last = file.read(min(end, 128))
    if last[:3] == b"TAG":
        return 128
    if last[-32:-24] == b"APETAGEX":
        return _ape_size(last[-32:], 0x80)
    return int(last[-15:-9]) + 15 if last[-9:] == b"LYRICS200" and last[-15:-9].isdigit() else 0


def _ape_size(block: bytes, more: int) -> int:
    """Return the size that the header or footer of an APE tag states; 0 if it is damaged.

    It counts the footer, but not the header, which this bit (`more`) of its flags says to be there.
    """
    size = int.from_bytes(block[12:16], "little")
    return size + 32 * bool(block[23] & more) if size >= 32 else 0


def is_first_frame(file: BoundedFile, start: int) -> bool:
    """Whether the frame at `start` is one that counts the others: so begins what an encoder wrote."""
    return _counting(file, start) is not None


def counts_itself(file: BoundedFile) -> bool:
    """Whether the file states how many frames it has; the length of others is only guessed from their bit rate."""
    return is_first_frame(file, behind_first_tags(file))


def with_true_size(file: BoundedFile) -> dict[int, bytes]:
    """Return the bytes, by their place, with which an MP3 states its own true size.

    Where the stated size is another one, libmpg123 prints a line to the standard error of the whole program.
    """
    start = behind_first_tags(file)
    tag = _counting(file, start)
    if tag is None:
        return {}
    file.seek(tag)
    head = file.read(8)
    if head[:4] not in (b"Xing", b"Info") or not head[7] & 2:
        return {}
    place = tag + 8 + (4 if head[7] & 1 else 0)
    return {place: min(file.size - start, 2**32 - 1).to_bytes(4, "big")}


def behind_first_tags(file: BoundedFile) -> int:
    """Return where the tags end that are written before the sound, of MP3 and FLAC alike."""
    start = 0
    while True:
        file.seek(start)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            return start
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if head[5] & 0x10 else 0)  # a footer, as long as the header


def _counting(file: BoundedFile, start: int) -> int | None:
    """Return where "Xing", "Info" or "VBRI" stands in the frame at `start`; None if it is no such frame."""
    file.seek(start)
    frame = file.read(64)
    if len(frame) < 64 or frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:  # the synchronisation, and layer III
        return None
    newest, mono = bool(frame[1] & 8), frame[3] >> 6 == 3
    side_info = (17 if mono else 32) if newest else (9 if mono else 17)  # bytes; ISO 11172-3, 2.4.1.7
    # Behind the side information; encoders that protect it by a checksum count its two bytes, or do not.
    for place in (4 + side_info, 6 + side_info, _VBRI):
        if frame[place : place + 4] in (b"Xing", b"Info", b"VBRI"):
            return start + place
    return None


_VBRI: Final = 36  # Fraunhofer's place, whatever the side information
