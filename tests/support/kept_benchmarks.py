"""Benchmarks written down without having been run, for tests of the page."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from separation.benchmark.benchmark import Benchmark, CellOutcome, Excerpt
from separation.benchmark.grid import Grid
from separation.benchmark.timing import Timing
from separation.request import ChunkSettings, Request
from separation.results.kept import Recording, Result
from storage import ArtifactStore
from storage.records import BenchmarkTable


def keep_benchmark_of(store: ArtifactStore, recording: Recording, results: Sequence[Result]) -> Benchmark:
    """Write down a benchmark whose cells are these results; each is slower and better than the one before."""
    requests = tuple(result.request for result in results)
    benchmark = Benchmark(
        id="small",
        name="Seeds",
        created="2026-05-01T12:00:00+00:00",
        grid=Grid(settings=requests[0].to_dict(), name="Seeds"),
        songs=(_excerpt(recording.key, recording.name, recording.duration_s),),
        requests=requests,
    )
    table = BenchmarkTable(store.folder)
    table.write(benchmark.id, benchmark.to_dict())
    for place, (cell, result) in enumerate(zip(benchmark.cells(), results, strict=True), start=1):
        table.write_outcome(benchmark.id, cell.id, _outcome(place, result.key, result.track_names).to_dict())
    table.close()
    return benchmark


def keep_large_benchmark(store: ArtifactStore, n_settings: int = 60, n_songs: int = 5) -> Benchmark:
    """Write down a complete benchmark of many cells, whose results are gone."""
    requests = tuple(
        Request.of("drums", backend="builtin-dsp", chunks=ChunkSettings(chunk_s=5 + n / 4, overlap_s=1))
        for n in range(n_settings)
    )
    benchmark = Benchmark(
        id="large",
        name="Many chunk lengths",
        created="2026-05-02T12:00:00+00:00",
        grid=Grid(settings=requests[0].to_dict(), name="Many chunk lengths"),
        songs=tuple(_excerpt(sha256(bytes([n])).hexdigest(), f"Song {n}", 30.0) for n in range(n_songs)),
        requests=requests,
    )
    table = BenchmarkTable(store.folder)
    table.write(benchmark.id, benchmark.to_dict())
    for place, cell in enumerate(benchmark.cells(), start=1):
        table.write_outcome(benchmark.id, cell.id, _outcome(place, f"{place:064x}", ("drums",)).to_dict())
    table.close()
    return benchmark


def _excerpt(key: str, name: str, duration_s: float) -> Excerpt:
    return Excerpt(key=key, name=name, recording=key, duration_s=duration_s)


def _outcome(place: int, result: str, tracks: Sequence[str]) -> CellOutcome:
    timings = tuple(Timing(seconds=place + spread, first_sound_s=1, load_s=0, others=0.0) for spread in (0, 0.01, 0.02))
    scores = {"tracks": {name: {"si_sdr_db": 5 + place / 10} for name in tracks}, "n_dropped_frames": 0, "untold": []}
    return CellOutcome(result=result, timings=timings, nfe=4 * place, scores=scores)
