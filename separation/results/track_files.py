"""Writes the files of a result, tracks and peaks, during a run, and collects the values stored with them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from separation.audio.encode import FloatWavWriter
from separation.audio.files import private
from separation.audio.peaks import PeaksWriter
from separation.audio.waveform import AudioSource
from separation.backends import registry
from separation.engine.engine import Engine
from separation.events import (
    AnchorsMapped,
    ChunkFinished,
    ChunkMeasured,
    Event,
    Finished,
    Planned,
    TracksOpened,
    Warned,
)
from separation.metrics.quality import QualityMeter
from separation.pipeline.chunk_keys import Chunks
from separation.pipeline.separate import separate_settled
from separation.prompts.targets import tracks_of
from separation.request import Request
from separation.results import report
from separation.results.kept import result_info


def write_tracks(
    mixture: AudioSource,
    settled: Request,
    engine: Engine,
    folder: Path,
    key: str,
    kept: Chunks,
    warnings: Sequence[str],
    begins_s: float = 0.0,
) -> Generator[Event, None, tuple[dict[str, Path], dict[str, Any]]]:
    """Run the pipeline, writing every track and its peaks as they arrive; return the files and the values to store.

    After `Planned`, the event `TracksOpened` gives the key under which they will be kept, and their present paths.
    """
    files: dict[str, Path] = {}
    measures: list[ChunkMeasured] = []
    anchors: list[AnchorsMapped] = []
    planned: Planned | None = None
    finished: Finished | None = None
    n_samples, peak = 0, 0.0
    recorder = report.Recorder(
        settled, n_samples=mixture.n_samples, sample_rate=mixture.sample_rate, n_channels=mixture.n_channels
    )
    recorder.warnings.extend(warnings)
    tracks = tracks_of(registry.get(settled.backend).targets(settled), settled)
    meter = QualityMeter(tracks, mixture.sample_rate)
    with ExitStack() as open_files:
        writers: dict[str, tuple[FloatWavWriter, PeaksWriter]] = {}
        for event in separate_settled(mixture, settled, engine=engine, kept=kept, begins_s=begins_s):
            recorder.take(event)
            if isinstance(event, Planned):
                planned = event
                for index, name in enumerate(event.stems):
                    files |= {f"{index}": folder / f"{index}.wav", f"{index}.peaks": folder / f"{index}.peaks"}
                    wav = FloatWavWriter(private(folder / f"{index}.wav"), mixture.n_channels, mixture.sample_rate)
                    peaks = PeaksWriter(private(folder / f"{index}.peaks"))
                    writers[name] = (open_files.enter_context(wav), open_files.enter_context(peaks))
            elif isinstance(event, ChunkFinished):
                for name, samples in event.audio.items():
                    peak = max(peak, float(np.abs(samples).max(initial=0)))
                    for writer in writers[name]:
                        writer.write(samples)
                        writer.flush()  # listeners read the file meanwhile
            elif isinstance(event, ChunkMeasured):
                measures.append(event)
            elif isinstance(event, AnchorsMapped):
                anchors.append(event)
            elif isinstance(event, Finished):
                finished = event
            yield event
            if isinstance(event, ChunkFinished):  # measured once its listeners know of it
                start, n_samples = n_samples, n_samples + next(iter(event.audio.values())).shape[-1]
                meter.add(mixture.read(start, n_samples), event.audio)
            elif isinstance(event, Planned):
                yield TracksOpened(
                    key=key,
                    files=dict(files),
                    n_channels=mixture.n_channels,
                    sample_rate=mixture.sample_rate,
                    n_expected=mixture.n_samples,
                )
    quality = meter.result()
    if quality is not None and (doubt := quality.warning):
        recorder.take(warned := Warned(message=doubt))
        yield warned
    assert planned is not None and finished is not None  # every complete run has yielded both
    return files, result_info(
        planned=planned,
        finished=finished,
        sample_rate=mixture.sample_rate,
        n_channels=mixture.n_channels,
        n_samples=n_samples,
        peak=peak,
        measures=measures,
        anchors=anchors,
        quality=quality,
        warnings=recorder.warnings,
        report=recorder.report(quality=None if quality is None else quality.to_dict(), presence=meter.presence),
    )
