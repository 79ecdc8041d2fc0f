"""Targets: the tracks of a run, computed as sums of stems or as the mixture minus such a sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from separation.errors import PromptError
from separation.prompts.folding import folded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from separation.request import Request

Samples: TypeAlias = "NDArray[np.float32]"
RESIDUAL = "everything else"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One track to make: the sum of `stems`, or, as a `complement`, the mixture minus that sum.

    “drums and bass” is the sum of two stems; “instrumental” is the mixture minus the vocals, which loses nothing where
    a model's stems do not add up to the mixture.
    """

    name: str
    stems: frozenset[str]
    complement: bool = False

    def of(self, stems: Mapping[str, Samples], mixture: Samples) -> Samples:
        """Return the target's samples, of the mixture's shape."""
        import numpy as np  # not above: looking a kept result up works with names alone

        total = np.zeros_like(mixture)
        for name in sorted(self.stems):
            total += stems[name]
        return mixture - total if self.complement else total


def is_reserved(name: str) -> bool:
    """Whether a name, whatever its case, is that of the residual, which every result has."""
    return folded(name) == RESIDUAL


def refuse_reserved(*names: str) -> None:
    """Refuse prompts that are called like the residual.

    Raises:
        PromptError: one is.
    """
    for name in filter(is_reserved, names):
        raise PromptError(
            f"“{name.strip()}” cannot be asked for by that name.",
            "It is the track of what all other prompts leave, which every result has.",
            "Leave it out.",
        )


def residual_stem(name: str) -> str:
    """Return the stem for a generative model's own residual of the target `name`: its “everything but <name>”."""
    return f"everything but {name}"


def own_residuals(names: Iterable[str], request: Request) -> tuple[str, ...]:
    """Return the stems of a generative model's own residuals of these targets, if they are requested."""
    return tuple(map(residual_stem, names)) if request.sam.residual == "model" else ()


def tracks_of(targets: Sequence[Target], request: Request) -> tuple[Target, ...]:
    """Return the tracks of a run: its targets, and one residual of the mixture unless the model's own are requested."""
    left_over = residual(targets) if request.sam.residual == "mixture" else None
    return (*targets, left_over) if left_over else tuple(targets)


def residual(targets: Sequence[Target]) -> Target | None:
    """Return the target of all that no other covers; if targets do not overlap, all add up to the mixture.

    None when nothing is left over.
    """
    named = frozenset[str]().union(*(target.stems for target in targets if not target.complement))
    excluded = [target.stems for target in targets if target.complement]
    if not excluded:
        return Target(name=RESIDUAL, stems=named, complement=True)
    left_over = frozenset.intersection(*excluded) - named
    return Target(name=RESIDUAL, stems=left_over) if left_over else None
