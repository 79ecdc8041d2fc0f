"""What a record does to all its stems at once. A gain is one for all that it reaches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from separation.models.builtin import SAMPLE_RATE

BLOCK = 256
PUMPING_RELEASE_S = 0.12
TINY = 1e-9


def mastered(stems: Tensor, are_drums: Sequence[bool], pumping: float, drive: float) -> Tensor:
    """The stems (stems, samples) as a record has them.

    Args:
        stems: what is mixed.
        are_drums: which of them push the others down.
        pumping: by how much they do at their loudest, 0 to 1.
        drive: the mix's peak in units of where a soft clipper bends; 0 for none.
    """
    drums = torch.tensor(are_drums, device=stems.device)
    if pumping and drums.any() and not drums.all():
        gain = 1 - pumping * envelope(stems[drums].sum(dim=0))
        stems = torch.where(drums[:, None], stems, stems * gain)
    if drive:
        mix = stems.sum(dim=0)
        bent = mix * (drive / (mix.abs().max() + TINY))
        stems = stems * torch.where(bent.abs() < 1e-3, torch.ones_like(bent), torch.tanh(bent) / (bent + TINY))
    return stems


def envelope(samples: Tensor) -> Tensor:
    """Peaks that fall within `PUMPING_RELEASE_S`, from 0 to 1, same length as `samples`."""
    n = samples.shape[-1]
    blocks = -(-n // BLOCK)
    padded = torch.nn.functional.pad(samples.abs(), (0, blocks * BLOCK - n))
    peaks = padded.view(blocks, BLOCK).amax(dim=-1).double()
    # Held peaks e[t] = max of x[s] d^(t-s): a cumulative maximum once the decay is divided out.
    rise = torch.arange(blocks, device=samples.device, dtype=torch.float64) * (BLOCK / SAMPLE_RATE / PUMPING_RELEASE_S)
    held = torch.cummax(torch.log(peaks + TINY) + rise, dim=0).values - rise
    curve = torch.exp(held - held.max()).float()
    smooth = torch.nn.functional.interpolate(curve[None, None], size=blocks * BLOCK, mode="linear", align_corners=False)
    return smooth[0, 0, :n]
