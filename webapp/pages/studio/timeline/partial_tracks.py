"""Uploads and running jobs as tracks to play as far as they are made, and as chunk cells to draw."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from separation.results.kept import AUDIO
from separation.results.partial import PartialAudio, Sound
from webapp.components.player.track import ChunkCell, Track
from webapp.components.stem_colors import stem_color
from webapp.components.tracks.kept_tracks import track_colors
from webapp.pages.queue.job_cells import cell_of
from webapp.state.queue.job import Job
from webapp.state.uploads import Upload


def arriving_track(upload: Upload) -> Track | None:
    """Return the decoded part of an upload as a track; None before its header is read."""
    if upload.audio is None:
        return None
    return _partial_track(upload.key, AUDIO, upload.name, stem_color("mixture"), upload.audio)


def partial_tracks(job: Job) -> list[Track]:
    """Return the tracks of a job as far as they are computed, at the addresses of its later result."""
    if job.opened is None:
        return []
    named = zip(job.partial.items(), job.tracks, track_colors(job.tracks), strict=False)
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
