"""Writes any `AudioSource` to an audio file, block by block; the file appears only when it is complete."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import inf, log10
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from separation.audio.files import new_file, writing
from separation.audio.waveform import MAX_SAMPLE_RATE, AudioSource, check_channels, check_sample_rate, resample_blocks
from separation.errors import AudioError, SettingsError
from separation.export.libsndfile import RF64_FROM_BYTES, CodecWriter

BLOCK_SAMPLES: Final = 16_384  # per read and write; 1 MiB at 8 channels of float64

_MP3_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # MPEG-1, 2 and 2.5
_VORBIS_RATES: Final = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioFormat:
    """An output format: container, codec and its limits.

    Attributes:
        name: how settings and the command line call it.
        label: how a person reads it.
        extension: of the file, with its dot.
        mime_type: for the browser.
        max_channels: more are refused.
        sample_rates: the rates the codec knows, in Hz; empty when it takes any.
        max_sample_rate: Hz.
    """

    name: str
    label: str
    extension: str
    mime_type: str
    max_channels: int = 8
    sample_rates: tuple[int, ...] = ()
    max_sample_rate: int = MAX_SAMPLE_RATE

    def rate_for(self, sample_rate: int) -> int:
        """Return the rate (Hz) at which a source is written: its own, else the next higher, else the highest."""
        if not self.sample_rates:
            return min(sample_rate, self.max_sample_rate)
        return min((rate for rate in self.sample_rates if rate >= sample_rate), default=max(self.sample_rates))


FORMATS: Final[Mapping[str, AudioFormat]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            AudioFormat(name="wav16", label="WAV, 16 bit", extension=".wav", mime_type="audio/wav"),
            AudioFormat(name="wav24", label="WAV, 24 bit", extension=".wav", mime_type="audio/wav"),
            AudioFormat(name="wav32f", label="WAV, 32-bit float", extension=".wav", mime_type="audio/wav"),
            # libFLAC's own limit on the rate
            AudioFormat(
                name="flac", label="FLAC, 24 bit", extension=".flac", mime_type="audio/flac", max_sample_rate=655_350
            ),
            AudioFormat(
                name="mp3",
                label="MP3, 320 kbit/s",
                extension=".mp3",
                mime_type="audio/mpeg",
                max_channels=2,
                sample_rates=_MP3_RATES,
            ),
            # Vorbis orders 3 and more channels in its own way; two is what every player agrees on
            AudioFormat(
                name="ogg",
                label="Ogg Vorbis",
                extension=".ogg",
                mime_type="audio/ogg",
                max_channels=2,
                sample_rates=_VORBIS_RATES,
            ),
        )
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """Describes the file that `encode` wrote.

    Attributes:
        path: the file.
        format: its name in `FORMATS`.
        sample_rate: Hz, of the file.
        n_channels: of the file.
        n_samples: per channel, of the file.
        peak_dbfs: the largest absolute sample of the source in dB of full scale, before the gain; -inf for silence.
        n_clipped: how many samples were cut to full scale.
        notes: what a person should know, one sentence each.
    """

    path: Path
    format: str
    sample_rate: int
    n_channels: int
    n_samples: int
    peak_dbfs: float
    n_clipped: int
    notes: tuple[str, ...]


def check_extension(path: Path, kind: AudioFormat) -> None:
    """Check that a file's extension says what is written into it; no extension, and that of a part, say nothing wrong.

    Raises:
        SettingsError: it says something else.
    """
    if path.suffix.lower() in ("", ".part", kind.extension):
        return
    meant = next((one.name for one in FORMATS.values() if one.extension == path.suffix.lower()), None)
    raise SettingsError(
        f"{str(path)!r} is no name for {kind.name}.",
        f"Such files end in {kind.extension}.",
        "Change the name" + (f", or choose the format {meant}." if meant else "."),
    )


def encode(
    source: AudioSource,
    path: Path | str,
    format: str = "wav32f",
    *,
    sample_rate: int | None = None,
    gain: float = 1.0,
    dither_seed: int = 0,
) -> Encoded:
    """Write all of `source` to `path`, by blocks, in one of `FORMATS`.

    wav32f keeps every sample as it is. All other formats end at full scale: samples beyond it are cut there (they
    never wrap around) and counted; a `gain` (linear) that keeps them below it follows from `loudest` and
    `separation.export.level`. wav16 is dithered with triangular noise of two LSB peak to peak (TPDF, drawn from
    NumPy's default generator seeded with `dither_seed`, so the same source gives the same bytes); wav24 and flac are
    rounded. The file has the source's rate, or `sample_rate` (Hz); one that the format does not know is replaced by
    the nearest it does, and a note says so.

    Raises:
        SettingsError: the format is unknown, does not take this many channels, or does not go with the extension.
        AudioError: the source is empty.
        FileError: the file cannot be written.
    """
    kind = _format_for(source, format)
    check_extension(Path(path), kind)
    if source.n_samples == 0:
        raise AudioError("There is nothing to write.", "The audio is zero samples long.", "Choose a longer part.")
    wanted = sample_rate or source.sample_rate
    path, rate = Path(path), kind.rate_for(wanted)
    notes = [] if rate == wanted else [_resampled_note(kind, wanted, rate)]
    source_peak, n_clipped, n_samples = 0.0, 0, 0
    with new_file(path) as part, _writer(part, kind, source, rate, dither_seed) as writer:
        for block in _blocks(source, rate):
            source_peak = max(source_peak, _peak(block))
            scaled = block if gain == 1 else block * np.float32(gain)
            if format != "wav32f":
                n_clipped += int(np.count_nonzero(np.abs(scaled) > 1))
            writer.write(scaled)
            n_samples += block.shape[1]
    if n_clipped:
        notes.append(f"{n_clipped} samples over full scale were clipped (peak {dbfs(source_peak):+.1f} dBFS).")
    return Encoded(
        path=path,
        format=format,
        sample_rate=rate,
        n_channels=source.n_channels,
        n_samples=n_samples,
        peak_dbfs=dbfs(source_peak),
        n_clipped=n_clipped,
        notes=tuple(notes),
    )


def loudest(sources: Iterable[AudioSource], rate_for: Callable[[int], int]) -> float:
    """Return the largest absolute sample of all sources, each at the rate it would be written at; read by blocks.

    Args:
        sources: read one after the other, each once from its start.
        rate_for: gives the rate (Hz) for a source's own, such as `AudioFormat.rate_for`; resampling moves peaks.
    """
    return max((_peak(block) for one in sources for block in _blocks(one, rate_for(one.sample_rate))), default=0.0)


def dbfs(peak: float) -> float:
    """Return an absolute sample value in dB of full scale; -inf for 0."""
    return 20 * log10(peak) if peak > 0 else -inf


class FloatWavWriter:
    """Writes a float32 WAV block by block, and turns it into RF64 (EBU Tech 3306) beyond WAV's 32-bit sizes.

    The length need not be known beforehand, and the same samples always give the same bytes.

    Raises:
        FileError: the file cannot be written; also `write` and `close`.
    """

    _HEADER = struct.Struct("<4sI4s 4sIQQQI 4sIHHIIHHH 4sII 4sI")

    def __init__(self, path: Path, n_channels: int, sample_rate: int, *, rf64_from_bytes: int = RF64_FROM_BYTES):
        self.n_samples = 0
        self._n_channels, self._sample_rate, self._rf64_from_bytes = n_channels, sample_rate, rf64_from_bytes
        self._folder = path.parent
        with self._writing():
            self._file: BinaryIO = path.open("wb")
            self._file.write(self._header())  # room for the real one, written on close

    def write(self, block: NDArray[np.float32]) -> None:
        """Append a block of shape (channels, any length)."""
        with self._writing():
            self._file.write(np.ascontiguousarray(block.T, "<f4").data)
        self.n_samples += block.shape[1]

    def flush(self) -> None:
        """Let readers see everything written so far; the sizes in the header are true only after `close`."""
        with self._writing():
            self._file.flush()

    @classmethod
    def read_part(cls, path: Path, n_channels: int, start: int, stop: int) -> bytes:
        """Return samples `start` to `stop` of a file that is being written, as interleaved little-endian float32."""
        with path.open("rb") as file:
            file.seek(cls._HEADER.size + 4 * n_channels * start)
            return file.read(4 * n_channels * (stop - start))

    def close(self) -> None:
        """Write the sizes into the header."""
        if not self._file.closed:
            with self._writing(), self._file:
                self._file.seek(0)
                self._file.write(self._header())

    def _writing(self) -> AbstractContextManager[None]:
        return writing("The audio", self._folder)  # without its name, which may be a temporary one

    def _header(self) -> bytes:
        frame_bytes = 4 * self._n_channels
        data_bytes = self.n_samples * frame_bytes
        riff_bytes = data_bytes + self._HEADER.size - 8
        # A JUNK chunk of ds64's size keeps its place; readers of plain WAV step over it.
        large = data_bytes >= self._rf64_from_bytes
        sizes = (riff_bytes, data_bytes, self.n_samples) if large else (0, 0, 0)
        return self._HEADER.pack(
            *(b"RF64" if large else b"RIFF", 0xFFFFFFFF if large else riff_bytes, b"WAVE"),
            *(b"ds64" if large else b"JUNK", 28, *sizes, 0),
            *(b"fmt ", 18, 3, self._n_channels, self._sample_rate),  # format 3: IEEE float
            *(self._sample_rate * frame_bytes, frame_bytes, 32, 0),
            *(b"fact", 4, 0xFFFFFFFF if large else self.n_samples),
            *(b"data", 0xFFFFFFFF if large else data_bytes),
        )

    def __enter__(self) -> FloatWavWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _writer(
    path: Path, kind: AudioFormat, source: AudioSource, sample_rate: int, dither_seed: int
) -> FloatWavWriter | CodecWriter:
    if kind.name == "wav32f":
        return FloatWavWriter(path, source.n_channels, sample_rate)
    n_expected = source.n_samples * sample_rate // source.sample_rate
    return CodecWriter(path, kind.name, kind.label, source.n_channels, sample_rate, dither_seed, n_expected)


def _format_for(source: AudioSource, name: str) -> AudioFormat:
    if name not in FORMATS:
        raise SettingsError(
            f"There is no audio format {name!r}.", f"Known formats: {', '.join(FORMATS)}.", "Choose one of them."
        )
    kind = FORMATS[name]
    check_sample_rate(source.sample_rate)
    check_channels(source.n_channels)
    if source.n_channels > kind.max_channels:
        raise SettingsError(
            f"{kind.label} does not take {source.n_channels} channels.",
            f"It takes up to {kind.max_channels} here.",
            "Mix down to stereo first, or choose a WAV format.",
        )
    return kind


def _blocks(source: AudioSource, rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield the whole source at `rate` Hz, as blocks of shape (channels, any length)."""
    starts = range(0, source.n_samples, BLOCK_SAMPLES)
    own = (source.read(start, min(start + BLOCK_SAMPLES, source.n_samples)) for start in starts)
    return resample_blocks(own, source.n_channels, source.sample_rate, rate)


def _peak(block: NDArray[np.float32]) -> float:
    return float(np.abs(block).max(initial=0))


def _resampled_note(kind: AudioFormat, from_rate: int, to_rate: int) -> str:
    return f"{kind.label} does not know {from_rate} Hz; the file is at {to_rate} Hz."
