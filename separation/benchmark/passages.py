"""Makes the passage of a recording that a benchmark separates: a short recording of its own, with its known stems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from separation.audio.part import Part
from separation.benchmark.grid import Passage
from separation.errors import AudioError, SettingsError
from separation.formatted import clock
from separation.results.kept import Recording
from separation.results.known_stems import MADE_FROM, has_known_stems, with_known_stems
from separation.results.runs import import_recording
from separation.results.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 2**18  # samples


def passage_of(recording: Recording, passage: Passage, store: Store) -> Recording:
    """Return the passage of a recording; the recording itself if that is all of it.

    It is kept like any recording, so its results can be heard, compared, and made again in the Studio.

    Raises:
        SettingsError: the recording ends before the passage begins.
        AudioError: the samples of the recording or of a stem cannot be read.
    """
    part = part_of(recording, passage)
    if part.is_whole:
        return recording
    cut = import_recording(recording.audio, store, name=recording.name, part=part)
    if not recording.known_stems:
        return cut
    return _with_stems(cut, recording, store)


def part_of(recording: Recording, passage: Passage) -> Part:
    """Return which part of a recording its passage is.

    Raises:
        SettingsError: the recording ends before the passage begins.
    """
    start_s = passage.start_s
    stop_s = recording.duration_s if passage.length_s is None else start_s + passage.length_s
    if start_s == 0 and stop_s >= recording.duration_s:
        return Part()
    if start_s >= recording.duration_s:
        raise SettingsError(
            f"“{recording.name}” has no passage at {clock(start_s)}.",
            f"It is {clock(recording.duration_s)} long.",
            "Choose an earlier passage.",
        )
    return Part(start_s=start_s, end_s=min(stop_s, recording.duration_s))


def _with_stems(cut: Recording, recording: Recording, store: Store) -> Recording:
    """Keep the same passage of the known stems, unless it is there already."""
    whole, item = store.get(recording.key), store.get(cut.key)
    if whole is None or item is None:
        raise AudioError(f"“{recording.name}” is not in the library any more.", "It was removed or evicted.")
    # The recording may have got others, or other names for them, since the passage was first taken.
    made_from = whole.manifest.inputs.get(MADE_FROM, "")
    if has_known_stems(item, [stem.name for stem in recording.known_stems], made_from):
        return cut
    first = round(cut.part.start_s * recording.sample_rate)
    stems = {stem.name: _blocks(stem.audio, first, first + cut.n_samples) for stem in recording.known_stems}
    return with_known_stems(item, stems, store, sample_rate=recording.sample_rate, made_from=made_from)


def _blocks(path: Path, first: int, stop: int) -> Iterator[NDArray[np.float32]]:
    """Yield the samples of a file from `first` to `stop`, which together need not fit into memory."""
    from separation.audio.decode import AudioFile

    with AudioFile(path) as audio:
        for start in range(first, stop, BLOCK):
            yield audio.read(start, min(stop, start + BLOCK))
