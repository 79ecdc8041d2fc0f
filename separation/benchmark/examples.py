"""Grids to begin with, made of what is installed on this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from separation import solvers
from separation.backends import registry
from separation.benchmark.grid import Grid, Passage
from separation.errors import PlaygroundError
from separation.estimates.estimates import expected
from separation.model import Backend
from separation.request import PRECISIONS, Prompt, Request, RequestField

PROMPTS = ["drums", "bass", "vocals"]
STEPS = [2, 4, 8, 16, 32]
CHUNKS_S = [5, 10, 20]
TOLERANCES = [0.0, 0.05, 0.1, 0.2]  # of attention caching
EULER = {"method": "euler", "n_steps": 16}
QUICK_S = 10.0  # of audio
QUICK_BUDGET_S = 30.0  # by the upper ends of estimates; what is measured of the results takes as long again at most


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A grid to begin with.

    Attributes:
        label: for people.
        about: what it compares, in a sentence.
        grid: makes it.
    """

    label: str
    about: str
    grid: Callable[[], Grid]


def separators() -> Grid:
    """Return every separator with each of its models that can be used here."""
    cases = [_case(backend, models) for backend, models in _usable() if models]
    return Grid(name="Separators", settings={"prompts": PROMPTS, **_together(cases)})


def solvers_and_steps() -> Grid:
    """Return every solver of SAM-Audio with few and many steps, in PyTorch and on MLX, against 64 midpoint steps."""
    return Grid(
        name="Solvers",
        settings={
            "prompts": ["vocals"],
            **_sam(("sam_torch", "sam_mlx")),
            "solver": {"method": list(solvers.SOLVERS), "n_steps": STEPS},
        },
        reference={"solver": {"method": "midpoint", "n_steps": 64}},
    )


def precisions() -> Grid:
    """Return the precisions of SAM-Audio, against the highest."""
    return Grid(
        name="Precisions",
        settings={
            "prompts": ["vocals"],
            **_sam((registry.SAM_AUDIO,)),
            "sam": {"precision": list(PRECISIONS)},
        },
        reference={"sam": {"precision": PRECISIONS[0]}},
    )


def attention_caching() -> Grid:
    """Return SAM-Audio with attention used again within several tolerances, and with fewer steps instead."""
    tolerances = [{"solver": EULER, "sam": {"attention_caching": tolerance}} for tolerance in TOLERANCES]
    fewer = [{"solver": EULER | {"n_steps": n_steps}} for n_steps in (12, 8)]
    return Grid(
        name="Attention caching",
        settings={
            "prompts": ["vocals"],
            **_sam(("sam_torch",)),
            "cases": [*tolerances, *fewer],
        },
        reference={"solver": {"method": "midpoint", "n_steps": 64}},
    )


def chunks() -> Grid:
    """Return short and long chunks with every separator that is cut so, against the longest."""
    plain = Request(prompts=(Prompt(text=PROMPTS[-1]),))
    cut = [backend.name for backend, models in _usable() if models and RequestField.CHUNKS in backend.uses(plain)]
    return Grid(
        name="Chunk lengths",
        settings={"prompts": PROMPTS, "backend": cut, "chunks": {"chunk_s": CHUNKS_S}},
        reference={"chunks": {"chunk_s": CHUNKS_S[-1]}},
    )


def quick() -> Grid:
    """Return the separators here that take 10 s of audio in under a minute all together, each with its first model."""
    fastest = sorted(
        ((_quick_s(backend, models[0]), backend.name, models[0]) for backend, models in _usable() if models),
        key=lambda one: one[0],
    )
    cases: list[dict[str, Any]] = []
    total_s = 0.0
    for seconds, name, model in fastest:
        total_s += seconds
        if total_s <= QUICK_BUDGET_S or not cases:
            cases.append({"backend": name, "model": model})
    return Grid(
        name="Quick look",
        settings={"prompts": PROMPTS, **_together(cases)},
        passage=Passage(length_s=QUICK_S),
        n_times=1,
    )


EXAMPLES: Mapping[str, Example] = {
    "separators": Example(
        label="Which separator is best here",
        about="Every separator with every model that can be used on this computer: drums, bass and vocals.",
        grid=separators,
    ),
    "solvers": Example(
        label="Solvers and steps",
        about="Each solver of SAM-Audio with 2 to 32 steps, and how far each is from 64 midpoint steps.",
        grid=solvers_and_steps,
    ),
    "precisions": Example(
        label="Precisions",
        about="SAM-Audio with 32-bit, 16-bit and 8-bit numbers, and how far each is from the first.",
        grid=precisions,
    ),
    "attention": Example(
        label="Attention caching",
        about="SAM-Audio with 16 Euler steps, attention used again within 5, 10 and 20 %, and with 12 and 8 steps.",
        grid=attention_caching,
    ),
    "chunks": Example(
        label="Chunk lengths",
        about="Chunks of 5, 10 and 20 s, and how far each is from the longest.",
        grid=chunks,
    ),
    "quick": Example(
        label="A quick look",
        about="The fastest separators here on 10 s, once each, in under a minute.",
        grid=quick,
    ),
}


def _usable() -> list[tuple[Backend, list[str]]]:
    """Return the separators that “auto” may take, each with its models that can do `PROMPTS` here."""
    names = [name for name in registry.BACKENDS if name not in registry.NAMED_ONLY]
    return [(registry.get(name), _models(registry.get(name))) for name in names]


def _models(backend: Backend) -> list[str]:
    return [model for model in backend.models() if _can_use(backend, model)]


def _can_use(backend: Backend, model: str) -> bool:
    try:
        asked = _asked(backend, model)
        return bool(backend.targets(asked)) and backend.availability(asked).usable
    except PlaygroundError:
        return False


def _asked(backend: Backend, model: str) -> Request:
    prompts = tuple(Prompt(text=text) for text in PROMPTS)
    return backend.settle(Request(prompts=prompts, backend=backend.name, model=model))


def _case(backend: Backend, models: list[str]) -> dict[str, Any]:
    return {"backend": backend.name, "model": models[0] if len(models) == 1 else models}


def _together(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Return cases as settings; a single one needs no list."""
    return cases[0] if len(cases) == 1 else {"cases": cases}


def _sam(names: Iterable[str]) -> dict[str, Any]:
    """Return SAM-Audio with the first of its models that can be used here; without a name if none can."""
    there = [name for name in names if registry.named(name) is not None]
    found = next((model for name in there if (one := registry.named(name)) for model in _models(one)), None)
    backends = there if len(there) > 1 else there[0]
    return {"backend": backends} if found is None else {"backend": backends, "model": found}


def _quick_s(backend: Backend, model: str) -> float:
    """Return the seconds that a warm-up and a timed run take; infinite if unknown."""
    seconds = expected(_asked(backend, model), QUICK_S, ()).seconds
    return float("inf") if seconds is None else 2 * seconds[1]
