"""The picture of a video file: copied out unchanged, and joined with another soundtrack.

No frame is decoded or encoded: packets are copied, one at a time, so that hours take no more memory than seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from separation.audio.decoding.ffmpeg import PyAVReader, open_container
from separation.audio.decoding.reader import BoundedFile, NotReadableError, decoder_errors, system_message
from separation.audio.encode import AudioFormat
from separation.audio.files import new_file, private
from separation.audio.waveform import AudioSource, resample_blocks
from separation.errors import FileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_SAMPLES: Final = 16_384
# Such containers have exact time stamps; Matroska takes every codec and counts in milliseconds.
_IN_MP4: Final = frozenset({"h264", "hevc", "mpeg4"})
_IN_WEBM: Final = frozenset({"vp8", "vp9", "av1"})
_IN_ASF: Final = frozenset({"wmv1", "wmv2", "wmv3", "vc1"})  # Matroska takes them only in an older form
MAX_UNTIMED: Final = 64  # packets without a decoding time before one that has one; a codec reorders up to 16
log = logging.getLogger(__name__)


class PictureNotKept(Exception):
    """The moving picture of a file cannot be copied; the text says why, as a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class VideoKind:
    """A video container with the audio codec that is written into it.

    Attributes:
        container: as FFmpeg calls it.
        extension: of the file, with its dot.
        mime_type: for the browser.
        codec: of the sound.
        bit_rate: of the sound, bit/s.
        sample_rates: that the codec knows, in Hz.
    """

    container: str
    extension: str
    mime_type: str
    codec: str
    bit_rate: int
    sample_rates: tuple[int, ...]

    def rate_for(self, sample_rate: int) -> int:
        """Return the sound's rate (Hz) for a source at `sample_rate`; see `AudioFormat.rate_for`."""
        known = AudioFormat(name="", label="", extension="", mime_type="", sample_rates=self.sample_rates)
        return known.rate_for(sample_rate)


_AAC_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
_MP4: Final = VideoKind("mp4", ".mp4", "video/mp4", "aac", 256_000, _AAC_RATES)
_WEBM: Final = VideoKind("webm", ".webm", "video/webm", "libopus", 192_000, (48_000,))
_WMV: Final = VideoKind("asf", ".wmv", "video/x-ms-wmv", "wmav2", 192_000, (44_100, 48_000))
_MKV: Final = VideoKind("matroska", ".mkv", "video/x-matroska", "aac", 256_000, _AAC_RATES)

KINDS: Final = (_MP4, _WEBM, _WMV, _MKV)


def _kind_for(codec: str) -> VideoKind:
    """Return the kind of file that holds a picture of this codec together with a sound."""
    kinds = {_IN_MP4: _MP4, _IN_WEBM: _WEBM, _IN_ASF: _WMV}
    return next((kind for codecs, kind in kinds.items() if codec in codecs), _MKV)


@dataclass(frozen=True, slots=True)
class Picture:
    """The video track of a recording, in a file without sound.

    Attributes:
        path: the file that holds it alone.
        codec: how it is encoded, as FFmpeg calls it.
        start_s: when its first frame is shown; 0 is the first sample of the recording.
    """

    path: Path
    codec: str
    start_s: float

    @property
    def extension(self) -> str:
        """The extension, with its dot, of a file with this picture and sound."""
        return self._kind.extension

    @property
    def _kind(self) -> VideoKind:
        return _kind_for(self.codec)

    def rate_for(self, sample_rate: int) -> int:
        """Return the rate (Hz) at which a source's sound is written; see `AudioFormat.rate_for`."""
        return self._kind.rate_for(sample_rate)

    def write_with(self, sound: AudioSource, path: Path, *, gain: float = 1.0) -> None:
        """Write a video file with this picture, copied packet by packet, and `sound` starting where the old sound did.

        The sound is lossy and ends at full scale; `gain` is linear, as in `separation.audio.encode.encode`.

        Raises:
            FileError: it cannot be written.
        """
        import av

        with new_file(path) as part:
            try:
                with av.open(str(self.path)) as kept, av.open(str(part), "w", format=self._kind.container) as out:
                    self._join(kept, sound, out, gain)
            except decoder_errors() as error:
                raise FileError(
                    "The video could not be written.",
                    f"The encoder says: {system_message(error)}.",
                    "Download the sound alone, or upload the file again.",
                ) from error

    def _join(self, kept: Any, sound: AudioSource, out: Any, gain: float) -> None:
        stream = kept.streams.video[0]
        shown = _copied_stream(out, stream)
        rate = self.rate_for(sound.sample_rate)
        audio_stream = out.add_stream(self._kind.codec, rate=rate, layout="stereo" if sound.n_channels == 2 else "mono")
        audio_stream.bit_rate = self._kind.bit_rate
        sounding = _encoded(sound, audio_stream, rate, round(max(0.0, -self.start_s) * rate), np.float32(gain))
        reached_s = 0.0  # of the sound
        for packet in _shifted(kept.demux(stream), max(0.0, self.start_s)):
            packet.stream = shown
            time_s = float(packet.dts * packet.time_base)
            while reached_s <= time_s and (piece := next(sounding, None)) is not None:
                reached_s, packets = piece
                out.mux(packets)
            out.mux(packet)
        for _, packets in sounding:
            out.mux(packets)


def keep_picture(source: Path, target: Path, track: int | None = None) -> Picture | None:
    """Copy the picture of a video file to `target`, without its sound; None if there is none.

    Album covers do not count as a picture.

    Args:
        source: the video file.
        target: takes the picture.
        track: the audio track that is heard with it, from 1 on; None for the default one.

    Raises:
        PictureNotKept: it cannot be copied; nothing is left at `target`.
    """
    if not _is_container(source):
        return None
    import av  # on demand: it loads some 40 MB of libraries that a WAV never needs

    try:
        with source.open("rb") as file, open_container(BoundedFile(file)) as container:
            stream = next((one for one in container.streams.video if not _is_cover(one)), None)
            if stream is None:
                return None
            codec = _codec_of(stream)
            with av.open(str(private(target)), "w", format=_kept_in(codec)) as kept:
                first_s = _copy(container.demux(stream), kept, _copied_stream(kept, stream))
        if first_s is None:
            raise NotReadableError("it holds no frames")
        return Picture(target, codec, round(first_s - _sound_starts_s(source, track), 6))
    except decoder_errors(NotReadableError) as error:
        log.warning("the picture of a video is left out: %s", error)
        with suppress(FileNotFoundError):
            target.unlink()
        raise PictureNotKept(system_message(error)) from error


def _kept_in(codec: str) -> str:
    """Return the container that holds a picture of this codec alone."""
    kind = _kind_for(codec)
    return kind.container if kind in (_MP4, _WMV) else "matroska"


def _copy(packets: Iterator[Any], out: Any, shown: Any) -> float | None:
    """Copy packets into one stream; return when the first is shown, in seconds, or None if there is none."""
    first_s = None
    for packet in _shifted(packets):
        if first_s is None:
            first_s = float(packet.pts * packet.time_base)
        packet.stream = shown
        out.mux(packet)
    return first_s


def _codec_of(stream: Any) -> str:
    """Return the name of a stream's codec; that of the library that decodes it may be another, such as libdav1d."""
    if stream.codec_context is None:
        raise NotReadableError("nobody knows its codec")
    codec = stream.codec_context.codec
    return str(getattr(codec, "canonical_name", codec.name))


def _copied_stream(out: Any, stream: Any) -> Any:
    """Add a stream like `stream`, for its packets as they are."""
    try:
        return out.add_stream_from_template(stream)
    except ValueError:  # PyAV looks for an encoder, which not every codec has, and which copying does not need
        return out.add_stream_from_template(stream, opaque=True)


def _is_container(path: Path) -> bool:
    """Whether a file's first bytes are those of a container that may hold a moving picture."""
    with path.open("rb") as file:
        head = file.read(189)
    atoms = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    if head[4:8] in atoms or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    transport = head[:1] == head[188:] == b"G"  # MPEG-TS: a sync byte every 188 bytes
    return transport or head.startswith((b"\x1a\x45\xdf\xa3", b"FLV", b"\x30\x26\xb2\x75", b"\0\0\x01\xba"))


def _is_cover(stream: Any) -> bool:
    import av.stream

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _sound_starts_s(source: Path, track: int | None) -> float:
    """Return the time stamp, in seconds of the file's own clock, of the first sample that decoding gives."""
    with source.open("rb") as file, closing(PyAVReader(BoundedFile(file), BLOCK_SAMPLES, track)) as reader:
        return reader.start_s


def _shifted(packets: Iterator[Any], start_s: float | None = None) -> Iterator[Any]:
    """Yield the non-empty packets with both their times, moved so that the first is shown at `start_s`."""
    by = 0 if start_s is None else None
    for packet in timed(packet for packet in packets if packet.size):  # an empty one is the end of the stream
        if by is None:
            by = round(Fraction(start_s or 0) / packet.time_base) - packet.pts
        packet.pts, packet.dts = packet.pts + by, packet.dts + by
        yield packet


def timed(packets: Iterator[Any]) -> Iterator[Any]:
    """Yield the packets, each with a time to be shown and an earlier or equal one to be decoded, which ascends.

    Matroska stores when frames are shown. From that FFmpeg tells when they are decoded, except for the first ones of a
    codec that reorders frames.
    """
    waiting: list[Any] = []
    last: Any = None  # time to be decoded, of the packet before
    for packet in packets:
        if packet.pts is None:
            if packet.dts is None:
                raise ValueError("a packet has no time")
            packet.pts = packet.dts
        if packet.dts is None and last is None:
            waiting.append(packet)
            if len(waiting) > MAX_UNTIMED:
                raise ValueError("its packets do not say when they are decoded")
            continue
        if packet.dts is None:
            packet.dts = last + 1
        yield from _backdated(waiting, packet)
        waiting = []
        last = packet.dts
        yield packet
    yield from _backdated(waiting, None)


def _backdated(waiting: list[Any], after: Any) -> Iterator[Any]:
    """Yield packets with times to be decoded that are a frame apart and end before the packet `after` them."""
    if not waiting:
        return
    shown = sorted(packet.pts for packet in [*waiting, *([] if after is None else [after])])
    frame = max(1, min((b - a for a, b in pairwise(shown) if b > a), default=1))
    end = after.dts if after is not None else shown[0] + frame
    for n_left, packet in zip(range(len(waiting), 0, -1), waiting, strict=True):
        packet.dts = end - n_left * frame
        yield packet


def _encoded(
    sound: AudioSource, stream: Any, rate: int, start: int, gain: np.float32
) -> Iterator[tuple[float, list[Any]]]:
    """Yield packets of a sound that begins at sample `start`, each list with the second up to which it reaches."""
    import av

    at, time_base = start, Fraction(1, rate)
    for block in _blocks(sound, rate):
        samples = np.ascontiguousarray((gain * block).clip(-1, 1))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo" if len(block) == 2 else "mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, time_base, at
        at += block.shape[1]
        yield at / rate, stream.encode(frame)
    yield at / rate, stream.encode(None)


def _blocks(sound: AudioSource, rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield the whole sound at `rate` Hz, as blocks of shape (channels, any length above 0)."""
    starts = range(0, sound.n_samples, BLOCK_SAMPLES)
    own = (sound.read(start, min(start + BLOCK_SAMPLES, sound.n_samples)) for start in starts)
    for block in resample_blocks(own, sound.n_channels, sound.sample_rate, rate):
        if block.shape[1]:
            yield block
