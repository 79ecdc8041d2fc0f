"""How a recording would be cut, before anything is loaded: what a page draws under a waveform while settings change."""

from __future__ import annotations

from typing import NamedTuple

from separation.audio.waveform import resampled_length
from separation.backends import registry
from separation.chunking.plan import plan
from separation.errors import PlaygroundError
from separation.model import Windowing
from separation.models.builtin import SAMPLE_RATE
from separation.models.sam_audio import weights
from separation.models.sam_audio.config import CodecConfig, read_config
from separation.request import ChunkSettings, Request


class Outline(NamedTuple):
    """(start, stop) of each chunk in seconds, as `events.Planned` will have them; rate and frame of the model."""

    spans_s: tuple[tuple[float, float], ...]
    sample_rate: int
    frame: int


def outline(settled: Request, n_samples: int, sample_rate: int) -> Outline | None:
    """The chunks of a settled request, or None where only the loaded model knows (Demucs).

    Args:
        settled: see `registry.choose`.
        n_samples: of the recording, at least 1.
        sample_rate: Hz of the recording.
    """
    if registry.runs_sam_audio(settled.backend):
        codec = _codec(settled.model)
        rate, frame = codec.sample_rate, codec.hop
    elif settled.backend in ("builtin", "builtin-dsp"):
        rate, frame = SAMPLE_RATE, 1
    else:
        return None
    cut = settled.chunks or ChunkSettings()
    chunks = plan(max(1, resampled_length(n_samples, sample_rate, rate)), Windowing.of(cut, rate, frame))
    spans_s = tuple((chunk.start / rate, chunk.stop / rate) for chunk in chunks[: cut.max_chunks])
    return Outline(spans_s, rate, frame)


def _codec(model: str | None) -> CodecConfig:
    """Of a model that is here; all published ones have the same."""
    found = weights.find_sam_audio(model) if model else None
    try:
        return CodecConfig() if found is None or found.folder is None else read_config(found.folder).audio_codec
    except PlaygroundError:
        return CodecConfig()  # what is wrong with the folder is said where it counts
