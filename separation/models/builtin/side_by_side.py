"""Computes the rows of a batch side by side on a processor: a share of them in each thread, each thread on one core.

PyTorch's recurrent layers divide every single step among the cores instead, and have them wait for each other after
it, thousands of times for 16 s of audio. Where threads sleep while they wait, or another program takes a core, that
took longer than a single core does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Barrier

import torch
from torch import Tensor


def by_rows(work: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Return `work(batch)`, of the batch's shape (batch, rows, ...), for work that treats each row alone.

    It is done in one piece where gradients are wanted, and where the device is no processor or has a single core.
    """
    n_cores = torch.get_num_threads()
    if n_cores == 1 or batch.device.type != "cpu" or not torch.is_inference_mode_enabled():
        return work(batch)
    made = torch.empty_like(batch, memory_format=torch.contiguous_format)

    def compute(rows: Tensor, into: Tensor) -> None:
        with torch.inference_mode():  # a thread does not inherit it
            into.copy_(work(rows))

    n_shares = min(n_cores, batch.shape[1])
    shares = zip(batch.tensor_split(n_shares, dim=1), made.tensor_split(n_shares, dim=1), strict=True)
    for computed in [_threads(n_cores).submit(compute, *share) for share in shares]:
        computed.result()
    return made


@lru_cache(maxsize=1)
def _threads(n_cores: int) -> ThreadPoolExecutor:
    """Return as many threads, in each of which PyTorch uses one core."""
    threads, all_there = ThreadPoolExecutor(n_cores, "builtin-network"), Barrier(n_cores)

    def settle() -> None:
        all_there.wait()  # so that each thread does this once
        torch.get_num_threads()  # a thread that has never asked would go by the number that was set last
        torch.set_num_threads(1)

    for settled in [threads.submit(settle) for _ in range(n_cores)]:
        settled.result()
    torch.set_num_threads(n_cores)  # what was set last is what new threads begin with
    return threads
