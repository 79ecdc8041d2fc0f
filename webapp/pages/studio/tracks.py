"""What the page can play and draw: recordings, results, and what a job has made so far, as tracks and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from storage import Artifact
from webapp.components.player.track import ChunkCell, Track
from webapp.pages.queue.job_cells import cell_of
from webapp.state.job import Job
from webapp.state.uploads import Upload
from webapp.theme import stem_color

REST = "everything else"


def mixture_track(recording: Artifact, how: str, *, has_stems: bool) -> Track:
    """The recording itself; beside its own stems it would double everything, so it is muted then."""
    return _track(recording, "audio", "Mixture", stem_color("mixture"), how, muted=has_stems)


def arriving_track(upload: Upload) -> Track | None:
    """A recording on its way in, as far as it is there; None before its header is read."""
    if not upload.info or upload.decoding is None:
        return None
    return Track(
        id=f"{upload.key[:12]}-arriving",
        name=upload.name,
        color=stem_color("mixture"),
        url=f"/media/{upload.key}/audio",
        download="",
        ready_samples=upload.decoding.n_ready,
        n_samples=upload.info["n_samples"],
        sample_rate=upload.info["sample_rate"],
        n_channels=upload.info["n_channels"],
    )


def result_tracks(result: Artifact, how: str) -> list[Track]:
    """The tracks of a result, each in its colour; `how` downloads are written, as the query of their addresses."""
    names = result.info["tracks"]
    measures = result.info.get("measures", [])
    tracks = [
        _track(result, str(index), name, color, how)
        for index, (name, color) in enumerate(zip(names, _colors(names), strict=True))
    ]
    for track in tracks:
        if explained := _explained_energies(measures, track["name"]):
            track["explained"] = explained
    return tracks


def growing_tracks(job: Job, recording: Artifact) -> list[Track]:
    """What a job has made so far, under the addresses that its result will have."""
    assert job.growing is not None
    key = job.growing.key
    return [
        Track(
            id=f"{key[:12]}-{index}",
            name=name,
            color=color,
            url=f"/media/{key}/{index}",
            n_samples=recording.info["n_samples"],
            sample_rate=recording.info["sample_rate"],
            n_channels=recording.info["n_channels"],
            download="",
            ready_samples=job.n_ready,
        )
        for index, (name, color) in enumerate(zip(job.tracks, _colors(job.tracks), strict=True))
    ]


def running_strip(job: Job, recording: Artifact | Upload) -> list[ChunkCell]:
    """The chunks of a running job as cells under the waveform."""
    strip = strip_of(job.spans_s, recording)
    for index, chunk in enumerate(strip):
        cell = cell_of(job, index)
        chunk["state"], chunk["fraction"] = cell["state"], cell["fraction"]
    return strip


def strip_of(spans_s: Sequence[Sequence[float]], recording: Artifact | Upload) -> list[ChunkCell]:
    """Chunks as cells that do not overlap: each ends where the next one starts."""
    rate, n_samples = recording.info["sample_rate"], recording.info["n_samples"]
    starts = [min(n_samples, round(start_s * rate)) for start_s, _ in spans_s] + [n_samples]
    return [ChunkCell(start=start, count=stop - start, state="done") for start, stop in pairwise(starts)]


def _explained_energies(measures: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """How much of each chunk of a track the mixture explains; a silent chunk has nothing to explain."""
    return [1.0 if (value := one["explained_energy"]) is None else value for one in measures if one["stem"] == name]


def _colors(names: Sequence[str]) -> list[str]:
    colors: list[str] = []
    for name in names:
        colors.append(stem_color("residual" if name == REST else name, colors))
    return colors


def _track(artifact: Artifact, file: str, name: str, color: str, how: str, *, muted: bool = False) -> Track:
    return Track(
        # The mixer keeps what a person set by this name, so it changes with where the track should stand at first.
        id=f"{artifact.key[:12]}-{file}{'-muted' if muted else ''}",
        name=name,
        color=color,
        url=f"/media/{artifact.key}/{file}",
        n_samples=artifact.info["n_samples"],
        sample_rate=artifact.info["sample_rate"],
        n_channels=artifact.info["n_channels"],
        download=f"/media/{artifact.key}/{file}/file?{how}",
        muted=muted,
    )
