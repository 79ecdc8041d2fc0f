"""A stand-in for CUDA graphs on a processor: operations are recorded with their tensors, and replayed on the same ones.

As with a real graph nothing but those operations happens at a replay, on the tensors they were recorded with, and no
value may be read while it is recorded.
"""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Recording(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        if operation is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        made = operation(*arguments, **(options or {}))
        self.operations.append((operation, arguments, options or {}, made))
        return made

    def replay(self):
        for operation, arguments, options, before in self.operations:
            made = operation(*arguments, **options)
            for old, new in zip(tree_leaves(before), tree_leaves(made), strict=True):
                if isinstance(old, torch.Tensor):
                    old.copy_(new)


class RecordedGraphs:
    """Captures as `separation.models.sam_audio.pytorch.graphs.Capture`, and counts captures and replays."""

    def __init__(self):
        self.n_captured = self.n_replayed = 0

    def __call__(self, compute):
        self.n_captured += 1
        recording = _Recording()
        with recording:
            made = compute()

        def replay():
            self.n_replayed += 1
            recording.replay()

        return replay, made
