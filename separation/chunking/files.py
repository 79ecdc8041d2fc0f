"""Cuts a recording into overlapping files (`split`), and joins such files again (`merge`, `concat`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from separation.audio.convert import convert
from separation.audio.decode import AudioFile, decode_blocks
from separation.audio.decoding.reader import AudioInfo
from separation.audio.encode import FORMATS, Encoded, encode, loudest
from separation.audio.files import NOTHING_READ, FilesRead, check_places, hidden_folder, new_file, put, remove
from separation.audio.names import plain_name
from separation.audio.part import WHOLE, Part
from separation.audio.waveform import AudioSource
from separation.chunking.crossfade import CrossfadeStream
from separation.chunking.metadata import METADATA_SUFFIX, Split, read_split
from separation.chunking.plan import pairwise_starts, plan
from separation.errors import AudioError, SettingsError
from separation.export.level import RESCALE, Level, check_rule, level_for, needs_peak
from separation.formatted import counted
from separation.model.windowing import Windowing
from separation.request import ChunkSettings

Samples = NDArray[np.float32]

CHUNK_FORMATS: Final = ("wav32f", "wav24", "wav16", "flac")  # lossy codecs change the length


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What `split` wrote: the metadata's path and content, and notes, one sentence each."""

    metadata: Path
    split: Split
    notes: tuple[str, ...]


def split(
    path: Path,
    folder: Path,
    settings: ChunkSettings,
    *,
    scratch: Path,
    format: str = "wav32f",
    part: Part = WHOLE,
    peak_rule: str = RESCALE,
    read: FilesRead = NOTHING_READ,
) -> Written:
    """Cut a recording, or a part of it, into overlapping files in `folder`; memory holds one block.

    The files are called after the recording and numbered from 000; beside them `NAME.chunks.json` says how they
    overlap. It is written last, and all files appear together. Like everywhere, recordings of three and more channels
    are downmixed to two. All files are at one level, see `separation.export.level`, so that they can be joined.
    Neither the recording nor another of the files `read` is replaced. `scratch` is a folder for the decoded recording,
    which the caller deletes.

    Raises:
        AudioError: no audio can be read.
        FileError: the files cannot be written.
        SettingsError: the part begins after the recording's end, the format may change a chunk's length or has no
            floats where they are asked for, a chunk would replace a file that is read, or the settings have a `stitch`
            or `max_chunks`, which files do not.
    """
    if format not in CHUNK_FORMATS:
        raise SettingsError(
            f"Chunks are not written as {format!r}.",
            "Joining them needs every chunk at its exact length.",
            f"Choose one of: {', '.join(CHUNK_FORMATS)}.",
        )
    if settings.max_chunks is not None or settings.stitch != "crossfade":
        raise SettingsError(
            "Files are cut from the whole part and joined by a crossfade.",
            f"max_chunks={settings.max_chunks} or stitch={settings.stitch!r} asks for something else.",
            "Leave them as they are, and give an end instead.",
        )
    read |= FilesRead.of([path])
    conversion = convert(path, scratch / "audio.wav", part=part)
    with AudioFile(scratch / "audio.wav") as audio:
        cut = _planned(audio, path, part, settings, FORMATS[format].extension)
        metadata = folder / f"{plain_name(path.stem)}{METADATA_SUFFIX}"
        notes = _write(audio, cut, metadata, _level(lambda: audio, format, peak_rule), read)
    return Written(metadata=metadata, split=cut, notes=(*conversion.warnings, *notes))


def merge(
    metadata: Path, out: Path, *, fade: str | None = None, format: str = "wav32f", peak_rule: str = RESCALE
) -> Encoded:
    """Join the chunk files that `metadata` names, by crossfades; memory holds about one chunk.

    With `fade` None, the one in the metadata is used.

    Raises:
        AudioError: the metadata or a chunk file cannot be used, or a chunk's rate, channels or length changed.
        SettingsError: the fade or the format is unknown, or `out` is one of the files.
    """
    cut = read_split(metadata)
    read = FilesRead.of(_pieces(metadata, cut))

    def stream(notes: list[str]) -> _Stream:
        pieces = _crossfaded(cut, metadata.parent, CrossfadeStream(fade or cut.fade), notes)
        return _Stream(pieces, cut.sample_rate, cut.n_channels, cut.n_samples)

    return _joined(stream, out, format, peak_rule, read, [])


def concat(paths: Sequence[Path], out: Path, *, format: str = "wav32f", peak_rule: str = RESCALE) -> Encoded:
    """Join files end to end; memory holds one block.

    They are decoded twice, once to know their exact lengths, and once more if it matters how loud they are.

    Raises:
        AudioError: a file cannot be used.
        SettingsError: they differ in rate or channel count, the format is unknown, or `out` is one of the files.
    """
    assert paths
    read = FilesRead.of(paths)
    check_places([out], read)
    notes: list[str] = []
    infos, lengths = zip(*(_measured(path, notes) for path in paths), strict=True)
    _refuse_odd_one(paths, infos)

    def stream(_: list[str]) -> _Stream:
        pieces = (block for path, n_samples in zip(paths, lengths, strict=True) for block in _exactly(path, n_samples))
        return _Stream(pieces, infos[0].sample_rate, infos[0].n_channels, sum(lengths))

    return _joined(stream, out, format, peak_rule, read, notes)


def pieces_of(metadata: Path) -> list[Path]:
    """Return the files that `merge` reads: the metadata and the chunks.

    Raises:
        AudioError: it cannot be read, or does not describe chunks.
    """
    return _pieces(metadata, read_split(metadata))


# Cutting


def _planned(audio: AudioSource, path: Path, part: Part, settings: ChunkSettings, extension: str) -> Split:
    windowing = Windowing.of(settings, audio.sample_rate)
    n_chunks = len(plan(audio.n_samples, windowing))
    name, n_digits = plain_name(path.stem), max(3, len(str(n_chunks - 1)))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Split(
        source=path.name,
        source_sha256=digest,
        sample_rate=audio.sample_rate,
        n_channels=audio.n_channels,
        first_sample=round(part.start_s * audio.sample_rate),
        n_samples=audio.n_samples,
        chunk_samples=windowing.chunk or audio.n_samples,
        overlap_samples=windowing.overlap,
        fade=settings.fade,
        files=tuple(f"{name}.{index:0{n_digits}d}{extension}" for index in range(n_chunks)),
    )


def _write(audio: AudioSource, cut: Split, metadata: Path, level: Level, read: FilesRead) -> list[str]:
    """Write all chunks into a hidden folder, move them into place, then write the metadata; return notes."""
    notes = [level.note] if level.note else []
    folder = metadata.parent
    check_places([metadata, *(folder / file for file in cut.files)], read)
    with new_file(metadata, read) as part, hidden_folder(folder) as hidden:
        for file, chunk in zip(cut.files, cut.chunks, strict=True):
            source = _Stretch(audio, chunk.start, chunk.stop - chunk.start)
            written = encode(source, hidden / file, level.format, gain=level.gain)
            notes += [f"{file}: {note}" for note in written.notes]
        part.write_text(json.dumps(cut.to_dict(), indent=2) + "\n", "utf-8")
        remove(metadata)  # an older one would describe the new chunks wrongly while they move in
        for file in cut.files:
            put(hidden / file, folder / file, read)
    return notes


class _Stretch:
    """A section of a source, as a source."""

    def __init__(self, source: AudioSource, start: int, n_samples: int) -> None:
        self.sample_rate, self.n_channels, self.n_samples = source.sample_rate, source.n_channels, n_samples
        self._source, self._start = source, start

    def read(self, start: int, stop: int) -> Samples:
        """Return samples `start` to `stop` of the section."""
        return self._source.read(self._start + start, self._start + stop)


# Joining


class _Stream:
    """A source of `n_samples` from pieces of shape (channels, any length), read once from its start."""

    def __init__(self, pieces: Iterator[Samples], sample_rate: int, n_channels: int, n_samples: int) -> None:
        self.sample_rate, self.n_channels, self.n_samples = sample_rate, n_channels, n_samples
        self._pieces = pieces
        self._rest = np.empty((n_channels, 0), np.float32)
        self._position = 0

    def read(self, start: int, stop: int) -> Samples:
        """Return samples `start`, where the last read ended, to `stop`."""
        assert start == self._position
        taken = []
        while self._position < stop:
            if not self._rest.shape[1]:
                self._rest = next(self._pieces)
            taken.append(self._rest[:, : stop - self._position])
            self._rest = self._rest[:, taken[-1].shape[1] :]
            self._position += taken[-1].shape[1]
        return np.concatenate(taken, axis=1)


def _level(stream: Callable[[], AudioSource], format: str, peak_rule: str) -> Level:
    """Return the level for a source, which is read if it matters how loud it is."""
    check_rule(format, peak_rule)
    measured = format in FORMATS and needs_peak(format, peak_rule)  # an unknown one is refused where it is written
    peak = loudest([stream()], FORMATS[format].rate_for) if measured else 0.0
    return level_for(peak, format, peak_rule)


def _joined(
    stream: Callable[[list[str]], _Stream], out: Path, format: str, peak_rule: str, read: FilesRead, notes: list[str]
) -> Encoded:
    """Write a stream to `out`, unless that is one of the files `read`; `notes` are complete once it is written."""
    level = _level(lambda: stream([]), format, peak_rule)
    with new_file(out, read) as part:
        written = encode(stream(notes), part, level.format, gain=level.gain)
    said = [level.note] if level.note else []
    return replace(written, path=out, notes=(*notes, *said, *written.notes))


def _pieces(metadata: Path, cut: Split) -> list[Path]:
    return [metadata, *(metadata.parent / file for file in cut.files)]


def _crossfaded(cut: Split, folder: Path, stream: CrossfadeStream, notes: list[str]) -> Iterator[Samples]:
    for file, (chunk, next_start) in zip(cut.files, pairwise_starts(cut.chunks), strict=True):
        samples = _chunk(folder / file, cut, chunk.stop - chunk.start, notes)
        yield stream.add(chunk, next_start, {"": samples})[""]


def _chunk(path: Path, cut: Split, n_samples: int, notes: list[str]) -> Samples:
    """Return the samples of one chunk file, shape (channels, n_samples)."""
    samples = np.empty((cut.n_channels, n_samples), np.float32)
    position = 0
    with decode_blocks(path) as blocks:
        if (blocks.info.sample_rate, blocks.info.n_channels) != (cut.sample_rate, cut.n_channels):
            expected = f"{cut.sample_rate} Hz and {_channels(cut.n_channels)}"
            raise _changed(path, f"It has {_kind(blocks.info)}, and had {expected} when it was cut.")
        for block in blocks:
            if position + block.shape[1] > n_samples:
                raise _changed(path, f"It has more than the {n_samples} samples it was cut with.")
            samples[:, position : position + block.shape[1]] = block
            position += block.shape[1]
        notes += [f"{path.name}: {warning}" for warning in blocks.warnings]
    if position < n_samples:
        raise _changed(path, f"It has {position} of the {n_samples} samples it was cut with.")
    return samples


def _measured(path: Path, notes: list[str]) -> tuple[AudioInfo, int]:
    """Return a file's properties and its exact length in samples, which headers do not always state."""
    with decode_blocks(path) as blocks:
        n_samples = sum(block.shape[1] for block in blocks)
        notes += [f"{path.name}: {warning}" for warning in blocks.warnings]
        return blocks.info, n_samples


def _exactly(path: Path, n_samples: int) -> Iterator[Samples]:
    with decode_blocks(path) as blocks:
        for block in blocks:
            n_samples -= block.shape[1]
            if n_samples < 0:
                break
            yield block
    if n_samples:
        raise AudioError(f"{path.name!r} changed while it was read.", "", "Try again when nothing writes to it.")


def _refuse_odd_one(paths: Sequence[Path], infos: Sequence[AudioInfo]) -> None:
    kinds = [_kind(info) for info in infos]
    usual = max(kinds, key=kinds.count)
    for path, kind in zip(paths, kinds, strict=True):
        if kind != usual:
            raise SettingsError(
                f"{path.name!r} does not fit the other files.",
                f"It has {kind}, and they have {usual}.",
                "Give all files one rate and channel count first.",
            )


def _kind(info: AudioInfo) -> str:
    return f"{info.sample_rate} Hz and {_channels(info.n_channels)}"


def _channels(n_channels: int) -> str:
    return counted(n_channels, "channel")


def _changed(path: Path, why: str) -> AudioError:
    return AudioError(
        f"{path.name!r} does not fit its place.", why, "Process it again so that rate, channels and length stay."
    )
