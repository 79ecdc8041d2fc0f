"""`audio-playground tune`: measures what is fastest on this computer, and remembers it for all later runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, common_options

if TYPE_CHECKING:
    from separation.model import Backend
    from separation.pipeline.tuning import Tuned

NOTHING = "there is nothing to choose: PyTorch has one library here"
ON_CPU = "batches are for graphics cards; a processor is busy with one chunk."


@click.command()
@click.option("--model", default=None, help="The model to measure on a graphics card; the one a run takes if absent.")
@common_options
def tune(model: str | None, common: Common) -> None:
    """Measure what is fastest on this computer; later runs take it.

    On a processor that is the library that multiplies matrices; everywhere it is the precision of SAM-Audio's
    transformer and of Demucs. On a graphics card it is also how many chunks go together, for the separators that can
    do that.
    """
    from separation.pipeline import tuning

    report: dict[str, Any] = {"products": _products(common), "precision": _precision(common), "batches": []}
    for backend in tuning.candidates():
        report["batches"].append(_batches(backend, model, common))
    common.result(report)


def _products(common: Common) -> str:
    """Measure the libraries anew; return the sentence about it."""
    from separation.pipeline import matrix_products

    found = matrix_products.measure_anew()
    common.say(f"Products of matrices on the processor: {found or NOTHING}.")
    return found


def _precision(common: Common) -> str:
    """Measure the precisions anew; return the sentence about it."""
    from separation.hardware.devices import choose_torch_device
    from separation.hub import precision

    found = precision.measure_anew(common.device, choose_torch_device(common.device))
    common.say(f"Networks of SAM-Audio and Demucs: {found}.")
    return found


def _batches(backend: Backend, model: str | None, common: Common) -> dict[str, Any]:
    """Measure the batch sizes of a backend, if it can run here; return what was found."""
    from separation.events import EventStream
    from separation.pipeline import tuning
    from separation.request import Request

    request = backend.settle(Request.of("speech", backend=backend.name, model=model, device=common.device))
    availability = backend.availability(request)
    if not availability.usable:
        common.say(f"{backend.label}: {availability}")
        return {"backend": backend.name, "sentence": str(availability)}
    stream = EventStream(tuning.tune(request))
    for _ in stream:
        pass
    found = stream.result
    sentence = _sentence(found)
    common.say(f"{found.model} in {request.sam.precision}: {sentence}")
    return {
        "backend": backend.name,
        "model": found.model,
        "card": found.card,
        "windows_per_s": {str(size): round(speed, 4) for size, speed in found.windows_per_s.items()},
        "batch": found.best,
        "sentence": sentence,
    }


def _sentence(found: Tuned) -> str:
    """Return what was measured of a model, and what runs take from now on."""
    if not found.windows_per_s:
        return ON_CPU if found.too_many is None else f"the memory of {found.card} does not hold a single chunk."
    alone = found.windows_per_s[1]
    each = ", ".join(f"{size} at once {speed / alone:.2f}" for size, speed in found.windows_per_s.items() if size > 1)
    speeds = f"times the speed of one chunk after another: {each}" if each else "only one chunk at a time fits"
    over = "" if found.too_many is None else f"; memory runs out with {found.too_many}"
    return f"on {found.card}, {speeds}{over}. Runs compute {found.best} at once from now on."
