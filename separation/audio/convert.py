"""Converts any audio or video file to a recording: a float32 WAV of one or two channels, 8 to 192 kHz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from separation.audio.decode import DecodedBlocks, decode_blocks
from separation.audio.encode import FloatWavWriter
from separation.audio.files import FilesRead, new_file
from separation.audio.part import WHOLE, Part
from separation.audio.partial_file import GrowingFile
from separation.audio.times import resampled_length
from separation.audio.waveform import resample_blocks, to_channels
from separation.errors import AudioError
from separation.export.tags import NO_TAGS, Tags, write_tags

MIN_KEPT_RATE: Final = 8_000  # Hz; the least that every browser plays (W3C, Web Audio API), Chromium from 3 kHz on
MAX_KEPT_RATE: Final = 192_000  # Hz; `convert` brings faster recordings to CONVERTED_RATE
CONVERTED_RATE: Final = 48_000  # Hz


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """What `convert` wrote.

    Attributes:
        n_samples: per channel.
        sample_rate: Hz.
        n_channels: 1 or 2.
        warnings: one sentence each.
        tags: what the source says of itself, by the names in `separation.export.tags.TEXTS`; empty until they are read.
        tracks: what each audio track of the file is.
        track: which of them this is, from 1 on.
    """

    n_samples: int
    sample_rate: int
    n_channels: int
    warnings: tuple[str, ...]
    tracks: tuple[str, ...] = ("",)
    track: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate


def convert(
    path: Path | str,
    out_path: Path | str,
    *,
    part: Part = WHOLE,
    max_duration_s: float | None = None,
    tags: Tags = NO_TAGS,
) -> Conversion:
    """Write a file's audio as a float32 WAV of one or two channels that `AudioFile` reads, in constant memory.

    A `part` gives exactly the samples that it has in the whole recording, and nothing after it is decoded; if the
    recording ends before it, a warning says so. One that is resampled is so as if the part were all of it.

    Three and more channels are mixed down by `to_channels`. The rate is kept from 8 to 192 kHz. Recordings above it
    are resampled to 48 kHz, with a warning: they hold nothing audible up there, and every later step takes longer.
    Those below are resampled to 8 kHz, with a warning, because browsers do not play them.
    `out_path` appears only once it is complete, with these `tags` in it. Past 4 GB it is an RF64 file.

    Raises:
        AudioError: no audio can be read, or it is longer than `max_duration_s`.
        FileError: `out_path` cannot be written.
        SettingsError: the part begins after the end of the recording, or `out_path` is the file itself.
    """
    out_path = Path(out_path)
    read = FilesRead.of([Path(path)])
    with (
        converted_blocks(path, part=part, max_duration_s=max_duration_s) as blocks,
        new_file(out_path, read) as making,
    ):
        with FloatWavWriter(making, blocks.n_channels, blocks.sample_rate) as writer:
            for block in blocks:
                writer.write(block)
        write_tags(making, ".wav", tags)
        return blocks.conversion()


class ConvertedBlocks:
    """Iterates once over a file's blocks, converted to the rate and channels in which recordings are kept.

    Attributes:
        sample_rate: Hz, of the blocks.
        n_channels: of the blocks, 1 or 2.
        n_expected: how many samples there will be by the header; None if it does not say.
    """

    def __init__(self, decoded: DecodedBlocks, part: Part, max_duration_s: float | None) -> None:
        info = decoded.info
        self.sample_rate = _kept_rate(info.sample_rate)
        self.n_channels = min(info.n_channels, 2)
        whole = None if info.n_samples is None else resampled_length(info.n_samples, info.sample_rate, self.sample_rate)
        self.n_expected = whole if part.is_whole else None
        self._decoded, self._part, self._max_duration_s = decoded, part, max_duration_s
        self._n_samples = 0
        if max_duration_s is not None and (self.n_expected or 0) > max_duration_s * self.sample_rate:
            raise _too_long(decoded.name, max_duration_s)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        rate, limit_s = self._decoded.info.sample_rate, self._max_duration_s
        mixed = (to_channels(block, self.n_channels) for block in self._decoded)
        for block in resample_blocks(mixed, self.n_channels, rate, self.sample_rate):
            yield block
            self._n_samples += block.shape[1]
            # A header may state fewer samples than the file has, or none at all.
            if limit_s is not None and self._n_samples > limit_s * self.sample_rate:
                raise _too_long(self._decoded.name, limit_s)

    def conversion(self) -> Conversion:
        """Return what was converted; valid once all blocks have been read."""
        info, warnings = self._decoded.info, self._decoded.warnings
        if early := self._part.shortfall(self._n_samples, self.sample_rate):
            warnings.append(early)
        if self.sample_rate != info.sample_rate:
            warnings.append(f"The recording was brought from {info.sample_rate} Hz to {self.sample_rate} Hz.")
        if self.n_channels != info.n_channels:
            warnings.append(f"The {info.n_channels} channels were mixed down to stereo (ITU-R BS.775).")
        return Conversion(
            n_samples=self._n_samples,
            sample_rate=self.sample_rate,
            n_channels=self.n_channels,
            warnings=tuple(warnings),
            tracks=info.tracks,
            track=info.track,
        )


@contextmanager
def converted_blocks(
    source: Path | str | GrowingFile, *, part: Part = WHOLE, max_duration_s: float | None = None
) -> Iterator[ConvertedBlocks]:
    """Open a file as `convert` reads it, for callers that write the blocks themselves.

    Raises:
        AudioError: no audio can be read, or it is longer than `max_duration_s`; also while reading.
        SettingsError: while reading: the part begins after the end of the recording.
    """
    with decode_blocks(source, part=part) as decoded:
        yield ConvertedBlocks(decoded, part, max_duration_s)


def _kept_rate(sample_rate: int) -> int:
    return CONVERTED_RATE if sample_rate > MAX_KEPT_RATE else max(MIN_KEPT_RATE, sample_rate)


def _too_long(name: str, max_duration_s: float) -> AudioError:
    return AudioError(f"{name} is too long.", f"At most {max_duration_s:g} s are taken.", "Cut it, or raise the limit.")
