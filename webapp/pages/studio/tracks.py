"""Functions that turn recordings, uploads, results and running jobs into tracks and chunk cells to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from separation.events import ChunkMeasured
from separation.results.kept import AUDIO, KeptSound, KeptTrack, Recording, Result
from separation.results.partial import PartialAudio, Sound
from webapp.components.player.track import ChunkCell, Track
from webapp.pages.queue.job_cells import cell_of
from webapp.state.job import Job
from webapp.state.uploads import Upload
from webapp.theme import stem_color

REST = "everything else"


def mixture_track(recording: Recording, how: str, *, has_stems: bool, address: str = "") -> Track:
    """Return the track of the recording itself; beside its stems it is muted, since all sounds would play twice.

    Args:
        recording: the recording.
        how: the format of downloads, as the query of their addresses.
        has_stems: whether its stems are shown beside it.
        address: the key of the upload that became it, whose address a page keeps if it was open during the upload.
    """
    (track,) = recording.tracks
    mixture = replace(track, name="Mixture")
    return _track(recording, mixture, stem_color("mixture"), how, key=address, muted=has_stems)


def arriving_track(upload: Upload) -> Track | None:
    """Return the decoded part of an upload as a track; None before its header is read."""
    if upload.audio is None:
        return None
    return _partial_track(upload.key, AUDIO, upload.name, stem_color("mixture"), upload.audio)


def result_tracks(result: Result, how: str) -> list[Track]:
    """Return the tracks of a result, each in its colour; `how` is the format of downloads, as a query of addresses."""
    colors = _colors(result.track_names)
    tracks = [_track(result, track, color, how) for track, color in zip(result.tracks, colors, strict=True)]
    for track in tracks:
        if explained := _explained_energies(result.measures, track["name"]):
            track["explained"] = explained
    return tracks


def partial_tracks(job: Job) -> list[Track]:
    """Return the tracks of a job as far as they are computed, at the addresses of its later result."""
    if job.opened is None:
        return []
    named = zip(job.partial.items(), job.tracks, _colors(job.tracks), strict=False)
    return [_partial_track(job.opened.key, id, name, color, audio) for (id, audio), name, color in named]


def running_strip(job: Job, recording: Sound) -> list[ChunkCell]:
    """Return the chunks of a running job as cells of the strip under the waveform."""
    strip = strip_of(job.spans_s, recording)
    for index, chunk in enumerate(strip):
        cell = cell_of(job, index)
        chunk["state"], chunk["fraction"] = cell["state"], cell["fraction"]
    return strip


def strip_of(spans_s: Sequence[Sequence[float]], recording: Sound) -> list[ChunkCell]:
    """Return chunks as cells that do not overlap: each ends where the next one starts."""
    n_samples = recording.n_samples
    starts = [min(n_samples, round(start_s * recording.sample_rate)) for start_s, _ in spans_s] + [n_samples]
    return [ChunkCell(start=start, count=stop - start, state="done") for start, stop in pairwise(starts)]


def _explained_energies(measures: Sequence[ChunkMeasured], name: str) -> list[float]:
    """Return the share of each chunk of a track that the mixture explains, 0 to 1; 1 for a silent chunk."""
    return [1.0 if (value := one.explained_energy) is None else value for one in measures if one.stem == name]


def _colors(names: Sequence[str]) -> list[str]:
    colors: list[str] = []
    for name in names:
        colors.append(stem_color("residual" if name == REST else name, colors))
    return colors


def _partial_track(key: str, id: str, name: str, color: str, audio: PartialAudio) -> Track:
    return Track(
        id=f"{key[:12]}-{id}",
        name=name,
        color=color,
        url=f"/media/{key}/{id}",
        n_samples=audio.n_samples,
        sample_rate=audio.sample_rate,
        n_channels=audio.n_channels,
        download="",
        ready_samples=audio.n_ready,
    )


def _track(of: KeptSound, track: KeptTrack, color: str, how: str, *, key: str = "", muted: bool = False) -> Track:
    key = key or of.key
    return Track(
        # The mixer keeps what a person set by this name, so it changes with where the track should stand at first.
        id=f"{key[:12]}-{track.id}{'-muted' if muted else ''}",
        name=track.name,
        color=color,
        url=f"/media/{key}/{track.id}",
        n_samples=of.n_samples,
        sample_rate=of.sample_rate,
        n_channels=of.n_channels,
        download=f"/media/{key}/{track.id}/file?{how}",
        muted=muted,
    )
