"""Has this process multiply matrices by the library that is faster on this computer, and remembers which that is."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

from separation.errors import PlaygroundError
from separation.hardware import products
from separation.hardware.processor import processor
from separation.hardware.products import Library, ProductSpeed
from separation.hub import remembered

SWITCH = "AUDIO_PLAYGROUND_PRODUCTS"  # the environment variable by which a person chooses: a library's name
MEMORY = "matrix-products.json"
log = logging.getLogger(__name__)


@cache
def settle() -> str:
    """Choose the library for this process, once, and return a sentence about it for reports; "" if there is no choice.

    The measurement is remembered in the data folder, so that all processes of a computer choose alike: results of two
    libraries differ in their last digits.
    """
    if not products.can_choose():
        return ""
    for library in products.PRECISIONS:
        if os.environ.get(SWITCH, "").casefold() == library.casefold():
            products.use(library)
            return f"{library}, as {SWITCH} says"
    measured = _measured()
    library = products.choose(measured)
    products.use(library)
    return products.sentence(library, measured)


def measure_anew() -> str:
    """Measure both libraries again and remember it; return a sentence about it, "" if there is no choice.

    This process goes on with what it has; what `SWITCH` says still comes first.
    """
    if not products.can_choose():
        return ""
    measured = _measured_now()
    return products.sentence(products.choose(measured), measured)


def _measured() -> Mapping[Library, ProductSpeed]:
    """Return what was measured here before, or measure it now."""
    here, table = _here(), remembered.recall(MEMORY)
    try:
        return {library: ProductSpeed(**table[here][library]) for library in products.PRECISIONS}
    except (KeyError, TypeError):
        return _measured_now()


def _measured_now() -> Mapping[Library, ProductSpeed]:
    """Measure both libraries, and remember it for all processes of this computer."""
    here, table, measured = _here(), remembered.recall(MEMORY), products.measure()
    try:
        remembered.remember(MEMORY, {**table, here: {library: asdict(one) for library, one in measured.items()}})
    except (OSError, PlaygroundError) as error:
        log.warning("which library multiplies faster will be measured again: %s", error)
    return measured


def _here() -> str:
    """Return what the speed of both libraries depends on."""
    import torch

    return f"{processor()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}"
