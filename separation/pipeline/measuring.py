"""Chooses among the candidates of a generative model's chunk, and measures the chosen one against the mixture."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import numpy as np

from separation.audio.waveform import AudioSource
from separation.backends import registry
from separation.chunking.model_inputs import ModelInputs
from separation.chunking.plan import Chunk
from separation.events import ChunkMeasured, Event
from separation.model import Judge, Samples
from separation.pipeline.groups import Candidates
from separation.prompts.targets import Target, own_residuals, residual_stem
from separation.request import Request


def measured(
    candidates: Candidates,
    chunk: Chunk,
    source: AudioSource,
    windows: ModelInputs,
    targets: Sequence[Target],
    request: Request,
) -> Generator[Event, None, Mapping[str, Samples]]:
    """Measure each target of the best candidate; return its stems, gain-matched if requested.

    The measures are those of the model's output, before any gain. Doubtful targets are silent there, if requested.
    """
    from separation.metrics import unreferenced as measures  # SciPy takes 0.3 s to import
    from separation.metrics.presence import seems_absent
    from separation.metrics.presence_value import DOUBTFUL

    mixture = source.read(chunk.start, chunk.stop)
    residuals = own_residuals((target.name for target in targets), request)
    asked = [target for target in targets if not target.stems.issubset(residuals)]
    chosen = _best(candidates, mixture, chunk, windows, asked, registry.get(request.backend).judge(request))
    estimates = candidates[chosen]
    matched = dict(estimates)
    for target in asked:
        (stem,) = target.stems  # a generative model makes one for each prompt
        estimate, left = estimates[stem], estimates[residual_stem(stem)] if residuals else None
        gain_db = measures.matching_gain_db(estimate, mixture) if request.sam.match_gain else 0.0
        explained = measures.explained_energy(estimate, mixture, source.sample_rate)
        muted = request.sam.mute_doubtful and (
            (explained is not None and explained < DOUBTFUL) or seems_absent(estimate, mixture, source.sample_rate)
        )
        yield ChunkMeasured(
            index=chunk.index,
            stem=target.name,
            explained_energy=explained,
            gain_drift_db=measures.gain_drift_db(estimate, mixture),
            null_depth_db=None if left is None else measures.null_depth_db(mixture, estimate, left),
            gain_db=gain_db,
            muted=muted,
            seed=request.seed_of(chunk.index, chosen) if len(candidates) > 1 else None,
        )
        matched[stem] = estimate * np.float32(0 if muted else 10 ** (gain_db / 20))
    return matched


def _best(
    candidates: Candidates,
    mixture: Samples,
    chunk: Chunk,
    windows: ModelInputs,
    targets: Sequence[Target],
    judge: Judge | None,
) -> int:
    """Return the candidate whose targets have the highest scores in all: they were solved together, from one seed."""
    if len(candidates) == 1:
        return 0
    from separation.metrics.candidates import scores

    rate, totals = windows.facts.sample_rate, np.zeros(len(candidates))
    for target in targets:
        (stem,) = target.stems
        made = [candidate[stem] for candidate in candidates]
        if judge is None:
            totals += scores(made, mixture, rate, windows.marked(chunk, stem))
        else:
            totals += judge(stem, made, mixture, rate)
    return int(np.argmax(totals))
