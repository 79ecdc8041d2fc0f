"""Reports of finished runs, as the estimates of the next ones read them."""

from __future__ import annotations

from separation.request import ChunkSettings, Request
from separation.results.report import settings

GB = 1_000_000_000
SAM = Request.of("dog", backend="sam_torch", model="small", chunks=ChunkSettings(chunk_s=10.0, overlap_s=0.0))
BUILTIN = Request.of("drums", backend="builtin", model="classical", device="cpu", chunks=ChunkSettings(chunk_s=10.0))


def past(request, *, duration_s=100.0, separate_s=50.0, load_s=10.0, rest_s=5.0, computed=10, total=10, **changes):
    """A report of a run that took so long."""
    return {
        "backend": request.backend,
        "model": "SAM-Audio small",
        "device": "cpu",
        "recording": {"duration_s": duration_s, "sample_rate_hz": 48_000, "n_channels": 2},
        "total_s": load_s + separate_s + rest_s,
        "steps": {
            "load": {"total_s": load_s, "peak_memory_mb": 2000.0},
            "separate": {"total_s": separate_s, "peak_memory_mb": 3500.0},
            "join": {"total_s": rest_s},
        },
        "chunks": {"total": total, "computed": computed, "from_store": total - computed},
        "settings": settings(request),
    } | changes
