"""Broken and odd files, made from scratch, and what each must give.

`python -m tests.support.odd_files` prints the table.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import av
import numpy as np
import soundfile

RATE = 44_100
Outcome = Literal["audio", "warning", "error"]


@dataclass(frozen=True)
class OddFile:
    """One file: its name, what it is, what reading it must give, and the words that warning or error must hold."""

    name: str
    what: str
    outcome: Outcome
    words: str
    content: Callable[[], bytes] | None  # None: made by `make` itself

    def make(self, folder: Path) -> Path:
        """Write it into `folder`."""
        path = folder / self.name
        if self.content is not None:
            path.write_bytes(self.content())
        elif self.outcome == "error" and "folder" in self.words:
            path.mkdir()
        return path


def tone(n_samples: int = RATE, n_channels: int = 2) -> np.ndarray:
    """A quiet tone that rises by an octave per second, another one in each channel, shape (samples, channels)."""
    t = np.arange(n_samples) / RATE
    pitches_hz = 220 * (1 + np.arange(n_channels) / 4)
    return 0.3 * np.sin(2 * np.pi * np.outer(t + t**2 / 2, pitches_hz))


def stored(container: str, subtype: str | None = None, samples: np.ndarray | None = None, rate: int = RATE) -> bytes:
    """Samples in a container that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, tone() if samples is None else samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def muxed(
    container: str,
    *tracks: str,
    samples: np.ndarray | None = None,
    lost_s: tuple[float, float] = (0, 0),
    **options: str,
) -> bytes:
    """Tracks in a container that FFmpeg's libraries write: names of audio codecs, or "video".

    What has its time stamp inside `lost_s` is not stored, as when a call is recorded.
    """
    samples = tone() if samples is None else samples
    with TemporaryDirectory() as folder:  # mp4 moves its index to the front by reading the file again
        path = Path(folder) / "muxed"
        with av.open(str(path), "w", format=container, options=options) as output:
            streams = [_add_track(output, track) for track in tracks]
            for stream in streams:
                for frame in _pictures() if stream.type == "video" else _sounds(samples, stream):
                    for packet in stream.encode(frame):
                        if not lost_s[0] <= packet.pts * packet.time_base < lost_s[1]:
                            output.mux(packet)
                output.mux(stream.encode(None))
        return path.read_bytes()


def _add_track(output: Any, track: str) -> Any:
    if track != "video":
        rate = 48_000 if track == "libopus" else RATE
        sound = output.add_stream(track, rate=rate, layout="stereo")
        sound.bit_rate = 128_000
        return sound
    stream = output.add_stream("mpeg4", rate=25)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuv420p"
    return stream


def _pictures() -> list[Any]:
    return [av.VideoFrame.from_ndarray(np.full((64, 64, 3), n, np.uint8), "rgb24") for n in range(25)]


def _sounds(samples: np.ndarray, stream: Any) -> list[Any]:
    size = stream.codec_context.frame_size or 1024
    format_name = stream.codec_context.format.name
    frames = []
    for start in range(0, len(samples), size):
        block = np.ascontiguousarray(samples[start : start + size].T, np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.rate, frame.pts = stream.rate, start
        frames += av.AudioResampler(format_name, "stereo", stream.rate).resample(frame)
    return frames


def patched(data: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """`data` with bytes replaced: (landmark, offset from its start, new bytes)."""
    changed = bytearray(data)
    for landmark, offset, new in changes:
        at = data.index(landmark) + offset
        changed[at : at + len(new)] = new
    return bytes(changed)


def cut(data: bytes, share: float = 0.6) -> bytes:
    """The first part of a file."""
    return data[: int(len(data) * share)]


def damaged(data: bytes) -> bytes:
    """A file with 600 bytes in its middle overwritten."""
    middle = len(data) // 2
    return data[:middle] + bytes(range(200)) * 3 + data[middle + 600 :]


def with_values(value: float, share: float, subtype: str = "FLOAT") -> bytes:
    """A float WAV in which a share of all samples has one value."""
    samples = tone()
    samples[: int(share * len(samples))] = value
    return stored("WAV", subtype, samples)


def id3_with_cover() -> bytes:
    """An ID3v2.3 tag: a title in Latin-1 and a picture (that is only its header)."""
    title = b"TIT2" + struct.pack(">IH", 6, 0) + b"\0Caf\xe9s"
    picture = b"\0image/png\0\3\0" + b"\x89PNG\r\n\x1a\n" + bytes(500)
    frames = title + b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    size = len(frames)
    return b"ID3\3\0\0" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + frames


def noise_bytes(n_bytes: int = 20_000) -> bytes:
    """Bytes without any meaning."""
    return np.random.default_rng(1).integers(0, 256, n_bytes, dtype=np.uint8).tobytes()


def wav_header(**fields: int) -> bytes:
    """A 16-bit mono WAV of a tenth of a second with some header fields replaced."""
    values = {"tag": 1, "channels": 1, "rate": RATE, "bytes_per_s": 2 * RATE, "align": 2, "bits": 16} | fields
    body = bytes(RATE // 10 * 2 // 4 * 4)
    body = (tone(len(body) // 2, 1)[:, 0] * 32767).astype("<i2").tobytes()
    data_size = values.pop("data_size", len(body))
    fmt = struct.pack("<HHIIHH", *values.values())
    riff = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", data_size) + body
    return b"RIFF" + struct.pack("<I", len(riff)) + riff


def flac_without_frames() -> bytes:
    """A FLAC of its STREAMINFO block alone, marked as the last one."""
    return b"fLaC\x80" + FLAC()[5:42]


def broken_first_track() -> bytes:
    """A Matroska file whose first audio track names a codec that nobody knows."""
    return muxed("matroska", "ac3", "libopus").replace(b"A_AC3", b"A_XYZ", 1)


WAV, FLAC, MP3 = (lambda: stored("WAV")), (lambda: stored("FLAC")), (lambda: stored("MP3"))
SECRET_PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nplain.wav\n#EXT-X-ENDLIST\n"

ODD_FILES = [
    # Nothing to hear
    OddFile("empty.wav", "no bytes at all", "error", "empty", lambda: b""),
    OddFile("folder.wav", "a folder", "error", "It is a folder", None),
    OddFile("missing.wav", "no such file", "error", "no such file", None),
    OddFile("text.wav", "text", "error", "holds text", lambda: "Dear diary, très bien.\n".encode() * 50),
    OddFile("page.mp3", "a web page saved as a recording", "error", "text", lambda: b"<!DOCTYPE html><html></html>"),
    OddFile("picture.wav", "a PNG picture", "error", "PNG", lambda: b"\x89PNG\r\n\x1a\n" + noise_bytes()),
    OddFile("document.wav", "a PDF document", "error", "PDF", lambda: b"%PDF-1.7\n" + noise_bytes()),
    OddFile("archive.wav", "a ZIP archive", "error", "ZIP", lambda: b"PK\3\4" + noise_bytes()),
    OddFile("noise.wav", "bytes without meaning", "error", "No decoder", noise_bytes),
    OddFile("playlist.m3u8", "a playlist that names another file", "error", "text", lambda: SECRET_PLAYLIST),
    OddFile(
        "concat.ffconcat",
        "a script that names another file",
        "error",
        "text",
        lambda: b"ffconcat version 1.0\nfile plain.wav\n",
    ),
    OddFile(
        "silent film.mp4", "video without an audio track", "error", "no audio track", lambda: muxed("mp4", "video")
    ),
    OddFile(
        "no frames.wav", "a WAV of zero samples", "error", "no audio samples", lambda: stored("WAV", samples=tone(0))
    ),
    OddFile("no frames.flac", "a FLAC of zero samples", "error", "No decoder", flac_without_frames),
    OddFile(
        "no frames.mp4",
        "video with an audio track of zero length",
        "error",
        "No decoder",
        lambda: muxed("mp4", "video", "aac", samples=tone(0)),
    ),
    # Cut off or damaged
    OddFile("cut.wav", "a WAV cut off at 60 %", "warning", "cut off", lambda: cut(WAV())),
    OddFile("cut in header.wav", "30 bytes of a WAV", "error", "No decoder", lambda: WAV()[:30]),
    OddFile("cut.aiff", "an AIFF cut off at 60 %", "warning", "cut off", lambda: cut(stored("AIFF"))),
    OddFile("cut.flac", "a FLAC cut off at 60 %", "warning", "damaged", lambda: cut(FLAC())),
    OddFile("cut.mp3", "an MP3 cut off at 60 %", "warning", "cut off", lambda: cut(MP3())),
    OddFile(
        "cut.ogg",
        "an Ogg Vorbis cut off at 60 %",
        "warning",
        "cut off",
        lambda: cut(stored("OGG", samples=tone(3 * RATE))),
    ),
    OddFile("cut.caf", "a CAF cut off at 60 %", "warning", "cut off", lambda: cut(stored("CAF"))),
    OddFile(
        "cut.m4a",
        "an m4a, its index first, cut off at 60 %",
        "warning",
        "cut off",
        lambda: cut(muxed("ipod", "aac", movflags="faststart")),
    ),
    OddFile(
        "cut index.mp4",
        "an mp4 whose index (moov) at its end is cut off",
        "error",
        "No decoder",
        lambda: cut(muxed("mp4", "aac")),
    ),
    OddFile("cut.webm", "a webm cut off at 60 %", "warning", "cut off", lambda: cut(muxed("webm", "libopus"))),
    OddFile("damaged.flac", "a FLAC with 600 bytes overwritten", "warning", "damaged", lambda: damaged(FLAC())),
    OddFile("damaged.mp3", "an MP3 with 600 bytes overwritten", "warning", "damaged", lambda: damaged(MP3())),
    OddFile(
        "damaged.aac", "raw AAC with 600 bytes overwritten", "warning", "damaged", lambda: damaged(muxed("adts", "aac"))
    ),
    # Headers that lie
    OddFile(
        "says longer.wav",
        "its header states 40 times the samples",
        "warning",
        "cut off",
        lambda: wav_header(data_size=400_000),
    ),
    OddFile(
        "from a pipe.wav",
        "its header states no length (0xFFFFFFFF), as pipes do",
        "audio",
        "",
        lambda: wav_header(data_size=0xFFFFFFFF),
    ),
    OddFile("rate 0.wav", "0 Hz", "error", "No decoder", lambda: wav_header(rate=0)),
    OddFile("rate 1.wav", "1 Hz", "error", "1 Hz", lambda: wav_header(rate=1)),
    OddFile("rate 10M.wav", "10 MHz", "error", "10000000 Hz", lambda: wav_header(rate=10_000_000)),
    OddFile("rate 384k.wav", "384 kHz", "warning", "48000 Hz", lambda: wav_header(rate=384_000)),
    OddFile("no channels.wav", "0 channels", "error", "No decoder", lambda: wav_header(channels=0)),
    OddFile("9 channels.wav", "9 channels", "error", "9 channels", lambda: stored("WAV", samples=tone(900, 9))),
    OddFile(
        "1000 channels.wav", "1000 channels", "error", "1000 channels", lambda: stored("WAV", samples=tone(90, 1000))
    ),
    OddFile("wrong align.wav", "2 channels stated, frames of one", "audio", "", lambda: wav_header(channels=2)),
    OddFile("wrong bits.wav", "24 bits stated, frames of 16", "audio", "", lambda: wav_header(bits=24)),
    OddFile("no bits.wav", "0 bits stated", "error", "No decoder", lambda: wav_header(bits=0)),
    # Samples that are not as samples should be
    OddFile(
        "some nan.wav",
        "one sample in ten is not a number",
        "warning",
        "became silence",
        lambda: with_values(np.nan, 0.1),
    ),
    OddFile(
        "mostly nan.wav",
        "six samples in ten are not a number",
        "error",
        "not a number",
        lambda: with_values(np.nan, 0.6),
    ),
    OddFile("infinite.wav", "all samples infinite", "error", "infinite", lambda: with_values(np.inf, 1)),
    OddFile(
        "beyond float.wav",
        "64-bit samples of 1e300 among sane ones",
        "warning",
        "became silence",
        lambda: with_values(1e300, 0.1, "DOUBLE"),
    ),
    OddFile(
        "huge.wav",
        "samples of 30 000 where 1 is full scale",
        "warning",
        "over full scale",
        lambda: with_values(3e4, 0.5),
    ),
    OddFile("silence.wav", "only zeros", "warning", "silent", lambda: stored("WAV", samples=np.zeros((RATE, 2)))),
    OddFile("one sample.wav", "a single sample", "audio", "", lambda: stored("WAV", samples=np.full((1, 1), 0.5))),
    # Odd, and good
    OddFile("8 bit.wav", "unsigned 8-bit WAV", "audio", "", lambda: stored("WAV", "PCM_U8")),
    OddFile("24 bit.wav", "24-bit WAV", "audio", "", lambda: stored("WAV", "PCM_24")),
    OddFile("double.wav", "64-bit float WAV", "audio", "", lambda: stored("WAV", "DOUBLE")),
    OddFile("a-law.wav", "A-law WAV", "audio", "", lambda: stored("WAV", "ALAW")),
    OddFile("mu-law.wav", "mu-law WAV", "audio", "", lambda: stored("WAV", "ULAW")),
    OddFile("adpcm.wav", "IMA ADPCM WAV", "audio", "", lambda: stored("WAV", "IMA_ADPCM")),
    OddFile("surround.wav", "5.1 channels", "warning", "mixed down", lambda: stored("WAVEX", samples=tone(RATE, 6))),
    OddFile("plain.rf64", "RF64", "audio", "", lambda: stored("RF64")),
    OddFile("plain.w64", "Wave64", "audio", "", lambda: stored("W64")),
    OddFile("plain.aiff", "AIFF", "audio", "", lambda: stored("AIFF")),
    OddFile("plain.caf", "CAF", "audio", "", lambda: stored("CAF")),
    OddFile("plain.au", "AU", "audio", "", lambda: stored("AU")),
    OddFile("plain.opus", "Ogg Opus", "audio", "", lambda: stored("OGG", "OPUS", rate=48_000)),
    OddFile("plain.m4a", "AAC in m4a", "audio", "", lambda: muxed("ipod", "aac")),
    OddFile("lossless.mov", "ALAC in mov", "audio", "", lambda: muxed("mov", "alac")),
    OddFile("plain.aac", "raw AAC", "audio", "", lambda: muxed("adts", "aac")),
    OddFile("plain.ac3", "raw AC-3", "audio", "", lambda: muxed("ac3", "ac3")),
    OddFile("plain.wma", "Windows Media Audio", "audio", "", lambda: muxed("asf", "wmav2")),
    OddFile("plain.webm", "Opus in webm", "audio", "", lambda: muxed("webm", "libopus")),
    OddFile("film.mp4", "video with AAC", "audio", "", lambda: muxed("mp4", "video", "aac")),
    OddFile("film.mkv", "video with AC-3", "audio", "", lambda: muxed("matroska", "video", "ac3")),
    OddFile(
        "two tracks.mkv",
        "the default audio track cannot be decoded, the second can",
        "warning",
        "the default one cannot be decoded, so number 2",
        broken_first_track,
    ),
    OddFile(
        "call.webm",
        "a call, recorded without half a second of silence",
        "warning",
        "became silence",
        lambda: muxed("webm", "libopus", lost_s=(0.3, 0.8)),
    ),
    OddFile("cover.mp3", "an ID3 tag with a cover before the sound", "audio", "", lambda: id3_with_cover() + MP3()),
    OddFile("junk first.mp3", "3000 bytes of junk before the sound", "audio", "", lambda: bytes(3000) + MP3()),
    OddFile("really flac.mp3", "a FLAC named .mp3", "audio", "", FLAC),
    OddFile("really mp4.wav", "an m4a named .wav", "audio", "", lambda: muxed("ipod", "aac")),
    OddFile("really wav.raw", "a WAV named .raw", "audio", "", WAV),
    OddFile("no extension", "a WAV without an extension", "audio", "", WAV),
    OddFile("-", "a WAV whose name means standard input to many programs", "audio", "", WAV),
    OddFile("http:%3A%d*?.wav", "a WAV whose name looks like an address and a pattern", "audio", "", WAV),
    OddFile("Grüße 声 🎧.wav", "a WAV with a name beyond ASCII", "audio", "", WAV),
    OddFile("two\nlines.wav", "a WAV with a line break in its name", "audio", "", WAV),
    OddFile("x" * 251 + ".wav", "a WAV with a name of 255 bytes", "audio", "", WAV),
]


def table() -> str:
    """The list as a Markdown table."""
    gives = {"audio": "audio", "warning": "audio, and a warning", "error": "an error"}
    rows = ["| File | What it is | What it gives |", "| --- | --- | --- |"]
    for odd in ODD_FILES:
        name = odd.name.replace("\n", "\\n")
        name = name if len(name) < 60 else f"{name[:12]}…{name[-12:]}"
        words = f': "… {odd.words} …"' if odd.words else ""
        rows.append(f"| `{name}` | {odd.what} | {gives[odd.outcome]}{words} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
