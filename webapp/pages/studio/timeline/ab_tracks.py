"""Two results on A and B: their tracks side by side, each beside its twin, and what is heard of each side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from separation.comparing.heard import HeardTrack
from separation.results.kept import Result
from webapp.components.player.track import Track, TrackMix
from webapp.components.tracks.kept_tracks import result_tracks

SILENT_DB = -60.0  # the lower end of a fader


def compared_tracks(a: Result, b: Result, how: str, match_db: Mapping[str, float]) -> list[Track]:
    """Return the tracks of both results; tracks of the same name are twins and share their mixer settings.

    Args:
        a: the result on side A.
        b: the result on side B.
        how: the format of downloads, as the query of their addresses.
        match_db: by how many dB each side is turned down, as far as that is known.
    """
    tracks = []
    for side, result in (("A", a), ("B", b)):
        for track in result_tracks(result, how):
            track["side"], track["twin"] = side, track["name"]
            track["match_db"] = match_db.get(side, 0.0)
            tracks.append(track)
    return tracks


def heard_tracks(result: Result, tracks: Sequence[Track], mix: Sequence[TrackMix]) -> tuple[HeardTrack, ...]:
    """Return what is heard of a result as the mixer stands.

    Args:
        result: the result.
        tracks: all tracks of the mixer, those of this result among them.
        mix: where each of them stands.
    """
    ids = {track["url"]: track["id"] for track in tracks}
    rows = {row["id"]: row for row in mix}
    any_solo = any(row["solo"] for row in mix)
    heard = []
    for track in result.tracks:
        row = rows.get(ids.get(f"/media/{result.key}/{track.id}", ""))
        if row is not None and not row["muted"] and (row["solo"] or not any_solo) and row["gain_db"] > SILENT_DB:
            heard.append(HeardTrack(audio=track.audio, gain=10 ** (row["gain_db"] / 20), pan=row["pan"]))
    return tuple(heard)
