"""What the page can play and draw: recordings, results, and what a job has made so far, as tracks and cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from separation.events import ChunkMeasured
from separation.results.kept import KeptSound, KeptTrack, Recording, Result
from separation.results.partial import Sound
from webapp.components.player.track import ChunkCell, Track
from webapp.pages.queue.job_cells import cell_of
from webapp.state.job import Job
from webapp.state.uploads import Upload
from webapp.theme import stem_color

REST = "everything else"


def mixture_track(recording: Recording, how: str, *, has_stems: bool) -> Track:
    """The recording itself; beside its own stems it would double everything, so it is muted then."""
    (track,) = recording.tracks
    return _track(recording, replace(track, name="Mixture"), stem_color("mixture"), how, muted=has_stems)


def arriving_track(upload: Upload) -> Track | None:
    """A recording on its way in, as far as it is there; None before its header is read."""
    if upload.audio is None:
        return None
    return Track(
        id=f"{upload.key[:12]}-arriving",
        name=upload.name,
        color=stem_color("mixture"),
        url=f"/media/{upload.key}/audio",
        download="",
        ready_samples=upload.audio.n_ready,
        n_samples=upload.audio.n_samples,
        sample_rate=upload.audio.sample_rate,
        n_channels=upload.audio.n_channels,
    )


def result_tracks(result: Result, how: str) -> list[Track]:
    """The tracks of a result, each in its colour; `how` downloads are written, as the query of their addresses."""
    colors = _colors(result.track_names)
    tracks = [_track(result, track, color, how) for track, color in zip(result.tracks, colors, strict=True)]
    for track in tracks:
        if explained := _explained_energies(result.measures, track["name"]):
            track["explained"] = explained
    return tracks


def growing_tracks(job: Job, recording: Recording) -> list[Track]:
    """What a job has made so far, under the addresses that its result will have."""
    assert job.growing is not None
    key = job.growing.key
    return [
        Track(
            id=f"{key[:12]}-{index}",
            name=name,
            color=color,
            url=f"/media/{key}/{index}",
            n_samples=recording.n_samples,
            sample_rate=recording.sample_rate,
            n_channels=recording.n_channels,
            download="",
            ready_samples=job.n_ready,
        )
        for index, (name, color) in enumerate(zip(job.tracks, _colors(job.tracks), strict=True))
    ]


def running_strip(job: Job, recording: Sound) -> list[ChunkCell]:
    """The chunks of a running job as cells under the waveform."""
    strip = strip_of(job.spans_s, recording)
    for index, chunk in enumerate(strip):
        cell = cell_of(job, index)
        chunk["state"], chunk["fraction"] = cell["state"], cell["fraction"]
    return strip


def strip_of(spans_s: Sequence[Sequence[float]], recording: Sound) -> list[ChunkCell]:
    """Chunks as cells that do not overlap: each ends where the next one starts."""
    n_samples = recording.n_samples
    starts = [min(n_samples, round(start_s * recording.sample_rate)) for start_s, _ in spans_s] + [n_samples]
    return [ChunkCell(start=start, count=stop - start, state="done") for start, stop in pairwise(starts)]


def _explained_energies(measures: Sequence[ChunkMeasured], name: str) -> list[float]:
    """How much of each chunk of a track the mixture explains; a silent chunk has nothing to explain."""
    return [1.0 if (value := one.explained_energy) is None else value for one in measures if one.stem == name]


def _colors(names: Sequence[str]) -> list[str]:
    colors: list[str] = []
    for name in names:
        colors.append(stem_color("residual" if name == REST else name, colors))
    return colors


def _track(of: KeptSound, track: KeptTrack, color: str, how: str, *, muted: bool = False) -> Track:
    return Track(
        # The mixer keeps what a person set by this name, so it changes with where the track should stand at first.
        id=f"{of.key[:12]}-{track.id}{'-muted' if muted else ''}",
        name=track.name,
        color=color,
        url=f"/media/{of.key}/{track.id}",
        n_samples=of.n_samples,
        sample_rate=of.sample_rate,
        n_channels=of.n_channels,
        download=f"/media/{of.key}/{track.id}/file?{how}",
        muted=muted,
    )
