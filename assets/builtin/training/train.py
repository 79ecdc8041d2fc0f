"""`python -m assets.builtin.training.train`: train, or go on training, until stopped or for so many minutes."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from assets.builtin.training.cache import cache_folder
from assets.builtin.training.learning import Learner, Training, batches
from assets.builtin.training.mixing import StemStore
from separation.models.builtin.network import NetworkShape

CHECKPOINT_EVERY_S = 60.0
LOG_EVERY = 25


def train(
    learner: Learner,
    stems: Path,
    checkpoint: Path,
    *,
    minutes: float | None = None,
    cooldown_minutes: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train on the stems of a folder and keep a checkpoint.

    Without `minutes` it runs until it is stopped. With them the learning rate falls to nothing over the last
    `cooldown_minutes`, by the clock; what was there before is kept beside as `before-cooldown`, to go on from later.
    """
    started = saved = logged = clock()
    costs: list[float] = []
    cooling = False
    while True:
        store = StemStore(stems, learner.device)
        for example in batches(store, learner.training, learner.steps, learner.training.rescan_steps):
            now = clock()
            left_s = float("inf") if minutes is None else started + 60 * minutes - now
            if left_s < 0:
                learner.save(checkpoint)
                return
            if left_s < 60 * cooldown_minutes and not cooling:
                cooling = True
                learner.save(checkpoint.with_name(f"before-cooldown{checkpoint.suffix}"))
            costs.append(learner.step(example, min(1.0, left_s / max(60 * cooldown_minutes, 1e-9)) if cooling else 1.0))
            learner.seconds += clock() - now
            if learner.steps % LOG_EVERY == 0:
                record = {"steps": learner.steps, "loss": sum(costs) / len(costs), "minutes": learner.seconds / 60}
                learner.history.append(record)
                speed = len(costs) * learner.training.batch / max(1e-9, now - logged)
                n_songs, n_voices = (len(store.numbers[name]) for name in ("drums", "vocals"))
                print(
                    f"{time.strftime('%H:%M:%S')} step {learner.steps} loss {record['loss']:.4f} "
                    f"{speed:.2f} examples/s, {n_songs} songs, {n_voices} voices",
                    flush=True,
                )
                costs, logged = [], now
            if now - saved > CHECKPOINT_EVERY_S:
                learner.save(checkpoint)
                saved = now


def main() -> None:
    """Read the arguments, resume if there is a checkpoint, train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=cache_folder() / "checkpoints" / "latest.pt")
    parser.add_argument("--stems", type=Path, default=cache_folder() / "stems" / "train")
    parser.add_argument("--minutes", type=float, default=None, help="stop after so long; default: run until stopped")
    parser.add_argument("--cooldown-minutes", type=float, default=0.0, help="at the end let the learning rate fall")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rate", type=float, default=None, help="another learning rate than the checkpoint's")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.set_flush_denormal(True)  # decaying tails would slow the arithmetic ten times
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training = Training(seed=asked.seed) if asked.rate is None else Training(seed=asked.seed, rate=asked.rate)
    if asked.checkpoint.exists():
        learner = Learner.resume(asked.checkpoint, device, training)
        print(f"going on from step {learner.steps}", flush=True)
    else:
        learner = Learner(training, NetworkShape(), device)
    train(learner, asked.stems, asked.checkpoint, minutes=asked.minutes, cooldown_minutes=asked.cooldown_minutes)


if __name__ == "__main__":
    main()
