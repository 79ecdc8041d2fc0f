"""Makes safe file names from text that people type: prompts, titles, names of uploads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

MAX_LETTERS = 80
MAX_BYTES = 200  # 255 is the limit of most file systems, and an extension or a number may follow
JOINERS = "\u200c\u200d"  # belong to words in Persian and Hindi, and to emoji
# Of every other kind of character there are some that some system or shell takes for something else.
KEPT = ("L", "M", "N", "So", "Sk", "Pc")  # letters, marks that combine with them, digits, emoji and their tones, "_"
KEPT_ASCII = " .,()+&'-"
AUDIO_EXTENSIONS = (
    "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "au", "caf", "flac", "m4a", "m4b", "mka", "mp2", "mp3",
    "mpc", "oga", "ogg", "opus", "ra", "rf64", "snd", "spx", "tta", "w64", "wav", "wave", "weba", "wma", "wv",
)  # fmt: skip
VIDEO_EXTENSIONS = (
    "3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "ogv", "ts", "webm", "wmv",
)  # fmt: skip
# A part of a recording is called “song.wav, 0:10 to 0:20” (`separation.audio.part`), and one at another rate
# “song.wav at 48 kHz” (`separation.results.resampled`).
ADDED = r"(, audio track \d+)?(, [\d:.]+ to ([\d:.]+|the end))?( at [\d.]+ kHz)?"
EXTENSION = re.compile(rf"(?<=.)\.({'|'.join((*AUDIO_EXTENSIONS, *VIDEO_EXTENSIONS))})(?={ADDED}$)", re.IGNORECASE)
# Windows opens a device under these names, whatever extension follows.
DEVICES = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)


def plain_name(text: str) -> str:
    """Return `text` as a visible file name without extension that every common file system takes.

    Letters of all scripts, their combining marks, digits and emoji stay; separators, control characters, unpaired
    surrogates and what shells and Windows read otherwise become "_". It has at most `MAX_LETTERS` characters and
    `MAX_BYTES` bytes of UTF-8, is cut before a whole character with its marks, begins and ends with neither space nor
    full stop, and is no device of Windows.
    """
    safe = "".join(letter if _is_safe(letter) else "_" for letter in text)
    name = shortened(safe, MAX_BYTES, MAX_LETTERS).strip(" .") or "track"
    return DEVICES.sub(r"\1_", name)


def without_extension(name: str) -> str:
    """Return the name of a recording without the extension of its file: “song” of “song.wav”, “Vol.2” of “Vol.2”."""
    return EXTENSION.sub("", name, count=1)


def plain_names(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return one file name for each text, none alike nor like those `taken`.

    They also differ on a file system that ignores case, or how accents are encoded.
    """
    names: list[str] = []
    used = {_compared(name) for name in taken}
    for text in texts:
        name, n = plain_name(text), 1
        while _compared(name) in used:
            n += 1
            name = f"{plain_name(text)} ({n})"
        used.add(_compared(name))
        names.append(name)
    return names


def shortened(text: str, max_bytes: int, max_letters: int | None = None) -> str:
    """Return the beginning of `text` that has at most so many bytes of UTF-8, cut between whole characters."""
    end = len(text) if max_letters is None else min(len(text), max_letters)
    while len(text[:end].encode(errors="replace")) > max_bytes:
        end -= 1
    while 0 < end < len(text) and _belongs_to_the_one_before(text, end):
        end -= 1
    return text[:end]


def _is_safe(letter: str) -> bool:
    if letter.isascii():
        return letter.isalnum() or letter == "_" or letter in KEPT_ASCII
    return letter in JOINERS or unicodedata.category(letter).startswith(KEPT)


def _belongs_to_the_one_before(text: Sequence[str], index: int) -> bool:
    """Whether the character is a mark, a tone or a joiner, or is joined to the one before it."""
    letter = text[index]
    return letter in JOINERS or text[index - 1] in JOINERS or unicodedata.category(letter).startswith(("M", "Sk"))


def _compared(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
