"""Recordings and results as tracks to play, for every page that has a mixer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from separation.events import ChunkMeasured
from separation.metrics.presence_value import of_report, sentence
from separation.prompts.targets import RESIDUAL
from separation.results.kept import KeptSound, KeptTrack, Recording, Result
from webapp.components.player.track import Track
from webapp.components.stem_colors import stem_color


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


def sound_track(of: KeptSound, track: KeptTrack) -> Track:
    """Return a track of something kept without colour and download, for a page that gives it its own."""
    return _track(of, track, "", "")


def result_tracks(result: Result, how: str) -> list[Track]:
    """Return the tracks of a result, each in its colour; `how` is the format of downloads, as a query of addresses."""
    colors = track_colors(result.track_names)
    tracks = [_track(result, track, color, how) for track, color in zip(result.tracks, colors, strict=True)]
    for track in tracks:
        if explained := _explained_energies(result.measures, track["name"]):
            track["explained"] = explained
        if said := _note(result, track["name"]):
            track["note"] = said
    return tracks


def track_colors(names: Sequence[str]) -> list[str]:
    """Return the steady CSS colour of each of a result's tracks, no two alike if that can be."""
    colors: list[str] = []
    for name in names:
        colors.append(stem_color("residual" if name == RESIDUAL else name, colors))
    return colors


def _explained_energies(measures: Sequence[ChunkMeasured], name: str) -> list[float]:
    """Return the share of each chunk of a track that the mixture explains, 0 to 1; 1 for a silent chunk."""
    return [1.0 if (value := one.explained_energy) is None else value for one in measures if one.stem == name]


def _note(result: Result, name: str) -> str:
    """Return what is to be known of a track: that it is empty, where alone it sounds, that it holds more than asked."""
    presence = of_report(result.report).get(name)
    more = (str(note) for note in result.report.get("notes", ()) if str(note).startswith(f"“{name}”: its track "))
    return " ".join(filter(None, ("" if presence is None else sentence(name, presence), *more)))


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
