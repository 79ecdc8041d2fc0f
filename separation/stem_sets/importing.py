"""Imports a song with known stems as a recording that keeps them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from separation.audio.decode import probe
from separation.audio.encode import FloatWavWriter
from separation.audio.files import private
from separation.audio.part import WHOLE, Part
from separation.errors import AudioError, SettingsError
from separation.formatted import clock
from separation.results import commands
from separation.results.kept import Recording
from separation.results.known_stems import has_known_stems, with_known_stems
from separation.results.runs import import_recording
from separation.results.store import Store
from separation.stem_sets.folder import readable
from separation.stem_sets.song import KnownSong, StemSource
from separation.stem_sets.summing import Blocks, label, source_blocks, summed

# What encoders add and players leave out; more is another song, or another take.
MOST_MISSING_S = 0.1
REVISION = 1  # Change when the same files would give other stems.


def import_song(song: KnownSong, store: Store, part: Part = WHOLE) -> Recording:
    """Keep a song, or a part of it, as a recording with its true stems; one that is kept with them is looked up.

    A mixture that is no file is the sum of the stems. Stems get the rate and the channels of the mixture. Those that
    are shorter or longer by at most `MOST_MISSING_S` are padded or cut, which the recording's warnings say. No stem is
    held in memory as a whole.

    Args:
        song: as `find_songs` found it.
        store: keeps the recording.
        part: of the mixture and all stems; its track is not heeded.

    Raises:
        AudioError: a file cannot be decoded.
        SettingsError: a stem is too long or too short, or the part begins after the end of the song.
        StorageError: there is no room.
    """
    part = replace(part, track=None)
    made_from = _digest(song)
    recording = _import_mixture(song, store, part)
    item = store.get(recording.key)
    if item is None or has_known_stems(item, list(song.stems), made_from):
        return recording
    said = [*song.notes]
    return with_known_stems(
        item,
        {name: _stem(name, sources, song, recording, part, said.append) for name, sources in song.stems.items()},
        store,
        sample_rate=recording.sample_rate,
        warnings=said,
        made_from=made_from,
        command=commands.importing(readable(song.place.resolve().name), part),
    )


def _import_mixture(song: KnownSong, store: Store, part: Part) -> Recording:
    if song.mixture is not None:
        return import_recording(song.mixture.path, store, name=song.name, part=replace(part, track=song.mixture.track))
    with store.scratch() as folder:
        _write_sum(song, private(folder / "sum.wav"), part)
        return import_recording(folder / "sum.wav", store, name=song.name, part=part)


def _write_sum(song: KnownSong, path: Path, part: Part) -> None:
    """Write the sum of all stems up to the end of the part, at the highest of their rates."""
    sources = [source for of_a_stem in song.stems.values() for source in of_a_stem]
    formats = [probe(source.path) for source in sources]
    sample_rate = max(one.sample_rate for one in formats)
    n_channels = min(2, max(one.n_channels for one in formats))
    until = Part(end_s=part.end_s)
    blocks = summed(source_blocks(source, until, sample_rate, n_channels, _unsaid) for source in sources)
    with FloatWavWriter(path, n_channels, sample_rate) as writer:
        for block in blocks:
            writer.write(block)


def _unsaid(sentence: str) -> None:
    """Drop a sentence that is said when the stem itself is read."""


def _stem(
    name: str,
    sources: Sequence[StemSource],
    song: KnownSong,
    recording: Recording,
    part: Part,
    say: Callable[[str], object],
) -> Blocks:
    """Yield a stem's samples, as long as the recording."""
    streams = (
        _fitted(
            source_blocks(source, part, recording.sample_rate, recording.n_channels, say),
            source,
            recording,
            say,
            # A sum ends with the longest of its stems, and the others are silent from their own end on.
            may_end_early=song.mixture is None,
        )
        for source in sources
    )
    is_silent = True
    for block in summed(streams):
        is_silent = is_silent and not np.any(block)
        yield block
    if is_silent:
        say(f"The stem “{name}” is silent from start to end.")


def _fitted(
    blocks: Blocks, source: StemSource, recording: Recording, say: Callable[[str], object], *, may_end_early: bool
) -> Blocks:
    """Yield blocks that are as many samples as the recording has, padded or cut where they differ by a little."""
    rate, wanted = recording.sample_rate, recording.n_samples
    most = round(MOST_MISSING_S * rate)
    n_samples = 0
    for block in blocks:
        if n_samples < wanted:
            yield block[:, : wanted - n_samples]
        n_samples += block.shape[1]
        if n_samples > wanted + most:
            raise _another_length(source, recording, f"It is more than {MOST_MISSING_S:g} s longer than the song")
    missing = wanted - n_samples
    if missing > most and not may_end_early:
        ends = clock(n_samples / rate, 3)
        raise _another_length(source, recording, f"It ends at {ends}, the song at {clock(recording.duration_s, 3)}")
    if missing > 0:
        yield np.zeros((recording.n_channels, missing), np.float32)
    if missing:
        is_short = missing > 0
        words = ("shorter", "is silent from its end on") if is_short else ("longer", "was cut")
        say(f"{label(source)} is {_length(abs(missing), rate)} {words[0]} than the song and {words[1]}.")


def _length(n_samples: int, sample_rate: int) -> str:
    duration_s = n_samples / sample_rate
    if duration_s < 0.001:
        return "less than 1 ms"
    return f"{duration_s * 1000:.0f} ms" if duration_s < 1 else f"{duration_s:.1f} s"


def _another_length(source: StemSource, recording: Recording, why: str) -> SettingsError:
    return SettingsError(
        f"{label(source)} is no stem of “{recording.name}”.",
        f"{why}; {MOST_MISSING_S:g} s are allowed.",
        "Take it out of the folder, or replace it by the stem as long as the song.",
    )


def _digest(song: KnownSong) -> str:
    """Return the SHA-256 of what the stems are made from: names, files and tracks, and if the mixture is a sum."""
    files: dict[Path, str] = {}
    for sources in song.stems.values():
        for source in sources:
            if source.path not in files:
                files[source.path] = _digest_of_file(source.path)
    stems = [[name, [[files[one.path], one.track] for one in sources]] for name, sources in song.stems.items()]
    parts = [REVISION, song.mixture is None, stems]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest_of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AudioError(
            f"“{readable(path.name)}” cannot be read.",
            f"The system says: {error.strerror}.",
            "Check its folder and its permissions.",
        ) from error
