"""The second decoder: FFmpeg's libraries, by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from separation.audio.decoding.gaps import Gaps
from separation.audio.decoding.reader import (
    AudioInfo,
    BoundedFile,
    NotReadableError,
    cut_off,
    decoder_errors,
    ends_early,
    grouped,
    system_message,
)
from separation.audio.part import no_track
from separation.audio.waveform import check_channels
from separation.formatted import counted

MAX_STREAMS: Final = 16  # audio tracks tried
MAX_SILENT_PACKETS: Final = 100_000  # in a row; the longest real run is a few priming packets


class PyAVReader:
    """Decodes video files, m4a, webm, wma, raw AAC and AC-3 and all other formats by FFmpeg's libraries.

    Of several audio tracks it reads the one that is asked for; else the default one, or, if that cannot be decoded, the
    first that can, and says so.

    Args:
        file: is read from its start.
        block_samples: about how many samples a block has.
        track: the number of the audio track, from 1 on; None for the default one.

    Attributes:
        n_read: samples per channel that were given so far.
        start_s: the time stamp of the first sample, on the file's own clock.

    Raises:
        NotReadableError: it finds no audio in the file.
        SettingsError: the file has no such track.
    """

    def __init__(self, file: BoundedFile, block_samples: int, track: int | None = None):
        self.warnings: list[str] = []
        self.n_read = 0
        self._block_samples = block_samples
        self._container = open_container(file)
        streams = self._container.streams.audio
        if not streams:
            self.close()
            raise NotReadableError("it has no audio track")
        if track is not None and track > len(streams):
            self.close()
            raise no_track(track, f"The file has {counted(len(streams), 'audio track')}.")
        default = next((index for index, stream in enumerate(streams) if _is_default(stream)), 0)
        order = sorted(range(min(len(streams), MAX_STREAMS)), key=lambda index: index != default)
        reason = ""
        for n_tried, index in enumerate(order if track is None else [track - 1]):
            if n_tried:  # a decoder that failed leaves the container in the middle of the file
                self.close()
                file.seek(0)
                self._container = open_container(file)
            try:
                self._frames = self._decoded(self._container.streams.audio[index])
                first = next(self._frames, None)
                if first is not None:
                    self._first = first
                    self.start_s = float(first.time or 0.0)
                    self.info = self._read_header(self._container.streams.audio[index], first)
                    if track is None and len(streams) > 1:
                        self.warnings.append(_choice(self.info, default + 1))
                    return
                reason = "its data cannot be decoded" if self.warnings else "it holds no audio samples"
            except decoder_errors() as error:
                reason = system_message(error)
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
            tracks=tuple(map(_described, container.streams.audio)),
            track=container.streams.audio.index(stream) + 1,
        )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All samples; see `Reader`."""
        for block in grouped(self._pieces(), self._block_samples):
            self.n_read += block.shape[1]
            yield block
        if ends_early(self.n_read, self.info):
            self.warnings.append(cut_off(self.n_read / self.info.sample_rate))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        shape = (self.info.sample_rate, self.info.n_channels)
        gaps = Gaps(self.info)
        for frame in chain([self._first], self._frames):
            if (frame.sample_rate, len(frame.layout.channels)) != shape:
                self.warnings.append("The rate or the number of channels changes; only what comes before is used.")
                break
            n_missing = gaps.before(frame.time, frame.samples)
            for n_done in range(0, n_missing, self._block_samples):
                yield np.zeros((self.info.n_channels, min(self._block_samples, n_missing - n_done)), np.float32)
            yield _frame_samples(frame)
        self.warnings += gaps.warnings()

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
                except decoder_errors():
                    n_damaged += 1
                    continue
                for frame in frames:
                    if frame.samples:
                        n_silent = 0
                        yield frame
        except decoder_errors() as error:
            self.warnings.append(f"The file is damaged and was read up to there ({system_message(error)}).")
        if n_damaged:
            self.warnings.append(f"The file is damaged; pieces left out because they cannot be decoded: {n_damaged}.")

    def close(self) -> None:
        """Close FFmpeg's container."""
        self._container.close()


def _is_default(stream: Any) -> bool:
    import av.stream

    return bool(stream.disposition & av.stream.Disposition.default)


def _described(stream: Any) -> str:
    """Return what a person needs to know of an audio track to choose it."""
    tags = {name.lower(): value.strip() for name, value in stream.metadata.items()}
    title = tags.get("title") or tags.get("handler_name", "")
    language = tags.get("language", "")
    context = stream.codec_context  # None if nobody knows the codec
    about = [
        "" if title in _NO_TITLES else title,
        "" if language == "und" else language,
        "unknown codec" if context is None else context.name.removesuffix("float"),
        "" if context is None else context.layout.name,
    ]
    words = ", ".join(filter(None, about))
    return "".join(sign for sign in words if sign.isprintable())[:100]


def _choice(info: AudioInfo, default: int) -> str:
    """Return the warning that only one of several tracks is read."""
    which = f"number {info.track} ({info.tracks[info.track - 1]})"
    if info.track == default:
        return f"It has {len(info.tracks)} audio tracks; the default one is used, {which}."
    return f"It has {len(info.tracks)} audio tracks; the default one cannot be decoded, so {which} is used."


def frames_after(
    n_samples: int, file: BoundedFile, info: AudioInfo, block_samples: int
) -> Iterator[NDArray[np.float32]]:
    """Yield what FFmpeg decodes after the first samples of a file, as blocks of shape (channels, any length above 0).

    Args:
        n_samples: per channel, that another decoder has given.
        file: is read from its start.
        info: what the other decoder said of it; nothing comes if FFmpeg finds another rate or number of channels.
        block_samples: about how many samples a block has.
    """
    file.seek(0)
    try:
        reader = PyAVReader(file, block_samples)
    except NotReadableError:
        return
    with closing(reader):
        if (reader.info.sample_rate, reader.info.n_channels) != (info.sample_rate, info.n_channels):
            return
        for block in reader.blocks():
            if block.shape[1] > n_samples:
                yield block[:, n_samples:]
            n_samples = max(0, n_samples - block.shape[1])


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
    except decoder_errors() as error:
        raise NotReadableError(system_message(error)) from error


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


_NO_TITLES: Final = ("SoundHandler", "Sound Media Handler", "Core Media Audio")  # what programs write without a title
_FORMATS_WITH_LENGTH: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "asf", "caf", "flac", "avi", "aiff", "wav")
_AV_FORMATS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mxf,ogg,oma,rm,shn,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
