"""What is heard of a recording or a result: one track or several, as one source to be measured or rendered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from separation.comparing.true_stems import TrueStems, true_tracks
from separation.prompts.targets import RESIDUAL
from separation.results.kept import KeptTrack, Recording, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from separation.audio.waveform import AudioSource

Compared: TypeAlias = Recording | Result | TrueStems
MIX = ""  # instead of the name of a stem: all of them together
ASKED = "*"  # instead of it: of each result the sound that it was asked for first, whatever its name


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardTrack:
    """One track of what is heard: its samples, float32 WAV, its linear gain, and its pan from -1 to 1."""

    audio: Path
    gain: float = 1.0
    pan: float = 0.0

    def turned(self, gain: float) -> HeardTrack:
        """Return it turned down or up by a linear gain."""
        return replace(self, gain=self.gain * gain)


def tracks_of(item: Compared, stem: str, beside: Sequence[str] = ()) -> tuple[KeptTrack, ...]:
    """Return the tracks of an item that are heard: those of a name, or all of them for `MIX`; a recording is one sound.

    Args:
        item: what is compared.
        stem: the name of a result's track, `MIX`, or `ASKED`.
        beside: the names of all tracks of that result, by which true stems know what “everything else” is.
    """
    if isinstance(item, Recording) or stem == MIX:
        return item.tracks
    if stem == ASKED:
        stem = next(iter(asked_of(item.track_names if isinstance(item, Result) else beside)), "")
    if isinstance(item, TrueStems):
        return true_tracks(item, stem, beside)
    return tuple(track for track in item.tracks if track.name == stem)


def asked_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return which of a result's tracks were asked for: all but “everything else”."""
    return tuple(name for name in names if name != RESIDUAL)


def sound_words(stem: str) -> str:
    """Return what is heard, for people."""
    return {MIX: "all sounds", ASKED: "what each was made for"}.get(stem, stem)


def stem_of(item: Compared, stem: str, beside: Sequence[str] = ()) -> tuple[HeardTrack, ...]:
    """Return what is heard of an item; see `tracks_of`."""
    return tuple(HeardTrack(audio=track.audio) for track in tracks_of(item, stem, beside))


@contextmanager
def opened(tracks: Sequence[HeardTrack]) -> Iterator[AudioSource]:
    """Give the sum of some tracks, at least one, as it is played.

    Raises:
        AudioError: a file is gone.
    """
    from separation.audio.decode import AudioFile
    from separation.audio.mix import Mix

    with ExitStack() as files:
        sources = [files.enter_context(AudioFile(track.audio)) for track in tracks]
        yield Mix(sources, [track.gain for track in tracks], [track.pan for track in tracks])


def lufs_of(tracks: Sequence[HeardTrack], start_s: float = 0.0, end_s: float | None = None) -> float:
    """Measure the loudness of a passage of some tracks played together, in LUFS; -inf for silence and for no track.

    Raises:
        AudioError: a file is gone.
    """
    return lufs_of_passages(tracks, [(start_s, math.inf if end_s is None else end_s)])


def lufs_of_passages(tracks: Sequence[HeardTrack], passages_s: Sequence[tuple[float, float]]) -> float:
    """Measure the loudness of several passages of some tracks as if they followed each other; see `lufs_of`.

    Raises:
        AudioError: a file is gone.
    """
    from separation.audio.loudness import integrated_lufs

    sounding = [track for track in tracks if track.gain > 0]
    if not sounding:
        return float("-inf")
    with opened(sounding) as source:
        return integrated_lufs(_Passages(source, passages_s), 0, None)


class _Passages:
    """Passages of a source one after another, as a source."""

    def __init__(self, source: AudioSource, passages_s: Sequence[tuple[float, float]]) -> None:
        self._source = source
        self.sample_rate, self.n_channels = source.sample_rate, source.n_channels
        rate, whole_s = self.sample_rate, source.n_samples / source.sample_rate
        cuts = [(round(start_s * rate), round(min(end_s, whole_s) * rate)) for start_s, end_s in passages_s]
        self._cuts = [(start, stop) for start, stop in cuts if start < stop]
        self.n_samples = sum(stop - start for start, stop in self._cuts)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, shape (n_channels, stop - start); silence outside [0, n_samples)."""
        import numpy as np

        found = np.zeros((self.n_channels, stop - start), np.float32)
        at = 0  # where a passage begins among all of them
        for first, last in self._cuts:
            low, high = max(start, at), min(stop, at + last - first)
            if low < high:
                found[:, low - start : high - start] = self._source.read(first + low - at, first + high - at)
            at += last - first
        return found


def difference_db(
    a: Sequence[HeardTrack], b: Sequence[HeardTrack], start_s: float = 0.0, end_s: float | None = None
) -> float:
    """Return the level of the difference of two sides over that of the first, in dB (null test); -inf if none is left.

    Raises:
        AudioError: a file is gone.
    """
    import numpy as np

    if not a or not b:
        return 0.0
    with opened(a) as first, opened(b) as second:
        rate = first.sample_rate
        start = round(start_s * rate)
        stop = max(first.n_samples, second.n_samples) if end_s is None else round(end_s * rate)
        whole = left = 0.0
        for at in range(start, stop, rate):
            to = min(at + rate, stop)
            one, other = first.read(at, to).astype(np.float64), second.read(at, to)
            whole += float(np.mean(one**2)) * (to - at)
            left += float(np.mean((one - other) ** 2)) * (to - at)
    if not left:
        return float("-inf")
    return 10 * float(np.log10(left / whole)) if whole else float("inf")
