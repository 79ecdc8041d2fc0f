"""The self-test of a backend: it separates two seconds of noise with a model that is on this computer."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

from separation.engine.engine import Engine
from separation.errors import SeparationError
from separation.events import ChunkFinished, Event, Planned, PrecisionMeasured, ProductsChosen, WorkMeasured
from separation.model import Backend
from separation.request import Request, SolverSettings

DURATION_S = 2.0
SAMPLE_RATE = 44_100
PROMPT = "vocals"  # unless a backend has other stems
QUICK = SolverSettings(method="euler", n_steps=1)  # a test of the model's parts, not of its sound


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """The measurements of a successful test.

    Args:
        backend: its name.
        model: the model that was used.
        device: the device it ran on.
        products: which library multiplied its matrices, where that was chosen.
        precision: what its transformer is computed in where nothing is asked for, where that is measured.
        seconds: duration of the whole test.
        load_s: seconds to load the model in the process that ran it; about 0 if it was loaded already.
        work_s: seconds to separate two seconds of audio.
        peak_bytes: peak memory of that process; None where the system does not report it.
    """

    backend: str
    model: str
    device: str
    products: str
    precision: str
    seconds: float
    load_s: float
    work_s: float
    peak_bytes: int | None

    @property
    def speed(self) -> float:
        """Return the seconds of audio separated in one second of work."""
        return DURATION_S / max(self.work_s, 1e-9)


def model_here(backend: Backend) -> str | None:
    """Return the first of a backend's models that can be used now, offline; None if there is none."""
    return next((model for model in backend.models() if backend.availability(request_of(backend, model)).usable), None)


def request_of(backend: Backend, model: str | None) -> Request:
    """Return the request for a test: a prompt that the backend can answer."""
    stems = backend.stems()
    prompt = PROMPT if PROMPT in stems or not stems else stems[0]
    return Request.of(prompt, backend=backend.name, model=model, solver=QUICK)


def self_test(backend: Backend, engine: Engine | None = None) -> Generator[Event, None, Passed]:
    """Separate two seconds of noise with the first model of a backend that is on this computer.

    It is loaded from its files as for any other run.

    Args:
        backend: the backend to test.
        engine: where the model runs; this process by default.

    Raises:
        PlaygroundError: it does not work; the message says why, and what to do.
    """
    import numpy as np

    from separation.audio.waveform import Waveform
    from separation.pipeline.separate import separate_settled

    noise = np.random.default_rng(0).normal(0, 0.1, (2, round(DURATION_S * SAMPLE_RATE))).astype(np.float32)
    started_s = time.monotonic()
    request = backend.settle(request_of(backend, model_here(backend)))
    device, products, precision, took_s, peaks, n_samples = "", "", "", {"load": 0.0}, [0], 0
    for event in separate_settled(Waveform(noise, SAMPLE_RATE), request, engine=engine):
        if isinstance(event, Planned):
            device = event.device
        elif isinstance(event, ProductsChosen):
            products = event.why
        elif isinstance(event, PrecisionMeasured):
            precision = event.why
        elif isinstance(event, WorkMeasured):
            took_s[event.step] = took_s.get(event.step, 0.0) + event.seconds
            peaks.append(event.peak_bytes or 0)
        elif isinstance(event, ChunkFinished):
            n_samples += next(iter(event.audio.values())).shape[-1]
            _require_finite(backend, event)
        yield event
    assert n_samples == noise.shape[-1]
    return Passed(
        backend=backend.name,
        model=request.model or "",
        device=device,
        products=products,
        precision=precision,
        seconds=time.monotonic() - started_s,
        load_s=took_s.pop("load"),
        work_s=sum(took_s.values()),
        peak_bytes=max(peaks) or None,
    )


def _require_finite(backend: Backend, finished: ChunkFinished) -> None:
    import numpy as np

    if not all(np.isfinite(samples).all() for samples in finished.audio.values()):
        raise SeparationError(
            f"{backend.label} made numbers that are no sound.",
            "Some samples are not finite.",
            "Choose another device or precision; if it stays so, remove the model and fetch it again.",
        )
