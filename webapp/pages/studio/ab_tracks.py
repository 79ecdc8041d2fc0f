"""Two results on A and B: their tracks side by side, each beside its twin, both equally loud."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from separation.audio.decode import AudioFile
from separation.audio.loudness import integrated_lufs
from separation.results.kept import Result
from webapp.components.player.track import Track
from webapp.pages.studio.tracks import result_tracks

Attenuations = Mapping[str, Mapping[str, float]]  # of side A and B: dB of each track by its name, 0 or less
NOT_MEASURED: Attenuations = {"A": {}, "B": {}}


def compared_tracks(a: Result, b: Result, how: str, match_db: Attenuations) -> list[Track]:
    """Return the tracks of both results; tracks of the same name are twins and share their mixer settings.

    Args:
        a: the result on side A.
        b: the result on side B.
        how: the format of downloads, as the query of their addresses.
        match_db: by how many dB each track is turned down, as far as that is known; see `equally_loud`.
    """
    sides: tuple[tuple[Literal["A", "B"], Result], ...] = (("A", a), ("B", b))
    tracks = []
    for side, result in sides:
        for track in result_tracks(result, how):
            track["side"], track["twin"] = side, track["name"]
            track["match_db"] = match_db[side].get(track["name"], 0.0)
            tracks.append(track)
    return tracks


def equally_loud(lufs_a: Mapping[str, float], lufs_b: Mapping[str, float]) -> Attenuations:
    """Return by how many dB to turn down the louder track of each pair of twins; silent and single tracks are not.

    Args:
        lufs_a: the loudness of each track on side A in LUFS, -inf for silence.
        lufs_b: the loudness of each track on side B.
    """
    louder_db = {name: lufs_b.get(name, -math.inf) - lufs for name, lufs in lufs_a.items()}  # b beside a
    finite = {name: difference for name, difference in louder_db.items() if math.isfinite(difference)}
    return {
        "A": {name: min(0.0, finite.get(name, 0.0)) for name in lufs_a},
        "B": {name: min(0.0, -finite.get(name, 0.0)) for name in lufs_b},
    }


def loudness(result: Result) -> dict[str, float]:
    """Return the loudness of each track of a result in LUFS, by the track's name.

    Raises:
        OSError, PlaygroundError: a file of the result is gone.
    """
    found = {}
    for track in result.tracks:
        with AudioFile(track.audio) as audio:
            found[track.name] = integrated_lufs(audio)
    return found
