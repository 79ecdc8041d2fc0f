"""The description of one playable track: where its samples come from, and how it looks.

The browser fetches the samples itself, in windows, so a track is only a description:

    GET {url}/pcm?start=<sample>&count=<n>   little-endian float32, interleaved frames (n, channels)
    GET {url}/peaks?start=<pair>             int8 (min, max) per 256 samples, 127 is full scale
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Track(TypedDict):
    """One playable sound. All tracks of a page share one sample rate and start at sample 0."""

    id: str
    name: str  # what people read beside it
    color: str  # any CSS colour; `theme.stem_color` gives the steady one
    url: str  # base of the two addresses above, without a trailing slash
    n_samples: int
    sample_rate: int  # Hz
    n_channels: int
    download: str  # address of the file to keep, or "" when there is none yet
    ready_samples: NotRequired[int]  # how much may be played while the rest is computed; default: all
    muted: NotRequired[bool]  # where the mixer stands when the track first appears
    solo: NotRequired[bool]
    gain_db: NotRequired[float]
    pan: NotRequired[float]
    side: NotRequired[str]  # of results that are compared; only one side is heard at a time
    twin: NotRequired[str]  # what is the same on both sides stands in the mixer alike
    match_db: NotRequired[float]  # attenuation that makes all sides equally loud, 0 or less
    inverted: NotRequired[bool]  # of a difference, which has no row: whether it is turned upside down
    note: NotRequired[str]  # what is to be known of it, such as that it is empty
    explained: NotRequired[list[float]]  # per chunk, 0..1: how much of it the mixture explains


ChunkState = Literal["pending", "running", "done", "cached", "skipped", "failed"]


class ChunkCell(TypedDict):
    """One chunk of a recording as the strip under the waveform shows it."""

    start: int  # first sample
    count: int  # samples up to the next chunk: the hop, not the chunk, so that cells do not overlap
    state: ChunkState
    fraction: NotRequired[float]  # 0..1 of a running chunk
    plus: NotRequired[bool]  # a "+" span reaches it, see `separation.chunking.model_inputs.reach`
    minus: NotRequired[bool]  # a "-" span reaches it


class TrackMix(TypedDict):
    """The mixer settings of one track: gain, mute, solo and pan."""

    id: str
    gain_db: float  # -60 is silence
    muted: bool
    solo: bool
    pan: float  # -1 is left, 1 is right
