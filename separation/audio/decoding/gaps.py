"""Pauses in which a recorder has stored nothing: found by the time stamps, so that what follows keeps its time.

Calls are recorded without the packets of silence (Opus DTX) and of a muted microphone, and screens without what the
computer was too slow for. Players wait there. Left out, all that follows would come too early, beside the picture too.
"""

from __future__ import annotations

from typing import Final

from separation.audio.decoding.reader import AudioInfo
from separation.formatted import counted

# The longest gap in seconds that is believed, by FFmpeg's name of a container. Time stamps of a broadcast jump where it
# was cut. Other containers have no time stamps of their own: FFmpeg counts what it has read.
_LONGEST_S: Final = {
    "matroska,webm": 3600.0,
    "mov,mp4,m4a,3gp,3g2,mj2": 3600.0,
    "asf": 600.0,
    "flv": 10.0,
    "mpegts": 10.0,
}
_SHORTEST_S: Final = 0.1  # less is the rounding and the drift of clocks


class Gaps:
    """Measures the gaps before the frames of one audio track, from one frame to the next.

    What is too short for a gap, or overlaps, is added up and made good at the next gap: a clock that drifts makes none.

    Args:
        info: of the track.
    """

    def __init__(self, info: AudioInfo) -> None:
        self._info = info
        self._longest_s = _LONGEST_S.get(info.format, 0.0)
        self._ended_s: float | None = None  # the frame before
        self._owed_s = 0.0  # by how much what was given is ahead of the time stamps
        self._n_given = self._n_gaps = self._n_missing = 0

    def before(self, time_s: float | None, n_samples: int) -> int:
        """Return the number of samples that are missing before a frame of `n_samples` with this time stamp."""
        rate = self._info.sample_rate
        if time_s is None:  # it follows the one before
            time_s = self._ended_s
        gap_s = 0.0 if time_s is None or self._ended_s is None else time_s - self._ended_s
        n_missing = 0
        if _SHORTEST_S <= gap_s <= self._longest_s:
            missing_s = gap_s + self._owed_s
            n_missing, self._owed_s = max(0, round(missing_s * rate)), min(0.0, missing_s)
        else:
            self._owed_s = self._owed_s + gap_s if abs(gap_s) < _SHORTEST_S else 0.0
        stated = self._info.n_samples
        if stated is not None and self._n_given + n_missing > stated:
            n_missing = 0
        if n_missing:
            self._n_gaps += 1
            self._n_missing += n_missing
        self._n_given += n_missing + n_samples
        self._ended_s = None if time_s is None else time_s + n_samples / rate
        return n_missing

    def warnings(self) -> list[str]:
        """Return a sentence on all gaps so far, if there were any."""
        if not self._n_gaps:
            return []
        seconds = self._n_missing / self._info.sample_rate
        what = counted(self._n_gaps, "gap")
        return [f"The sound has {what}, {seconds:.1f} s in all, which became silence, so that all else keeps its time."]
