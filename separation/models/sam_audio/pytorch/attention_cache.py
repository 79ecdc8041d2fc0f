"""Reuses the self-attention of layers in which it hardly changes from one evaluation of the velocity to the next.

Along a solver's steps some layers of SAM-Audio settle early while others go on changing (layer-selective attention
caching, arXiv:2606.10046). Which ones do is not assumed here but measured, for each layer and each clip of a batch:
what a layer's attention gave is used again for as many evaluations as it would take, at the rate of its last change, to
be off by the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MOST_REUSES = 3  # one after another: a rate of change is not to be trusted for longer


class AttentionCache:
    """What the self-attention of each layer gave last, along one solve.

    Args:
        tolerance: change, relative to what the attention gave in the root mean square, up to which it is used again.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._kept: dict[int, Tensor] = {}  # by layer, (batch, frames, dim)
        self._ages: dict[int, Tensor] = {}  # evaluations since then, (batch,)
        self._reuses: dict[int, Tensor] = {}  # how often it may be used again, (batch,)

    def __call__(self, layer: int, compute: Callable[[], Tensor]) -> Tensor:
        """Return what a layer's attention gave before, or what `compute` gives, for each clip of the batch.

        Clips do not affect each other: one that would be computed alone is computed beside others as well.
        """
        kept = self._kept.get(layer)
        if kept is None:
            made = compute()
            self._ages[layer] = torch.zeros(len(made), dtype=torch.long)
            self._reuses[layer] = torch.zeros(len(made), dtype=torch.long)
        else:
            self._ages[layer] += 1
            is_due = self._ages[layer] > self._reuses[layer]
            if not bool(is_due.any()):
                return kept
            made = compute()
            change = (_size(made - kept) / _size(made).clamp(min=1e-20)).cpu() / self._ages[layer]
            reuses = (self._tolerance / change.clamp(min=1e-9)).long().clamp(max=MOST_REUSES)
            self._reuses[layer] = torch.where(is_due, reuses, self._reuses[layer])
            self._ages[layer] = torch.where(is_due, 0, self._ages[layer])
            made = torch.where(is_due.to(made.device)[:, None, None], made, kept)
        self._kept[layer] = made
        return made


def _size(values: Tensor) -> Tensor:
    size: Tensor = torch.linalg.vector_norm(values, dim=(1, 2), dtype=torch.float32)
    return size
