"""The training loop: batches in, steps of AdamW, a running mean of the weights, a checkpoint every minute.

The state after n steps depends on the seed, the stems and n, and not on how often the run was stopped: every example is
drawn from (seed, its number), and a checkpoint holds weights, mean, optimiser and the count of steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from assets.builtin.training.cache import replacing
from assets.builtin.training.mixing import Example, StemStore, draw_plan, realise
from separation.models.builtin import CLASSES
from separation.models.builtin.network import TINY, NetworkShape, SeparatorNetwork

WARM_UP_STEPS = 150
CLIP = 1.0
MEAN_DECAY = 0.999
# A mask where its class is absent costs this much more: leaks are what a listener hears in a pause.
ABSENT_WEIGHT = 1.5
RATIO_WEIGHT = 0.5
# Energy of an absent class, re the mixture, below which nobody hears it for a mistake.
TOLERATED_DB = {"drums": -25.0, "bass": -25.0, "vocals": -25.0, "piano": -18.0, "guitar": -18.0, "strings": -18.0,
                "other": -18.0}  # fmt: skip
BETAS = (0.9, 0.99)


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How the network is trained.

    Args:
        batch: examples of a step.
        rate: learning rate of AdamW after the warm-up.
        weight_decay: its decay.
        seed: of everything random.
        workers: processes that mix, on a CPU.
        rescan_steps: after so many steps newly rendered stems are taken in.
    """

    batch: int = 8
    rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 0
    workers: int = 1
    rescan_steps: int = 250


class Learner:
    """A network in training: its weights, their running mean and the optimiser."""

    def __init__(self, training: Training, shape: NetworkShape, device: torch.device) -> None:
        torch.manual_seed(training.seed)
        self.training, self.device = training, device
        self.network = SeparatorNetwork(shape).to(device)
        self.mean = SeparatorNetwork(shape).to(device).requires_grad_(False)
        self.mean.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=training.rate, weight_decay=training.weight_decay, betas=BETAS
        )
        self.steps = 0
        self.seconds = 0.0
        self.history: list[dict[str, Any]] = []

    def step(self, example: Example, rate_share: float = 1.0) -> float:
        """One step on a batch; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.training.rate * rate_share * min(1.0, (self.steps + 1) / WARM_UP_STEPS)
        with torch.autocast(self.device.type, torch.bfloat16):
            masks = self.network(example.power, example.off_centre)
        cost = loss(masks, example)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(cost)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()
        self.steps += 1
        decay = min(MEAN_DECAY, self.steps / (self.steps + 9))
        with torch.no_grad():
            for mean, current in zip(self.mean.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(current, 1 - decay)
        return float(cost.detach())

    def save(self, path: Path) -> None:
        """Write everything needed to go on; a kill at any moment leaves the old file or the new one."""
        state = {
            "shape": asdict(self.network.shape), "training": asdict(self.training), "steps": self.steps,
            "seconds": self.seconds, "history": self.history, "network": self.network.state_dict(),
            "mean": self.mean.state_dict(), "optimiser": self.optimiser.state_dict(),
        }  # fmt: skip
        with replacing(path) as partial:
            torch.save(state, partial)

    @classmethod
    def resume(cls, path: Path, device: torch.device, training: Training | None = None) -> Learner:
        """The learner a checkpoint was saved from, with its settings unless others are given."""
        state = torch.load(path, map_location=device, weights_only=True)
        learner = cls(training or Training(**state["training"]), NetworkShape(**state["shape"]), device)
        learner.network.load_state_dict(state["network"])
        learner.mean.load_state_dict(state["mean"])
        learner.optimiser.load_state_dict(state["optimiser"])
        learner.steps, learner.seconds, learner.history = state["steps"], state["seconds"], state["history"]
        return learner


def loss(masks: Tensor, example: Example) -> Tensor:
    """Squared error of the masks, weighted by loudness, and the logarithm of what of each stem is missed.

    The first is summed over the classes and averaged over all else; loud stems decide it. The second is one number for
    each class that is present, be it loud or quiet: the energy of the error over the stem's own, about the negative
    signal-to-noise ratio, with no reward beyond 30 dB. Of an absent class it is the energy of its leak over
    `TOLERATED_DB`, with no reward below: with one, leaks sank to -45 dB, and quiet stems were taken for absent.
    """
    absent = 1 - example.present
    squares = (masks - example.masks).square()
    weights = (1 + (ABSENT_WEIGHT - 1) * absent)[:, :, None, None] * example.weight[:, None]
    of_masks = (squares * weights).sum(dim=1).mean()
    power = example.power[:, None]
    errors, total = (power * squares).sum(dim=(2, 3)), power.sum(dim=(2, 3)) + TINY
    own = (power * example.masks.square()).sum(dim=(2, 3)) + 1e-5 * total
    missed = torch.log(errors / own + 1e-3)
    tolerated = 10 ** (torch.tensor([TOLERATED_DB[name] for name in CLASSES], device=masks.device) / 10)
    leaked = torch.log1p(errors / (tolerated * total))
    of_stems = (missed * example.present + leaked * absent).sum() / example.present.sum().clamp_min(1)
    return of_masks + RATIO_WEIGHT * of_stems


def batches(store: StemStore, training: Training, first_step: int, n_steps: int) -> Iterator[Example]:
    """The batches of steps [first_step, first_step + n_steps)."""
    examples = _Examples(store, training.seed, first_step * training.batch, n_steps * training.batch)
    on_cpu = store.device.type == "cpu"  # with the stems on a GPU, mixing is done there, in this process
    workers = min(training.workers, n_steps) if on_cpu else 0
    loader = DataLoader(
        examples, batch_size=training.batch, num_workers=workers, prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread,
    )  # fmt: skip
    for batch in loader:
        yield Example(*batch)


class _Examples(Dataset[Example]):
    def __init__(self, store: StemStore, seed: int, first: int, count: int) -> None:
        self.store, self.seed, self.first, self.count = store, seed, first, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng((self.seed, self.first + index))
        with torch.no_grad():
            return realise(draw_plan(rng, self.store.numbers), self.store)


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
