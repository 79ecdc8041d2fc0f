"""The precision of networks where none is asked for: bfloat16 where this computer is faster in it.

It is measured by the first run here before its request is settled, and remembered in the data folder; until then it is
float32 to who only asks, as a page does. Whoever settles a request reads what is remembered, which takes no framework,
so that a page, the terminal and a worker mean the same. How far bfloat16 is from float32 is in docs/sam-audio.md and
docs/demucs.md.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
from dataclasses import asdict
from functools import cache, lru_cache

from separation.errors import PlaygroundError
from separation.hardware import half_precision
from separation.hardware.half_precision import Precision
from separation.hardware.processor import processor
from separation.hardware.products import ProductSpeed
from separation.hub import remembered

SWITCH = "AUDIO_PLAYGROUND_PRECISION"  # the environment variable by which a person chooses for all requests
MEMORY = "precision.json"
CHOICES: tuple[Precision, ...] = ("float32", "bfloat16")
log = logging.getLogger(__name__)


def usual(device: str) -> Precision:
    """Return what is used on a device, named as in a request, where nothing is asked for."""
    if (forced := _forced()) is not None:
        return forced
    measured = _measured(device)
    return "float32" if measured is None else half_precision.choose(measured)


def is_known(device: str) -> bool:
    """Whether `usual` answers for a device as it always will, since that was measured or a person has chosen."""
    return _forced() is not None or _measured(device) is not None


def settle(asked: str, device: str) -> str:
    """Measure a device unless that is remembered, and return a sentence about the choice for reports.

    Args:
        asked: the device as a request names it, which may be "auto".
        device: what that is here.
    """
    if (forced := _forced()) is not None:
        return f"{forced}, as {SWITCH} says"
    measured = _measured(asked)
    return measure_anew(asked, device) if measured is None else _sentence(measured)


def measure_anew(asked: str, device: str) -> str:
    """Measure a device and remember it; as `settle`."""
    measured = half_precision.measure(device)
    _remember(dict.fromkeys((asked, device), measured))
    return _sentence(measured)


def _sentence(measured: dict[Precision, ProductSpeed]) -> str:
    return half_precision.sentence(half_precision.choose(measured), measured)


def _forced() -> Precision | None:
    word = os.environ.get(SWITCH, "").casefold()
    return next((precision for precision in CHOICES if precision == word), None)


def _measured(device: str) -> dict[Precision, ProductSpeed] | None:
    try:
        stamp = remembered.place(MEMORY).stat().st_mtime_ns
        found = _table(str(remembered.place(MEMORY)), stamp)[_here()][device]
        return {precision: ProductSpeed(**found[precision]) for precision in CHOICES}
    except (OSError, KeyError, TypeError):
        return None


@lru_cache(maxsize=1)  # pages settle requests at every change of a setting
def _table(place: str, stamp: int) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    return remembered.recall(MEMORY)


def _remember(measured: dict[str, dict[Precision, ProductSpeed]]) -> None:
    table = remembered.recall(MEMORY)
    before = table.get(_here(), {})
    new = {device: {name: asdict(one) for name, one in speeds.items()} for device, speeds in measured.items()}
    try:
        remembered.remember(MEMORY, {**table, _here(): {**(before if isinstance(before, dict) else {}), **new}})
    except (OSError, PlaygroundError) as error:
        log.warning("how fast bfloat16 is will be measured again: %s", error)


def _here() -> str:
    """Return what the speeds depend on, as far as it is known without a framework."""
    return f"{processor()}, PyTorch {_pytorch()}"


@cache
def _pytorch() -> str:
    return importlib.metadata.version("torch")
