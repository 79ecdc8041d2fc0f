"""Makes the passage of a recording that a benchmark separates: a short recording of its own, with its known stems."""

from __future__ import annotations

from separation.audio.part import Part
from separation.benchmark.grid import Passage
from separation.errors import SettingsError
from separation.formatted import clock
from separation.results.kept import Recording
from separation.results.known_stems import with_known_stems
from separation.results.runs import import_recording
from separation.results.store import Store


def passage_of(recording: Recording, passage: Passage, store: Store) -> Recording:
    """Return the passage of a recording; the recording itself if that is all of it.

    It is kept like any recording, so its results can be heard, compared, and made again in the Studio.

    Raises:
        SettingsError: the recording ends before the passage begins.
        AudioError: the recording's samples cannot be read.
    """
    start_s = passage.start_s
    stop_s = recording.duration_s if passage.length_s is None else start_s + passage.length_s
    if start_s == 0 and stop_s >= recording.duration_s:
        return recording
    if start_s >= recording.duration_s:
        raise SettingsError(
            f"“{recording.name}” has no passage at {clock(start_s)}.",
            f"It is {clock(recording.duration_s)} long.",
            "Choose an earlier passage.",
        )
    part = Part(start_s=start_s, end_s=min(stop_s, recording.duration_s))
    cut = import_recording(recording.audio, store, name=recording.name, part=part)
    if not recording.known_stems or cut.known_stems:
        return cut
    return _with_stems(cut, recording, store)


def _with_stems(cut: Recording, recording: Recording, store: Store) -> Recording:
    """Keep the same passage of the known stems."""
    from separation.audio.decode import AudioFile

    first = round(cut.part.start_s * recording.sample_rate)
    stems = {}
    for stem in recording.known_stems:
        with AudioFile(stem.audio) as audio:
            stems[stem.name] = audio.read(first, first + cut.n_samples)
    item = store.get(cut.key)
    assert item is not None
    return with_known_stems(item, stems, store, sample_rate=recording.sample_rate)
